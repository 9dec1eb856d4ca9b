"""Make the tables and views in Athena."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from api import wiring
from api.maintenance.lease import LeaseTaken, held
from api.management.operator import holder, now
from api.reports.athena import AthenaEngine
from api.reports.report import ReportFailed
from api.reports.schema import create


class Command(BaseCommand):
    """`manage.py create_tables`."""

    help = "Make what is missing of the tables in Athena, and the views anew. Safe to repeat."

    def handle(self, *_args: Any, **_options: Any) -> None:  # noqa: ANN401 - Django's signature
        """Make them; compact must not replace a view meanwhile."""
        try:
            with (
                held(wiring.ledger(), "compact", holder(), now) as lease,
                wiring.compactable(lease.keep) as tables,
            ):
                if not isinstance(tables, AthenaEngine):
                    raise CommandError(
                        "Local mode makes its tables by itself: `manage.py compact` is enough."
                    )
                create(tables, wiring.destination().bucket)
        except (LeaseTaken, ReportFailed) as error:
            raise CommandError(str(error)) from error
        self.stdout.write("The tables and views are there.")
