"""The tables and views that reports read, in Athena's dialect; every column has its one line here.

invoices_raw   every CSV object as it is: text columns, partitioned by the hour of ingest
invoices_tail  typed, the highest revision per invoice, of the hours not surely compacted
invoices       typed, compacted (Iceberg, by month of issue): the highest revision so far
expenses       one row per active invoice: what the tail does not replace, and the tail
line_items     the items of `expenses`, one row each
"""

AMOUNT = "decimal(18,2)"

# The columns of the CSV in their order with their types in `invoices`.
TYPES: dict[str, str] = {
    "customer_id": "varchar",
    "invoice_id": "varchar",
    "issue_date": "date",
    "seller_name": "varchar",
    "buyer_name": "varchar",
    "net_amount": AMOUNT,
    "tax_amount": AMOUNT,
    "total_amount": AMOUNT,
    "amount_in_words": "varchar",
    "currency": "varchar",
    "cgst_amount": AMOUNT,
    "sgst_amount": AMOUNT,
    "utgst_amount": AMOUNT,
    "igst_amount": AMOUNT,
    "cess_amount": AMOUNT,
    "items": "varchar",
    "findings": "varchar",
    "status": "varchar",
    "rev": "integer",
    "source_key": "varchar",
    "stored_at": "timestamp(6)",
    "schema_version": "integer",
}
CSV_COLUMNS = tuple(TYPES)
FIRST_HOUR = "2000-01-01-00"


def _typed(column: str, kind: str) -> str:
    """Return the expression that types a text column; an absent value is an empty text."""
    if kind == "varchar":
        return column
    if kind.startswith("timestamp"):
        return f"CAST(replace(replace(nullif({column}, ''), 'T', ' '), 'Z', '') AS {kind}) AS {column}"
    return f"CAST(nullif({column}, '') AS {kind}) AS {column}"


def tail_view(first_hour: str) -> str:
    """Return the statement that makes the tail begin at that hour, `YYYY-MM-DD-HH`."""
    typed = ",\n    ".join(_typed(column, kind) for column, kind in TYPES.items())
    columns = ", ".join(TYPES)
    return f"""CREATE OR REPLACE VIEW invoices_tail AS
SELECT
    {typed}
FROM (
    SELECT {columns},
        row_number() OVER (PARTITION BY customer_id, invoice_id ORDER BY CAST(rev AS integer) DESC) AS newest
    FROM invoices_raw
    WHERE ingest >= '{first_hour}'
) AS ranked
WHERE newest = 1"""  # noqa: S608 - made of constants and an hour


_COLUMNS_OF_I = ", ".join(f"i.{column}" for column in TYPES)
_COLUMNS_OF_T = ", ".join(f"t.{column}" for column in TYPES)

# Withdrawn rows stay in both tables, or an older revision would come back.
EXPENSES_VIEW = f"""CREATE OR REPLACE VIEW expenses AS
SELECT {_COLUMNS_OF_I}
FROM invoices AS i
WHERE i.status = 'active' AND NOT EXISTS (
    SELECT 1 FROM invoices_tail AS t
    WHERE t.customer_id = i.customer_id AND t.invoice_id = i.invoice_id AND t.rev > i.rev
)
UNION ALL
SELECT {_COLUMNS_OF_T}
FROM invoices_tail AS t
WHERE t.status = 'active' AND NOT EXISTS (
    SELECT 1 FROM invoices AS i
    WHERE i.customer_id = t.customer_id AND i.invoice_id = t.invoice_id AND i.rev >= t.rev
)"""  # noqa: S608 - made of constants
