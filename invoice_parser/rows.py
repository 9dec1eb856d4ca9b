"""One invoice as one CSV row, the form that Athena, DuckDB and Python's csv read alike.

UTF-8 without byte order mark, no header, every field in double quotes, quotes doubled, LF at the
end. Whatever some reader may take for the end of a line becomes a space.
"""

import json
import re
from datetime import UTC, datetime
from typing import Final

from invoice_parser.invoice import Invoice, LineItem

SCHEMA_VERSION: Final = 1

# The one source of the columns, for the writer, the tables and the tests. New ones go to the end.
CSV_COLUMNS: Final[tuple[str, ...]] = (
    "customer_id",
    "invoice_id",
    "issue_date",
    "seller_name",
    "buyer_name",
    "net_amount",
    "tax_amount",
    "total_amount",
    "amount_in_words",
    "currency",
    "cgst_amount",
    "sgst_amount",
    "utgst_amount",
    "igst_amount",
    "cess_amount",
    "items",
    "findings",
    "status",
    "rev",
    "source_key",
    "stored_at",
    "schema_version",
)
# What was decided about the invoice; all other columns say what it is.
_CIRCUMSTANCES: Final = frozenset(("status", "rev", "source_key", "stored_at", "schema_version"))
_CONTENT: Final = tuple(place for place, name in enumerate(CSV_COLUMNS) if name not in _CIRCUMSTANCES)
_STATUS, _REV, _STORED_AT = (CSV_COLUMNS.index(name) for name in ("status", "rev", "stored_at"))

_LINE_BREAKING: Final = re.compile("[\x00-\x1f\x7f\x85\u2028\u2029]")
_FIELD: Final = re.compile(r'"([^"]*(?:""[^"]*)*)"(?:,|\n?\Z)')
_compact_json: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def csv_row(invoice: Invoice, *, status: str, rev: int, source_key: str, stored_at: datetime) -> bytes:
    """Return the row of one revision. `stored_at` must know its time zone. Any string is safe."""
    return _row(
        (
            invoice.customer_id,
            invoice.invoice_id,
            invoice.issue_date.isoformat(),
            invoice.seller_name,
            invoice.buyer_name,
            str(invoice.net_amount),
            str(invoice.tax_amount),
            str(invoice.total_amount),
            invoice.amount_in_words,
            invoice.currency,
            str(invoice.cgst_amount),
            str(invoice.sgst_amount),
            str(invoice.utgst_amount),
            str(invoice.igst_amount),
            str(invoice.cess_amount),
            _compact_json([_item(item) for item in invoice.items]),
            " ".join(dict.fromkeys(finding.code for finding in invoice.findings)),
            status,
            str(rev),
            source_key,
            _timestamp(stored_at),
            str(SCHEMA_VERSION),
        )
    )


def restamp_row(row: bytes, *, status: str, rev: int, stored_at: datetime) -> bytes:
    """Return the row with another status, rev and stored_at, and all else as it is."""
    values = _values(row)
    values[_STATUS], values[_REV], values[_STORED_AT] = status, str(rev), _timestamp(stored_at)
    return _row(values)


def read_row(row: bytes) -> dict[str, str]:
    """Return the row's values by column; an older row lacks the last columns.

    Raises ValueError when it is not one row as csv_row writes it.
    """
    return dict(zip(CSV_COLUMNS, _values(row), strict=False))


def row_content(row: bytes) -> tuple[str, ...]:
    """Return the values that say what the invoice is, in column order: equal for a mere repeat."""
    values = _values(row)
    return tuple(values[place] for place in _CONTENT if place < len(values))


def _row(values: "tuple[str, ...] | list[str]") -> bytes:
    text = '","'.join([value.replace('"', '""') for value in values])
    return f'"{_LINE_BREAKING.sub(" ", text)}"\n'.encode(errors="replace")


def _values(row: bytes) -> list[str]:
    text = row.decode()
    values, place = [], 0
    while place < len(text):
        match = _FIELD.match(text, place)
        if match is None:
            raise ValueError(f"not a CSV row of ours, at character {place}")
        values.append(match[1].replace('""', '"'))
        place = match.end()
    if len(values) <= _STORED_AT:
        raise ValueError(f"a CSV row of ours has more than {len(values)} columns")
    return values


def _item(item: LineItem) -> dict[str, int | str | None]:
    return {
        "line_number": item.line_number,
        "description": item.description,
        "net_amount": str(item.net_amount),
        "tax_amount": None if item.tax_amount is None else str(item.tax_amount),
    }


def _timestamp(moment: datetime) -> str:
    if moment.tzinfo is None:
        raise ValueError("a time without time zone says nothing")
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
