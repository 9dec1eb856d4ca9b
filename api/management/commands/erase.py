"""Erase a customer."""

import sys
from typing import Any

from django.core.management.base import CommandError, CommandParser

from api import wiring
from api.acts import ActRefused
from api.maintenance.erase import Erasure
from api.maintenance.lease import LeaseTaken, held
from api.management.operator import ActCommand, Progress, holder, now
from invoice_parser.wording import counted, printable


class Command(ActCommand):
    """`manage.py erase CUSTOMER [INVOICE] --why …`."""

    help = (
        "Remove a customer's texts, rows and objects from everywhere the service wrote them; "
        "that it was done, by whom and why, stays. Cannot be undone. Wants the right to delete "
        "objects of the destination bucket, which the service's own role does not have."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add whom."""
        parser.add_argument("customer_id")
        parser.add_argument("invoice_id", nargs="?", default="", help="this invoice only")
        parser.add_argument("--yes", action="store_true", help="do not ask")
        super().add_arguments(parser)

    def handle(self, *_args: Any, **options: Any) -> None:  # noqa: ANN401 - Django's signature
        """Erase, once it is confirmed."""
        erasure = Erasure(customer_id=options["customer_id"], invoice_id=options["invoice_id"])
        what = (
            f"invoice {erasure.invoice_id} of {erasure.customer_id}"
            if erasure.invoice_id
            else "everything of "
        )
        what = what if erasure.invoice_id else what + erasure.customer_id
        if not options["yes"] and not sys.stdin.isatty():
            raise CommandError("there is nobody to ask; add --yes")
        if not options["yes"] and input(f"Erase {what}? It cannot be undone. Write yes: ") != "yes":
            raise CommandError("nothing was erased")
        progress = Progress(self)
        try:
            act = self.operator(options).act("erase")
            # Compaction's lease: it must not copy rows into the table while they are being erased.
            with held(wiring.ledger(), "compact", holder(), now) as lease:
                count = wiring.eraser().run(erasure, act, lease, progress)
        except (ActRefused, LeaseTaken) as error:
            raise CommandError(printable(str(error))) from error
        finally:
            progress.end()
        if not count:
            ids = f"{erasure.invoice_id} {erasure.customer_id}".strip()
            raise CommandError(printable(f"nothing is known of {ids}"))
        self.stdout.write(
            f"erased: {printable(what)}, {counted(count, 'record')}. Reports follow with the next `compact`; "
            "rejections that could not be read name no customer: look for them in `rejections list`"
        )
