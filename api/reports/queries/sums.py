"""Reports that sum up: by time, by party, by tax. Each currency for itself, also the empty one."""

from typing import Final

from api.reports.queries.common import SUMS, SUMS_SQL, WHERE, WHICH, columns
from api.reports.report import Column, Report

BY_DAY: Final = Report(
    name="expenses-by-day",
    title="Expenses by day",
    description="What was invoiced on each issue date.",
    parameters=WHICH,
    columns=columns(issue_date="date") + SUMS,
    sql=f"""\
SELECT issue_date,
{SUMS_SQL}
FROM expenses
{WHERE}
GROUP BY issue_date, currency
ORDER BY issue_date, currency""",
)


def _by_period(period: str, description: str) -> Report:
    return Report(
        name=f"expenses-by-{period}",
        title=f"Expenses by {period}",
        description=description,
        parameters=WHICH,
        columns=(Column(name=period, kind="date"), *SUMS),
        sql=f"""\
SELECT CAST(date_trunc('{period}', issue_date) AS date) AS {period},
{SUMS_SQL}
FROM expenses
{WHERE}
GROUP BY date_trunc('{period}', issue_date), currency
ORDER BY {period}, currency""",
    )


BY_WEEK: Final = _by_period("week", "What was invoiced in each week, named by its Monday.")
BY_MONTH: Final = _by_period("month", "What was invoiced in each month, named by its first day.")


def _by_party(name: str, party: str) -> Report:
    return Report(
        name=f"expenses-by-{name}",
        title=f"Expenses by {name}",
        description=f"What each {name} stands for, the largest first, and between which issue dates.",
        parameters=WHICH,
        columns=(Column(name=party, kind="text"), *SUMS, *columns(first_date="date", last_date="date")),
        sql=f"""\
SELECT {party},
{SUMS_SQL},
    min(issue_date) AS first_date, max(issue_date) AS last_date
FROM expenses
{WHERE}
GROUP BY {party}, currency
ORDER BY total_amount DESC, {party}, currency""",
    )


BY_SELLER: Final = _by_party("seller", "seller_name")
BY_CUSTOMER: Final = _by_party("customer", "customer_id")

TAX_SUMMARY: Final = Report(
    name="tax-summary",
    title="Tax summary",
    description="Each month's taxes by their kind, and the net amounts that they were paid on.",
    parameters=WHICH,
    columns=columns(
        month="date",
        currency="text",
        invoices="count",
        net_amount="amount",
        cgst_amount="amount",
        sgst_amount="amount",
        utgst_amount="amount",
        igst_amount="amount",
        cess_amount="amount",
        tax_amount="amount",
    ),
    sql=f"""\
SELECT CAST(date_trunc('month', issue_date) AS date) AS month, currency, count(*) AS invoices,
    sum(net_amount) AS net_amount, sum(cgst_amount) AS cgst_amount, sum(sgst_amount) AS sgst_amount,
    sum(utgst_amount) AS utgst_amount, sum(igst_amount) AS igst_amount,
    sum(cess_amount) AS cess_amount, sum(tax_amount) AS tax_amount
FROM expenses
{WHERE}
GROUP BY date_trunc('month', issue_date), currency
ORDER BY month, currency""",
)

RUNNING_TOTAL: Final = Report(
    name="running-total",
    title="Running total",
    description="Each month's total and the total of all months up to it, from the first one asked for.",
    parameters=WHICH,
    columns=columns(month="date", currency="text", total_amount="amount", running_amount="amount"),
    sql=f"""\
SELECT month, currency, total_amount,
    sum(total_amount) OVER (PARTITION BY currency ORDER BY month) AS running_amount
FROM (
    SELECT CAST(date_trunc('month', issue_date) AS date) AS month, currency,
        sum(total_amount) AS total_amount
    FROM expenses
    {WHERE}
    GROUP BY date_trunc('month', issue_date), currency
) AS months
ORDER BY month, currency""",
)
