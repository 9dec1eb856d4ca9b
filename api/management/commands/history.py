"""Show what became of an invoice, revision by revision."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from api import wiring
from invoice_parser.wording import printable


class Command(BaseCommand):
    """`manage.py history CUSTOMER INVOICE`."""

    help = "Show an invoice's revisions, newest first: when, from which document, by whose act."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the invoice's ids."""
        parser.add_argument("customer_id")
        parser.add_argument("invoice_id")

    def handle(self, *_args: Any, **options: Any) -> None:  # noqa: ANN401 - Django's signature
        """Print a line a revision."""
        revisions = wiring.ledger().history(options["customer_id"], options["invoice_id"])
        if not revisions:
            ids = f"{options['invoice_id']} of {options['customer_id']}"
            raise CommandError(printable(f"there is no invoice {ids}"))
        for revision in revisions:
            act = revision.act
            by = f"{act.kind} by {act.who}: {act.why}" if act else "delivered"
            self.stdout.write(
                f"r{revision.rev:06d}  {revision.stored_at:%Y-%m-%d %H:%M:%S}Z  {revision.status:9}  "
                + printable(f"{revision.source_key}@{revision.version_id}  {by}")
            )
