"""The books: what analysts would read from the CSV objects alone, and what the ledger says.

Written without the service's own code, so that a mistake there cannot agree with itself.
"""

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import TypeAlias

from api.records import Revision

InvoiceId: TypeAlias = tuple[str, str]
_TOTAL, _STATUS, _REV = 7, 17, 18


def expenses_of(objects: Mapping[str, bytes]) -> dict[InvoiceId, Decimal]:
    """Return the total of each active invoice: the highest revision wins, as in the views of Athena.

    Fails where two rows of one revision differ, for then readers would differ as well.
    """
    winners = {invoice_id: rows[max(rows)] for invoice_id, rows in _rows_of(objects).items()}
    return {
        invoice_id: Decimal(row[_TOTAL]) for invoice_id, row in winners.items() if row[_STATUS] == "active"
    }


def highest_revs(objects: Mapping[str, bytes]) -> dict[InvoiceId, int]:
    """Return the highest rev of each invoice that has a row."""
    return {invoice_id: max(rows) for invoice_id, rows in _rows_of(objects).items()}


def active_of(revisions: Iterable[Revision]) -> dict[InvoiceId, Decimal]:
    """Return the total of each active invoice by the current revisions of the ledger."""
    return {
        (revision.customer_id, revision.invoice_id): Decimal(_cells(revision.row)[_TOTAL])
        for revision in revisions
        if revision.status == "active"
    }


def place_of(row: bytes) -> tuple[str, str, int]:
    """Return the customer, the invoice and the rev of a row."""
    cells = _cells(row)
    return cells[0], cells[1], int(cells[_REV])


def _rows_of(objects: Mapping[str, bytes]) -> dict[InvoiceId, dict[int, list[str]]]:
    found: dict[InvoiceId, dict[int, list[str]]] = defaultdict(dict)
    for key, data in objects.items():
        if not key.startswith("csv/v1/"):
            continue
        for row in csv.reader(io.StringIO(data.decode(), newline="")):
            same = found[row[0], row[1]].setdefault(int(row[_REV]), row)
            assert same == row, f"two rows of one revision differ: {same} and {row}"
    return found


def _cells(row: bytes) -> list[str]:
    (cells,) = csv.reader(io.StringIO(row.decode(), newline=""))
    return cells
