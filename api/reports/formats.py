"""A result for people: table, CSV, JSON or XLSX, each as a stream of bytes."""

import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from api.reports.report import Cell, Column, Row
from api.reports.spreadsheet import neutralize, workbook
from invoice_parser.wording import counted, printable

_CHUNK_BYTES = 1 << 16
_RIGHT = frozenset({"amount", "count", "number"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """How to write a result; `write` yields parts of the file."""

    media_type: str
    is_text: bool
    write: Callable[[Sequence[Column], Iterator[Row]], Iterator[bytes]]


def _text(cell: Cell) -> str:
    return "" if cell is None else str(cell)


def _table(columns: Sequence[Column], rows: Iterator[Row]) -> Iterator[bytes]:
    texts = [[printable(_text(cell)) for cell in row] for row in rows]
    names = [column.name for column in columns]
    widths = [max(map(len, column)) for column in zip(names, *texts, strict=True)]
    aligns = [">" if column.kind in _RIGHT else "<" for column in columns]
    rules = ["-" * width for width in widths]
    for cells in (names, rules, *texts):
        aligned = zip(cells, aligns, widths, strict=True)
        yield "  ".join(f"{cell:{align}{width}}" for cell, align, width in aligned).rstrip().encode() + b"\n"
    yield f"({counted(len(texts), 'row')})\n".encode()


def _csv(columns: Sequence[Column], rows: Iterator[Row]) -> Iterator[bytes]:
    line = io.StringIO()
    writer = csv.writer(line, lineterminator="\n")
    writer.writerow([column.name for column in columns])
    for row in rows:
        writer.writerow([neutralize(cell) if isinstance(cell, str) else _text(cell) for cell in row])
        if line.tell() > _CHUNK_BYTES:
            yield line.getvalue().encode()
            line.seek(0)
            line.truncate()
    yield line.getvalue().encode()


def _json(columns: Sequence[Column], rows: Iterator[Row]) -> Iterator[bytes]:
    """Yield an array of objects. Amounts and dates are strings: a JSON number is not exact."""
    names = [column.name for column in columns]
    separator = "[\n"
    for row in rows:
        cells = [_text(cell) if isinstance(cell, date | Decimal) else cell for cell in row]
        yield (separator + json.dumps(dict(zip(names, cells, strict=True)), ensure_ascii=False)).encode()
        separator = ",\n"
    yield b"[]\n" if separator == "[\n" else b"\n]\n"


FORMATS: dict[str, Format] = {
    "table": Format(media_type="text/plain; charset=utf-8", is_text=True, write=_table),
    "csv": Format(media_type="text/csv; charset=utf-8", is_text=True, write=_csv),
    "json": Format(media_type="application/json", is_text=True, write=_json),
    "xlsx": Format(
        media_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        is_text=False,
        write=workbook,
    ),
}
