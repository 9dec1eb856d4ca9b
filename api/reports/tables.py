"""The tables and views that reports read, in Athena's dialect; every column has its one line here.

    invoices_raw   every CSV object as it is: text columns, partitioned by the hour of ingest
    invoices_tail  typed, the highest revision per invoice, of the hours not surely compacted
    invoices       typed, compacted (Iceberg, by month of issue): the highest revision so far
    expenses       one row per active invoice: the tail's, or else the compacted one
    line_items     the items of `expenses`, one row each
    compaction     one row: when it last was, and the first hour of the tail

A withdrawn revision stays in `invoices` and in the tail, or an older one would come back.

What the tail holds of an invoice is never older than what `invoices` holds. A compacted revision lies
in an object of the hour that it was stored in, and no revision is stored before the one that it
replaces (api/decision.py): so when the tail reaches back to the replaced one, it has the other too.
"""

from datetime import date, datetime, timedelta
from typing import Final

from api.reports.literals import literal
from invoice_parser import CSV_COLUMNS

# An amount has at most 15 digits and two decimals, and five taxes at most one digit more.
AMOUNT: Final = "decimal(18,2)"
# `stored_at` stays the text that it is, in UTC and of one length: it sorts, and timestamps lose
# their precision on the way through Athena's views.
_NOT_TEXT: Final = {"issue_date": "date", "rev": "integer", "schema_version": "integer"}
TYPES: Final = {
    name: _NOT_TEXT.get(name, AMOUNT if name.endswith("_amount") else "varchar") for name in CSV_COLUMNS
}

FIRST_HOUR: Final = "2026-01-01-00"
# The service puts no object of a revision that was stored more than 20 minutes ago (a later repair is
# a new revision, in the present hour); the other 25 are for slow writes and for clocks that differ.
# The timer of compaction runs once an hour, soon after this many minutes (infra/ec2/systemd).
OVERLAP: Final = timedelta(minutes=45)


def tail_start(at: datetime) -> str:
    """Return the first hour into which an object may still come at that time, `YYYY-MM-DD-HH`."""
    return f"{at - OVERLAP:%Y-%m-%d-%H}"


def _typed(column: str, kind: str) -> str:
    if kind == "varchar":
        return column
    return f"CAST(nullif({column}, '') AS {kind}) AS {column}"


_INDENTED: Final = ",\n    "


def tail_view(first_hour: str) -> str:
    """Return the statement that makes the tail begin at that hour, `YYYY-MM-DD-HH`.

    The hour is a literal, since only that lets Athena leave out the partitions before it.
    """
    return f"""\
CREATE OR REPLACE VIEW invoices_tail AS
SELECT
    {_INDENTED.join(_typed(column, kind) for column, kind in TYPES.items())}
FROM (
    SELECT *,
        row_number() OVER (PARTITION BY customer_id, invoice_id ORDER BY CAST(rev AS integer) DESC) AS place
    FROM invoices_raw
    WHERE ingest >= '{first_hour}'
) AS placed
WHERE place = 1"""


def compaction_view(compacted_at: datetime | None, first_hour: str) -> str:
    """Return the statement that records when the tail was last replaced, in UTC, None for never."""
    at = f"'{compacted_at:%Y-%m-%dT%H:%M:%SZ}'" if compacted_at else "NULL"
    return f"""\
CREATE OR REPLACE VIEW compaction AS
SELECT CAST({at} AS varchar) AS compacted_at, CAST('{first_hour}' AS varchar) AS tail_from"""


def _of(alias: str) -> str:
    return _INDENTED.join(f"{alias}.{column}" for column in TYPES)


def expenses_view(compacted: str) -> str:
    """Return the statement for `expenses`, given where its rows `i` of `invoices` come from."""
    return f"""\
CREATE OR REPLACE VIEW expenses AS
SELECT
    {_of("i")}
{compacted}
UNION ALL
SELECT
    {_of("t")}
FROM invoices_tail AS t
WHERE t.status = 'active'"""


# No invoice is in the tail twice, so the join multiplies nothing, and each invoice comes from one of
# the two only. The tail is on the right, where Athena builds its hash table: it is the small one.
# Dates that somebody asks for reach both scans, so only their months of `invoices` are read.
EXPENSES_VIEW: Final = expenses_view("""\
FROM invoices AS i
LEFT JOIN invoices_tail AS t ON t.customer_id = i.customer_id AND t.invoice_id = i.invoice_id
WHERE i.status = 'active' AND t.invoice_id IS NULL""")

LINE_ITEMS_VIEW: Final = f"""\
CREATE OR REPLACE VIEW line_items AS
SELECT
    customer_id,
    invoice_id,
    issue_date,
    seller_name,
    buyer_name,
    currency,
    CAST(json_extract_scalar(item, '$.line_number') AS integer) AS line_number,
    json_extract_scalar(item, '$.description') AS description,
    CAST(json_extract_scalar(item, '$.net_amount') AS {AMOUNT}) AS net_amount,
    CAST(json_extract_scalar(item, '$.tax_amount') AS {AMOUNT}) AS tax_amount
FROM expenses
CROSS JOIN UNNEST(CAST(json_parse(coalesce(nullif(items, ''), '[]')) AS array(json))) AS listed (item)"""


def merge(first: date, last: date) -> str:
    """Return the statement that takes the tail's rows of these issue dates into `invoices`.

    Safe to repeat: a row changes only for a higher rev.
    """
    updates = ",\n    ".join(f"{column} = s.{column}" for column in TYPES)
    return f"""\
MERGE INTO invoices AS t
USING (
    SELECT * FROM invoices_tail
    WHERE issue_date BETWEEN DATE '{first}' AND DATE '{last}'
) AS s
ON t.customer_id = s.customer_id AND t.invoice_id = s.invoice_id
WHEN MATCHED AND s.rev > t.rev THEN UPDATE SET
    {updates}
WHEN NOT MATCHED THEN INSERT ({", ".join(TYPES)})
VALUES ({", ".join(f"s.{column}" for column in TYPES)})"""


def delete(customer_id: str, invoice_id: str) -> str:
    """Return the statement that erases an invoice from `invoices`, or all of a customer's without one."""
    which = f"customer_id = {literal(customer_id)}"
    if invoice_id:
        which += f" AND invoice_id = {literal(invoice_id)}"
    return f"DELETE FROM invoices WHERE {which}"
