"""A result for a spreadsheet: an XLSX workbook, written row by row into a temporary file.

Texts come from strangers' invoices, and none can act as a formula, also not when the sheet is
saved as CSV: https://owasp.org/www-community/attacks/CSV_Injection
Excel's numbers have 15 digits and its dates begin in 1900: what they cannot hold is a text.
"""

import tempfile
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import xlsxwriter

from api.reports.report import Cell, Column, ReportFailed, Row

# https://support.microsoft.com/office/1672b34d-7043-467e-8e27-269d656771c3
MAX_ROWS = 1_048_575  # and a header
MAX_CELL_CHARACTERS = 32_767
MAX_DIGITS = 15
FIRST_YEAR = 1900
_CHUNK_BYTES = 1 << 16
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def neutralize(text: str) -> str:
    """Return the text so that a spreadsheet shows it as the text that it is."""
    return "'" + text if text.startswith(_FORMULA) else text


def workbook(columns: Sequence[Column], rows: Iterator[Row]) -> Iterator[bytes]:
    """Yield parts of the file. Raises ReportFailed if there are more rows than a sheet can hold."""
    with tempfile.TemporaryFile() as file:
        with xlsxwriter.Workbook(file, {"constant_memory": True}) as book:
            _fill(book, columns, rows)
        file.seek(0)
        while part := file.read(_CHUNK_BYTES):
            yield part


def _fill(
    book: Any,  # noqa: ANN401 - the library has no types
    columns: Sequence[Column],
    rows: Iterator[Row],
) -> None:
    sheet = book.add_worksheet()
    bold, money = book.add_format({"bold": True}), book.add_format({"num_format": "#,##0.00"})
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    sheet.freeze_panes(1, 0)
    for place, column in enumerate(columns):
        sheet.set_column(place, place, 30 if column.kind == "text" else 16)
        sheet.write_string(0, place, column.title, bold)

    def write(number: int, place: int, cell: Cell) -> None:
        match cell:
            case None:
                pass
            case Decimal() if len(cell.as_tuple().digits) <= MAX_DIGITS:
                sheet.write_number(number, place, cell, money)
            case date() if cell.year >= FIRST_YEAR:
                sheet.write_datetime(number, place, cell, day)
            case int() | float():
                sheet.write_number(number, place, cell)
            case _:
                sheet.write_string(number, place, neutralize(str(cell))[:MAX_CELL_CHARACTERS])

    for number, row in enumerate(rows, start=1):
        if number > MAX_ROWS:
            raise ReportFailed(
                f"A sheet holds {MAX_ROWS:,} rows and these are more: take CSV or fewer dates."
            )
        for place, cell in enumerate(row):
            write(number, place, cell)
