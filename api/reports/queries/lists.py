"""Reports that list: invoices, the largest ones, their items."""

from typing import Final

from api.reports.parameters import Parameter
from api.reports.queries.common import LIMIT, WHERE, WHICH, columns
from api.reports.report import Report

INVOICE_COLUMNS: Final = columns(
    issue_date="date",
    customer_id="text",
    invoice_id="text",
    seller_name="text",
    buyer_name="text",
    currency="text",
    net_amount="amount",
    tax_amount="amount",
    total_amount="amount",
    findings="text",
)
INVOICE_COLUMNS_SQL: Final = """\
issue_date, customer_id, invoice_id, seller_name, buyer_name, currency,
    net_amount, tax_amount, total_amount, findings"""

INVOICES: Final = Report(
    name="invoices",
    title="Invoices",
    description="The invoices one by one, the latest first.",
    parameters=(*WHICH, LIMIT),
    columns=INVOICE_COLUMNS,
    sql=f"""\
SELECT {INVOICE_COLUMNS_SQL}
FROM expenses
{WHERE}
ORDER BY issue_date DESC, customer_id, invoice_id
LIMIT :limit""",
)

TOP_INVOICES: Final = Report(
    name="top-invoices",
    title="Top invoices",
    description="The largest invoices of each currency; equal ones share a place.",
    parameters=(
        *WHICH,
        Parameter(
            name="limit",
            kind="count",
            title="so many places for each currency, equal ones share one",
            default=10,
        ),
    ),
    columns=columns(
        currency="text",
        place="count",
        total_amount="amount",
        issue_date="date",
        customer_id="text",
        invoice_id="text",
        seller_name="text",
    ),
    sql=f"""\
SELECT currency, place, total_amount, issue_date, customer_id, invoice_id, seller_name
FROM (
    SELECT currency, total_amount, issue_date, customer_id, invoice_id, seller_name,
        rank() OVER (PARTITION BY currency ORDER BY total_amount DESC) AS place
    FROM expenses
    {WHERE}
) AS ranked
WHERE place <= :limit
ORDER BY currency, place, customer_id, invoice_id""",
)

LINE_ITEMS: Final = Report(
    name="line-items",
    title="Line items",
    description="The items of the invoices one by one, the latest invoice first.",
    parameters=(*WHICH, LIMIT),
    columns=columns(
        issue_date="date",
        customer_id="text",
        invoice_id="text",
        seller_name="text",
        line_number="count",
        description="text",
        currency="text",
        net_amount="amount",
        tax_amount="amount",
    ),
    sql=f"""\
SELECT issue_date, customer_id, invoice_id, seller_name, line_number, description, currency,
    net_amount, tax_amount
FROM line_items
{WHERE}
ORDER BY issue_date DESC, customer_id, invoice_id, line_number
LIMIT :limit""",
)
