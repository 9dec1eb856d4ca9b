"""Find out what is wrong with the deployment."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from api import wiring
from api.management.operator import now
from invoice_parser.wording import counted


class Command(BaseCommand):
    """`manage.py doctor`."""

    help = "Look whether all that the service needs is there, and name what mends each fault."

    def handle(self, *_args: Any, **_options: Any) -> None:  # noqa: ANN401 - Django's signature
        """Examine, print, and fail if there is a fault."""
        number = 0
        for name, faults in wiring.doctor(now).examine():
            self.stdout.write(f"{'FAULT' if faults else 'ok   '}  {name}")
            for fault in faults:
                self.stdout.write(f"         {fault.what}\n         mend: {fault.mend}")
            number += len(faults)
        if number:
            raise CommandError(counted(number, "fault"), returncode=1)
