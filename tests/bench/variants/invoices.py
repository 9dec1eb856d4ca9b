"""What every variant shares: where things are, the parser, and a CSV row of the original's nine columns."""

import csv
import io
import os

from invoice_parser import Invoice

SOURCE_BUCKET = os.environ["DOCPROC_SOURCE_BUCKET"]
DESTINATION_BUCKET = os.environ["DOCPROC_DESTINATION_BUCKET"]
TABLE = "docproc-invoice"
_COLUMNS = (
    "customer_id",
    "invoice_id",
    "issue_date",
    "seller_name",
    "buyer_name",
    "net_amount",
    "tax_amount",
    "total_amount",
    "amount_in_words",
)


def csv_line(invoice: Invoice) -> str:
    """Return the row, every field quoted."""
    line = io.StringIO()
    csv.writer(line, quoting=csv.QUOTE_ALL, lineterminator="\n").writerow(
        str(getattr(invoice, name)) for name in _COLUMNS
    )
    return line.getvalue()


def csv_key(invoice: Invoice) -> str:
    """Return the key of the CSV object."""
    return f"csv/{invoice.customer_id}_{invoice.invoice_id}.csv"
