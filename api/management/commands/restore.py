"""Bring a withdrawn invoice back."""

from api.acts import Acts, Operator
from api.management.operator import StatusCommand
from api.records import Revision


class Command(StatusCommand):
    """`manage.py restore CUSTOMER INVOICE [--rev REV] --why …`."""

    help = "Bring a withdrawn invoice back into the expenses."
    done = "restored"

    def act(
        self, acts: Acts, customer_id: str, invoice_id: str, rev: int | None, operator: Operator
    ) -> Revision:
        """Restore it."""
        return acts.restore(customer_id, invoice_id, rev, operator)
