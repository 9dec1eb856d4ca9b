"""Run a report."""

import os
from collections.abc import Iterable
from itertools import count
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser

from api import wiring
from api.reports.formats import FORMATS, Format
from api.reports.parameters import BadParameter, Parameter
from api.reports.queries import REPORTS
from api.reports.report import Report, ReportFailed, Result
from invoice_parser.wording import counted

_CUT: Final = "cut at the limit, there may be more; raise --limit or ask for fewer days"


class Command(BaseCommand):
    """`manage.py report [NAME] [--from DATE] … [--format FORMAT] [--output FILE] [--show-sql]`."""

    help = "Run a report, or list the reports when none is named."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the name, every report's parameters and the ways to write the answer."""
        parser.add_argument(
            "name", nargs="?", choices=REPORTS, metavar="NAME", help="which one; without it they are listed"
        )
        self.add_parameters(parser, tuple(REPORTS.values()))

    def add_parameters(self, parser: CommandParser, reports: tuple[Report, ...]) -> None:
        """Add the reports' parameters and the ways to write the answer."""
        for parameter in _parameters(reports).values():
            metavar = "YYYY-MM-DD" if parameter.kind == "date" else parameter.kind.upper()
            meaning = _meaning(parameter.name, reports)
            parser.add_argument(f"--{parameter.name}", metavar=metavar, help=meaning)
        # No default, so that one without a NAME is seen.
        parser.add_argument("--format", choices=FORMATS, help="table if not given; xlsx needs --output")
        parser.add_argument("--output", type=Path, metavar="FILE", help="write there and not to the screen")
        parser.add_argument(
            "--show-sql", action="store_true", help="write the SQL for Athena and do not run it"
        )

    def handle(self, *_args: Any, **options: Any) -> None:  # noqa: ANN401 - Django's signature
        """List the reports or answer one."""
        if options["name"] is not None:
            self.answer(REPORTS[options["name"]], options)
            return
        known = (*_parameters(REPORTS.values()), "format", "output", "show_sql")
        if given := [f"--{name.replace('_', '-')}" for name in known if options[name] not in {None, False}]:
            message = f"{', '.join(given)} without a NAME: name the report, or give no option to list them"
            raise CommandError(message, returncode=2)
        width = max(map(len, REPORTS))
        for report in REPORTS.values():
            self.stdout.write(f"{report.name:{width}}  {report.description}")

    def answer(self, report: Report, options: dict[str, Any]) -> None:
        """Run the report with the options that it knows, and write the answer."""
        given = {name: options.get(name) for name in _parameters(REPORTS.values())}
        name, output = options["format"] or "table", options["output"]
        # Before the query runs, which Athena bills whatever becomes of its answer.
        if output:
            _check_writable(output)
        elif not FORMATS[name].is_text and not options["show_sql"]:
            raise CommandError(f"{name} is no text: name a file with --output FILE.")
        try:
            values = report.read({key: text for key, text in given.items() if text is not None})
            sql = report.render(values)
            if options["show_sql"]:
                self._put((f"{sql}\n".encode(),), output)
                return
            written = self._write(report, wiring.reports().run(sql), FORMATS[name], output)
        except (BadParameter, ReportFailed) as error:
            raise CommandError(str(error)) from error
        if written == report.most_rows(values):
            self.stderr.write(f"{counted(written, 'row')}: {_CUT}")

    def _write(self, report: Report, result: Result, form: Format, output: Path | None) -> int:
        """Write the answer and what it cost; return how many rows it had."""
        read = count()
        # The rows come first, so that their end leaves the number as it is.
        rows = (row for row, _ in zip(result.rows, read, strict=False))
        self._put(form.write(report.columns, rows), output)
        if cost := result.cost:
            how = "reused" if cost.reused else f"${cost.dollars}"
            self.stderr.write(f"{cost.scanned_bytes:,} bytes scanned, {how}")
        return next(read)

    def _put(self, parts: Iterable[bytes], output: Path | None) -> None:
        if output is None:
            for part in parts:
                self.stdout.write(part.decode(), ending="")
            return
        try:
            with output.open("wb") as file:
                file.writelines(parts)
        except OSError as error:
            raise CommandError(f"{output} cannot be written: {error.strerror}") from error


def _check_writable(output: Path) -> None:
    """Raise CommandError if no file can be written there; the file stays as it is."""
    if output.is_dir() or not output.absolute().parent.is_dir():
        raise CommandError(f"--output {output} is no file in a folder that exists")
    needed = output if output.exists() else output.parent
    if not os.access(needed, os.W_OK):
        raise CommandError(f"{output} cannot be written: you may not write to {needed}")


def _parameters(reports: Iterable[Report]) -> dict[str, Parameter]:
    """Return the reports' parameters by their names."""
    return {each.name: each for report in reports for each in report.parameters}


def _meaning(name: str, reports: tuple[Report, ...]) -> str:
    """Return what an option means, and to which reports unless to all of them."""
    names: dict[str, list[str]] = {}
    for report in reports:
        for each in report.parameters:
            if each.name == name:
                names.setdefault(each.label, []).append(report.name)
    return "; ".join(
        label if len(known) == len(reports) else f"{', '.join(known)}: {label}"
        for label, known in names.items()
    )
