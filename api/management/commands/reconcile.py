"""Bring bucket, ledger and CSV objects into balance."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from api import wiring
from api.maintenance.lease import LeaseTaken, held
from api.management.operator import Progress, holder, now


class Command(BaseCommand):
    """`manage.py reconcile [--full] [--dry-run]`."""

    help = (
        "Process the versions in the source bucket that the ledger does not know, make sure of recent "
        "CSV objects, print the balance. Exit status 1 while it does not close."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the switches."""
        parser.add_argument("--full", action="store_true", help="look at every version, not only recent ones")
        parser.add_argument("--dry-run", action="store_true", help="look and count, change nothing")

    def handle(self, *_args: Any, **options: Any) -> None:  # noqa: ANN401 - Django's signature
        """Sweep once."""
        progress = Progress(self)
        try:
            with held(wiring.ledger(), "reconcile", holder(), now) as lease:
                balance = wiring.reconciler(now).run(
                    lease, full=options["full"], dry_run=options["dry_run"], progress=progress
                )
        except LeaseTaken as error:
            raise CommandError(str(error)) from error
        finally:
            progress.end()
        self.stdout.write(str(balance))
        if not balance.is_closed:
            raise CommandError("the balance does not close yet", returncode=1)
