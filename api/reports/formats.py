"""A result for people: table, CSV or JSON."""

import csv
import io
import json
from collections.abc import Callable, Iterator

from api.reports.report import Cell, Report, Row

# What a spreadsheet takes for the beginning of a formula, or skips before one.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def as_table(report: Report, rows: Iterator[Row]) -> Iterator[str]:
    """Yield the lines of a table for a terminal; a last line says how many rows it has."""
    texts = [[_text(cell) for cell in row] for row in rows]
    names = [column.name for column in report.columns]
    widths = [max(map(len, column)) for column in zip(names, *texts, strict=True)]
    aligns = ["<" if column.kind in {"date", "text"} else ">" for column in report.columns]

    def line(cells: list[str]) -> str:
        aligned = zip(cells, aligns, widths, strict=True)
        return "  ".join(f"{cell:{align}{width}}" for cell, align, width in aligned).rstrip()

    yield line(names)
    yield line(["-" * width for width in widths])
    yield from map(line, texts)
    yield f"({len(texts)} row{'' if len(texts) == 1 else 's'})"


def as_csv(report: Report, rows: Iterator[Row]) -> Iterator[str]:
    """Yield the lines of a CSV download with a header; texts cannot act as formulas."""
    yield _csv_line([column.name for column in report.columns])
    for row in rows:
        yield _csv_line([_text(neutralize(cell)) for cell in row])


def as_json(report: Report, rows: Iterator[Row]) -> Iterator[str]:
    """Yield the lines of a JSON array of objects; amounts and dates are strings, so exact."""
    names = [column.name for column in report.columns]
    separator = "["
    for row in rows:
        cells = [cell if cell is None or isinstance(cell, int) else _text(cell) for cell in row]
        yield separator + json.dumps(dict(zip(names, cells, strict=True)), ensure_ascii=False)
        separator = ","
    yield "[]" if separator == "[" else "]"


FORMATS: dict[str, Callable[[Report, Iterator[Row]], Iterator[str]]] = {
    "table": as_table,
    "csv": as_csv,
    "json": as_json,
}


def neutralize(cell: Cell) -> Cell:
    """Return the cell so that a spreadsheet shows it as the text that it is."""
    return "'" + cell if isinstance(cell, str) and cell.startswith(_FORMULA) else cell


def _text(cell: Cell) -> str:
    return "" if cell is None else str(cell)


def _csv_line(cells: list[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(cells)
    return line.getvalue()
