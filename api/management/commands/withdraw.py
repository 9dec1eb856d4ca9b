"""Take an invoice out of the expenses."""

from api.acts import Acts, Operator
from api.management.operator import StatusCommand
from api.records import Revision


class Command(StatusCommand):
    """`manage.py withdraw CUSTOMER INVOICE [--rev REV] --why …`."""

    help = "Take an invoice out of the expenses; its text and its history stay."
    done = "withdrawn"

    def act(
        self, acts: Acts, customer_id: str, invoice_id: str, rev: int | None, operator: Operator
    ) -> Revision:
        """Withdraw it."""
        return acts.withdraw(customer_id, invoice_id, rev, operator)
