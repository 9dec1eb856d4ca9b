"""Erase a customer."""

import sys
from typing import Any

from django.core.management.base import CommandError, CommandParser

from api import wiring
from api.acts import ActRefused
from api.maintenance.erase import Erasure, NotErasable
from api.maintenance.lease import LeaseTaken, held
from api.management.operator import ActCommand, Progress, holder, now, parse_document
from api.ports import TemporaryFailure
from api.records import Act
from invoice_parser.wording import counted, printable

_NO_RIGHT = (
    "\nTo erase wants rights that the service has not. Attach the stack's policy for it (its output"
    " EraserPolicyArn) to whoever runs this, for as long as it takes: infra/README.md, Erasing."
    " Then run it again: everything is done again and nothing twice"
)


class Command(ActCommand):
    """`manage.py erase CUSTOMER [INVOICE] --why …`, or `manage.py erase --document KEY@VERSION --why …`."""

    help = (
        "Remove a customer's texts, rows and objects from everywhere the service wrote them; "
        "that it was done, by whom and why, stays. Cannot be undone. Wants the right to delete "
        "copies of rejections, which the service's own role does not have: the stack's output "
        "EraserPolicyArn names the policy that has it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add whom."""
        parser.add_argument("customer_id", nargs="?", default="")
        parser.add_argument("invoice_id", nargs="?", default="", help="this invoice only")
        parser.add_argument(
            "--document",
            type=parse_document,
            metavar="KEY@VERSION",
            help="this rejection only: one that could not be read names no customer",
        )
        parser.add_argument("--yes", action="store_true", help="do not ask")
        super().add_arguments(parser)

    def handle(self, *_args: Any, **options: Any) -> None:  # noqa: ANN401 - Django's signature
        """Erase, once it is confirmed."""
        document, customer_id = options["document"], options["customer_id"]
        if bool(document) == bool(customer_id):
            raise CommandError("name a customer, or one rejection with --document KEY@VERSION")
        erasure = Erasure(customer_id=customer_id, invoice_id=options["invoice_id"])
        what = printable("@".join(document) if document else _told(erasure))
        _confirm(what, is_agreed=options["yes"])
        try:
            act = self.operator(options).act("erase")
            if document:
                source_key, version_id = document
                wiring.eraser().run_document(source_key, version_id, act)
                self.stdout.write(f"erased: {what}")
            else:
                self._erase(erasure, what, act)
        except (ActRefused, LeaseTaken, NotErasable) as error:
            raise CommandError(printable(str(error))) from error
        except TemporaryFailure as error:
            raise CommandError(f"{error}{_NO_RIGHT if 'AccessDenied' in error.code else ''}") from error

    def _erase(self, erasure: Erasure, what: str, act: Act) -> None:
        progress = Progress(self)
        try:
            # Compaction's lease: it must not copy rows into the table while they are being erased.
            with held(wiring.ledger(), "compact", holder(), now) as lease:
                count = wiring.eraser().run(erasure, act, lease, progress)
        finally:
            progress.end()
        if not count:
            raise CommandError(f"nothing is known of {what}")
        self.stdout.write(
            f"erased: {what}, {counted(count, 'record')}. Reports follow with the next `compact`; "
            "rejections that could not be read name no customer: look for them in `rejections list`, "
            "and erase each with --document KEY@VERSION"
        )


def _told(erasure: Erasure) -> str:
    return f"{erasure.invoice_id} of {erasure.customer_id}" if erasure.invoice_id else erasure.customer_id


def _confirm(what: str, *, is_agreed: bool) -> None:
    """Raise CommandError unless somebody agrees."""
    if is_agreed:
        return
    if not sys.stdin.isatty():
        raise CommandError("there is nobody to ask; add --yes")
    if input(f"Erase {what}? It cannot be undone. Write yes: ") != "yes":
        raise CommandError("nothing was erased")
