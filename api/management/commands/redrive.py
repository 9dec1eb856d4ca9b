"""Bring back the messages that SNS gave up on."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from api import wiring
from api.maintenance.lease import LeaseTaken, held
from api.management.operator import Progress, holder, now
from invoice_parser.wording import counted


class Command(BaseCommand):
    """`manage.py redrive [--dry-run]`."""

    help = (
        "Drain the dead-letter queue through the same pipeline; a message goes when its outcome is durable."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the switch."""
        parser.add_argument("--dry-run", action="store_true", help="say how many wait, change nothing")

    def handle(self, *_args: Any, **options: Any) -> None:  # noqa: ANN401 - Django's signature
        """Drain it once."""
        if options["dry_run"]:
            self.stdout.write(f"about {counted(wiring.dead_letters().depth(), 'message')} waiting")
            return
        progress = Progress(self)
        try:
            with held(wiring.ledger(), "redrive", holder(), now) as lease:
                done = wiring.redrive(now).run(lease, progress=progress)
        except LeaseTaken as error:
            raise CommandError(str(error)) from error
        finally:
            progress.end()
        self.stdout.write(str(done))
        if done.failed:
            raise CommandError("some could not be delivered now; run it again", returncode=1)
