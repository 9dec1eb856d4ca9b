"""Every report. Amounts are summed per currency, never across; an empty currency is one of its own."""

from datetime import date

from api.reports.report import Column, Parameter, Report

FROM = Parameter(name="from", kind="date", title="First issue date", default=date.min)
TO = Parameter(name="to", kind="date", title="Last issue date", default=date.max)

_SUMS = (
    Column(name="currency", kind="text"),
    Column(name="invoices", kind="count"),
    Column(name="net_amount", kind="amount"),
    Column(name="tax_amount", kind="amount"),
    Column(name="total_amount", kind="amount"),
)

EXPENSES_BY_DAY = Report(
    name="expenses-by-day",
    title="Expenses by day",
    description="What was invoiced on each issue date.",
    parameters=(FROM, TO),
    columns=(Column(name="issue_date", kind="date"), *_SUMS),
    sql="""
SELECT issue_date, currency, count(*) AS invoices, sum(net_amount) AS net_amount,
    sum(tax_amount) AS tax_amount, sum(total_amount) AS total_amount
FROM expenses
WHERE issue_date BETWEEN :from AND :to
GROUP BY issue_date, currency
ORDER BY issue_date, currency
""",
)

REPORTS: dict[str, Report] = {report.name: report for report in (EXPENSES_BY_DAY,)}
