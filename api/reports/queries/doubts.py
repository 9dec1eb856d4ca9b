"""Reports on what an analyst should look at: findings, possible duplicates, odd amounts."""

from typing import Final

from api.reports.queries.common import LEAST, LIMIT, TIMES, WHERE, WHICH, columns
from api.reports.report import Report

FINDINGS: Final = Report(
    name="findings",
    title="Findings by code",
    description="How many invoices the parser had which doubt about, the commonest first.",
    parameters=WHICH,
    columns=columns(finding="text", invoices="count", sellers="count", first_date="date", last_date="date"),
    sql=f"""\
SELECT finding, count(*) AS invoices, count(DISTINCT seller_name) AS sellers,
    min(issue_date) AS first_date, max(issue_date) AS last_date
FROM expenses CROSS JOIN UNNEST(split(findings, ' ')) AS codes (finding)
{WHERE}
    AND finding <> ''
GROUP BY finding
ORDER BY invoices DESC, finding""",
)

SUSPECTED_DUPLICATES: Final = Report(
    name="suspected-duplicates",
    title="Suspected duplicates",
    description="Invoices of one seller, date, currency and total under different ids; "
    "`excess_amount` is what all but one of them come to.",
    parameters=(*WHICH, LIMIT),
    columns=columns(
        seller_name="text",
        issue_date="date",
        currency="text",
        total_amount="amount",
        invoices="count",
        excess_amount="amount",
        ids="text",
    ),
    sql=f"""\
SELECT min(seller_name) AS seller_name, issue_date, currency, total_amount, count(*) AS invoices,
    sum(total_amount) - total_amount AS excess_amount,
    array_join(array_agg(customer_id || ' ' || invoice_id ORDER BY customer_id, invoice_id), ', ') AS ids
FROM expenses
{WHERE}
GROUP BY lower(seller_name), issue_date, currency, total_amount
HAVING count(*) > 1
ORDER BY excess_amount DESC, issue_date, seller_name
LIMIT :limit""",
)

# The median is the lower middle one, so that it is an amount that occurs, exact on every engine.
OUTLIERS: Final = Report(
    name="outliers",
    title="Outliers per seller",
    description="Invoices far above or below the median of their seller, currency by currency, "
    "among the invoices asked for.",
    parameters=(*WHICH, TIMES, LEAST, LIMIT),
    columns=columns(
        seller_name="text",
        currency="text",
        issue_date="date",
        customer_id="text",
        invoice_id="text",
        total_amount="amount",
        median_amount="amount",
        times="number",
    ),
    sql=f"""\
SELECT seller_name, currency, issue_date, customer_id, invoice_id, total_amount, median_amount,
    round(CAST(total_amount AS double) / CAST(median_amount AS double), 2) AS times
FROM (
    SELECT seller_name, currency, issue_date, customer_id, invoice_id, total_amount, invoices,
        max(CASE WHEN 2 * place BETWEEN invoices AND invoices + 1 THEN total_amount END)
            OVER (PARTITION BY seller_name, currency) AS median_amount
    FROM (
        SELECT seller_name, currency, issue_date, customer_id, invoice_id, total_amount,
            row_number() OVER (
                PARTITION BY seller_name, currency ORDER BY total_amount, customer_id, invoice_id
            ) AS place,
            count(*) OVER (PARTITION BY seller_name, currency) AS invoices
        FROM expenses
        {WHERE}
    ) AS placed
) AS compared
WHERE invoices >= :least AND median_amount > 0
    AND (total_amount >= :times * median_amount OR :times * total_amount <= median_amount)
ORDER BY seller_name, currency, total_amount DESC, customer_id, invoice_id
LIMIT :limit""",
)
