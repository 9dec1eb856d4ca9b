"""Tell people of rejections."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from api import wiring
from api.maintenance.lease import LeaseTaken, held
from api.maintenance.notify import notify
from api.management.operator import holder, now
from api.ports import TemporaryFailure
from invoice_parser.wording import counted


class Command(BaseCommand):
    """`manage.py notify`."""

    help = "Tell people which documents were rejected since they were last told. Run it by a timer."

    def handle(self, *_args: Any, **_options: Any) -> None:  # noqa: ANN401 - Django's signature
        """Publish, if there is a topic and something to tell."""
        announcements = wiring.announcements()
        if announcements is None:
            self.stdout.write("nobody is to be told: DOCPROC_REJECTION_TOPIC_ARN is not set")
            return
        ledger = wiring.ledger()
        try:
            with held(ledger, "notify", holder(), now):
                number = notify(ledger, announcements.publish, now())
        except (LeaseTaken, TemporaryFailure) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{counted(number, 'rejection')} told")
