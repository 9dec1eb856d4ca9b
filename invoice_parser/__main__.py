"""Read invoices from files: `python -m invoice_parser [--json] FILE_OR_FOLDER…`.

Rows (or JSON, an object a line) go to standard output; a rejected file is a line
`FILE:LINE:COL: code: message` on standard error, `FILE: code: message` where no line is at fault.
The exit status is that of the worst file: 0 read, 1 rejected, 2 not readable at all; it is 2 as well
when what was read could not be written.
"""

import argparse
import errno
import json
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from invoice_parser.ending import ended_well
from invoice_parser.invoice import MAX_DOCUMENT_BYTES, Invoice, InvoiceError
from invoice_parser.parser import parse
from invoice_parser.rows import CSV_COLUMNS, csv_row
from invoice_parser.wording import counted, printable

READ: Final = 0
REJECTED: Final = 1
UNREADABLE: Final = 2
_STANDARD_INPUT: Final = "-"
_NAMELESS: Final = "''"


@dataclass
class _Summary:
    """What became of the files."""

    invoices: int = 0
    findings: int = 0
    rejected: int = 0
    unreadable: int = 0

    @property
    def status(self) -> int:
        return UNREADABLE if self.unreadable else REJECTED if self.rejected else READ

    def __str__(self) -> str:
        count = self.invoices + self.rejected + self.unreadable
        return (
            f"{counted(count, 'file')}: {counted(self.invoices, 'invoice')} with "
            f"{counted(self.findings, 'finding')}, {self.rejected} rejected, {self.unreadable} unreadable"
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the files that the command line names; return the exit status."""
    options = _options(arguments)
    files = [file for path in options.paths for file in _files(path)]
    summary = _Summary()
    now = datetime.now(UTC)
    if options.header and not options.json:
        _write(",".join(f'"{name}"' for name in CSV_COLUMNS).encode() + b"\n")
    for count, file in enumerate(files, 1):
        _progress(count, len(files))
        _read(file, summary, options, now)
    sys.stdout.flush()
    if len(files) != 1:
        _say(str(summary))
    return summary.status


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m invoice_parser", description="Read text invoices.")
    parser.add_argument(
        "paths", nargs="+", metavar="FILE", help="a file, a folder of files, or - for standard input"
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--csv", action="store_true", help="print CSV rows (the default)")
    form.add_argument("--json", action="store_true", help="print whole invoices, a JSON object a line")
    parser.add_argument("--header", action="store_true", help="print the names of the CSV columns first")
    order = parser.add_mutually_exclusive_group()
    order.add_argument(
        "--day-first", dest="day_first", action="store_true", default=None, help="03/04 is 3 April"
    )
    order.add_argument("--month-first", dest="day_first", action="store_false", help="03/04 is March 4")
    return parser.parse_intermixed_args(arguments)


def _files(path: str) -> Iterator[str]:
    """Yield the file, or the files of the folder and its folders in the order of their names."""
    if (
        not path or not Path(path).is_dir()
    ):  # Path("") is the current folder, "" is a variable that is not set
        yield path
        return
    yield from sorted(
        str(found)
        for found in Path(path).rglob("*")
        if found.is_file() and not any(part.startswith(".") for part in found.relative_to(path).parts)
    )


def _read(file: str, summary: _Summary, options: argparse.Namespace, now: datetime) -> None:
    try:
        invoice = parse(_data(file), day_first=options.day_first)
    except InvoiceError as error:
        summary.rejected += 1
        _say(f"{file}:{error}" if error.line else f"{file}: {error}")
        return
    except OSError as error:
        summary.unreadable += 1
        _say(f"{file or _NAMELESS}: cannot be read: {error.strerror}")
        return
    summary.invoices += 1
    summary.findings += len(invoice.findings)
    if options.json:
        _write(_as_json(file, invoice))
    else:
        _write(csv_row(invoice, status="active", rev=1, source_key=file, stored_at=now))


def _data(file: str) -> bytes:
    """Return the file's bytes, at most one more than the parser takes."""
    if not file:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
    if file == _STANDARD_INPUT:
        if sys.stdin is None:
            raise OSError(errno.EBADF, "standard input is closed")
        return sys.stdin.buffer.read(MAX_DOCUMENT_BYTES + 1)
    with Path(file).open("rb") as stream:
        return stream.read(MAX_DOCUMENT_BYTES + 1)


def _as_json(file: str, invoice: Invoice) -> bytes:
    return (
        json.dumps({"file": file} | asdict(invoice), default=str, ensure_ascii=False).encode(errors="replace")
        + b"\n"
    )


def _write(data: bytes) -> None:
    sys.stdout.buffer.write(data)


def _say(line: str) -> None:
    """Print a line for a person, over the progress if there is one."""
    line = printable(line)
    if sys.stderr.isatty():
        line = f"\r\x1b[K{line}"
    sys.stderr.write(f"{line}\n")


def _progress(count: int, total: int) -> None:
    if total > 1 and sys.stderr.isatty():
        sys.stderr.write(f"\r{count} of {total}")
        sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(ended_well(main, failure=UNREADABLE))
