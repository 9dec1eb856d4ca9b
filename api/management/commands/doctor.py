"""Find out what is wrong with the deployment."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from api import wiring
from api.maintenance.doctor import examine
from api.management.operator import now
from invoice_parser.wording import counted


class Command(BaseCommand):
    """`manage.py doctor`."""

    help = "Look whether all that the service needs is there, and name what mends each fault."

    def handle(self, *_args: Any, **_options: Any) -> None:  # noqa: ANN401 - Django's signature
        """Examine, print, and fail if there is a fault."""
        where = f"embedded AWS, {settings.DOCPROC_AWS_ENDPOINT_URL}" if wiring.is_local() else "AWS"
        self.stdout.write(f"{where}, region {settings.DOCPROC_AWS_REGION}")
        number = 0
        for examined in examine(wiring.examination(now)):
            self.stdout.write(f"{'FAULT' if examined.faults else 'ok   '}  {examined.check}")
            for fault in examined.faults:
                self.stdout.write(f"         {fault.what}\n         mend: {fault.mend}")
            for what in examined.unchecked:
                self.stdout.write(f"         not checked: {what}")
            number += len(examined.faults)
        if number:
            raise CommandError(counted(number, "fault"), returncode=1)
