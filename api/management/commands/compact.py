"""Compact the tables that reports read."""

import logging
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from api import logs, metrics, wiring
from api.maintenance.lease import LeaseTaken, held
from api.management.operator import holder, now
from api.reports.compaction import compact, erase
from api.reports.report import ReportFailed
from invoice_parser.wording import counted

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    """`manage.py compact`."""

    help = "Take new CSV objects into the table of all invoices. Run it once an hour, by a timer."

    def handle(self, *_args: Any, **_options: Any) -> None:  # noqa: ANN401 - Django's signature
        """Compact once, and erase from the table what `erase` ordered."""
        eraser = wiring.eraser()
        try:
            with held(wiring.ledger(), "compact", holder(), now) as lease:
                orders = eraser.orders()
                with wiring.compactable(lease.keep) as tables:
                    erase(tables, ((order.customer_id, order.invoice_id) for order in orders))
                    compaction = compact(tables, now(), lease.keep)
                    if orders:
                        tables.optimize()
                if orders:
                    eraser.done()
        except (LeaseTaken, ReportFailed) as error:
            raise CommandError(str(error)) from error
        age = metrics.Sample(name="compaction_age_seconds", value=(now() - compaction.at).total_seconds())
        logger.info(logs.COMPACTED, extra={"compaction": str(compaction), "metrics": (age,)})
        erased = f", erased {counted(len(orders), 'order')}" if orders else ""
        self.stdout.write(str(compaction) + erased)
