"""What most reports share: which invoices to take, and the sums of them."""

from datetime import date
from decimal import Decimal
from typing import Final

from api.reports.parameters import Parameter
from api.reports.report import Column, Kind

WHICH: Final = (
    Parameter(name="from", kind="date", title="first issue date", default=date.min),
    Parameter(name="to", kind="date", title="last issue date", default=date.max),
    Parameter(name="seller", kind="text", title="part of the seller's name, in any case"),
    Parameter(name="customer", kind="text", title="the customer's id"),
    Parameter(
        name="currency",
        kind="text",
        title='the currency; "none" for invoices that name none',
        empty_word="none",
    ),
)
# A line whose parameter is not given is left out.
WHERE: Final = """\
WHERE issue_date BETWEEN :from AND :to
    AND strpos(lower(seller_name), lower(:seller)) > 0
    AND customer_id = :customer
    AND currency = :currency"""

LIMIT: Final = Parameter(name="limit", kind="count", title="at most so many rows", default=1_000, cuts=True)


def columns(**kinds: Kind) -> tuple[Column, ...]:
    """Return the columns of a result in their order."""
    return tuple(Column(name=name, kind=kind) for name, kind in kinds.items())


SUMS: Final = columns(
    currency="text", invoices="count", net_amount="amount", tax_amount="amount", total_amount="amount"
)
SUMS_SQL: Final = """\
    currency, count(*) AS invoices, sum(net_amount) AS net_amount,
    sum(tax_amount) AS tax_amount, sum(total_amount) AS total_amount"""

TIMES: Final = Parameter(
    name="times",
    kind="amount",
    title="how many times the median is too much",
    default=Decimal(10),
    lowest=Decimal(1),
)
LEAST: Final = Parameter(
    name="least", kind="count", title="only sellers with at least so many invoices", default=5
)
