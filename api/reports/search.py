"""Looking for invoices: the one report that pages through its rows, and what one currency comes to."""

from collections.abc import Mapping
from typing import Final

from api.reports.parameters import Parameter
from api.reports.queries.common import SUMS, SUMS_SQL, WHERE, WHICH
from api.reports.queries.lists import INVOICE_COLUMNS, INVOICE_COLUMNS_SQL
from api.reports.report import Column, Report

# Every order ends with the ids, so that pages neither repeat nor leave out a row.
_ORDERS: Final = {
    "date": "issue_date",
    "seller": "lower(seller_name)",
    "customer": "customer_id",
    "total": "total_amount",
    "stored": "stored_at",
}
_PARAMETERS: Final = (
    *WHICH,
    Parameter(name="name", kind="text", title="the seller's whole name"),
    Parameter(name="text", kind="text", title="part of an id, of the seller or of the buyer, in any case"),
    Parameter(name="least", kind="amount", title="the lowest total"),
    Parameter(name="most", kind="amount", title="the highest total"),
    Parameter(name="finding", kind="text", title="a finding's code; * for any"),
    Parameter(name="skip", kind="count", title="so many rows are left out", default=0),
    Parameter(name="limit", kind="count", title="at most so many rows", default=50),
)


def _search(name: str, order: str, direction: str) -> Report:
    return Report(
        name=f"search-by-{name}",
        title="Search",
        description="The invoices that fit, a page at a time; `found` is how many fit in all.",
        parameters=_PARAMETERS,
        columns=(*INVOICE_COLUMNS, Column(name="found", kind="count")),
        sql=f"""\
SELECT {INVOICE_COLUMNS_SQL}, count(*) OVER () AS found
FROM expenses
{WHERE}
    AND seller_name = :name
    AND strpos(lower(concat_ws(' ', customer_id, invoice_id, seller_name, buyer_name)), lower(:text)) > 0
    AND total_amount >= :least
    AND total_amount <= :most
    AND (:finding = '*' AND findings <> '' OR strpos(' ' || findings || ' ', ' ' || :finding || ' ') > 0)
ORDER BY {order} {direction}, customer_id, invoice_id
OFFSET :skip
LIMIT :limit""",
    )


# By the order's name, `-` before it for the other direction.
SEARCHES: Final[Mapping[str, Report]] = {
    f"{sign}{name}": _search(f"{sign}{name}", order, "DESC" if sign else "ASC")
    for name, order in _ORDERS.items()
    for sign in ("", "-")
}

TOTALS: Final = Report(
    name="totals",
    title="Totals",
    description="What all the invoices come to, currency by currency.",
    parameters=WHICH,
    columns=SUMS,
    sql=f"""\
SELECT {SUMS_SQL}
FROM expenses
{WHERE}
GROUP BY currency
ORDER BY invoices DESC, currency""",
)

COMPACTION: Final = Report(
    name="compaction",
    title="Compaction",
    description="When the small objects were last made into few.",
    parameters=(),
    columns=(Column(name="compacted_at", kind="text"), Column(name="tail_from", kind="text")),
    sql="SELECT compacted_at, tail_from FROM compaction",
)
