"""Text invoices: bytes in, an Invoice out, or an InvoiceError that says where and why.

    parse        decoding → lines → scan (items) → reading (amounts, dates) → checks (words)
    csv_row      an Invoice as the row that the reports read
    codes        why documents are rejected, and what is found doubtful
    formats      a format is a table; a second format is a second table

Pure: no clock, no locale, no environment, no files (but for `python -m invoice_parser`). The time
grows with the length of the document alone, whatever is in it.
"""

from invoice_parser.codes import FINDINGS, REJECTIONS
from invoice_parser.decoding import decode
from invoice_parser.formats import STANDARD, Field, Format
from invoice_parser.invoice import MAX_DOCUMENT_BYTES, Finding, Invoice, InvoiceError, LineItem
from invoice_parser.lines import split_lines
from invoice_parser.parser import parse
from invoice_parser.rows import CSV_COLUMNS, SCHEMA_VERSION, csv_row, read_row, restamp_row, row_content

__all__ = [
    "CSV_COLUMNS",
    "FINDINGS",
    "MAX_DOCUMENT_BYTES",
    "REJECTIONS",
    "SCHEMA_VERSION",
    "STANDARD",
    "Field",
    "Finding",
    "Format",
    "Invoice",
    "InvoiceError",
    "LineItem",
    "csv_row",
    "decode",
    "parse",
    "read_row",
    "restamp_row",
    "row_content",
    "split_lines",
]
