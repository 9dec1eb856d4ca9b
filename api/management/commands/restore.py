"""Bring a withdrawn invoice back."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from api import wiring
from api.acts import ActRefused
from api.management.operator import ActCommand


class Command(ActCommand):
    """`manage.py restore CUSTOMER INVOICE --why …`."""

    help = "Bring a withdrawn invoice back into the expenses."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the invoice's ids."""
        parser.add_argument("customer_id")
        parser.add_argument("invoice_id")
        super().add_arguments(parser)

    def handle(self, *_args: Any, **options: Any) -> None:  # noqa: ANN401 - Django's signature
        """Restore it."""
        try:
            revision = wiring.acts().restore(
                options["customer_id"], options["invoice_id"], None, self.operator(options)
            )
        except ActRefused as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"restored: {revision.customer_id} {revision.invoice_id}, now revision {revision.rev}"
        )
