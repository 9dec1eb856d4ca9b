"""Run a report."""

from itertools import count
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser

from api import wiring
from api.reports.formats import FORMATS
from api.reports.parameters import BadParameter
from api.reports.queries import REPORTS
from api.reports.report import Report, ReportFailed, Result
from invoice_parser.wording import counted

_CUT: Final = "cut at the limit, there may be more; raise --limit or ask for fewer days"


class Command(BaseCommand):
    """`manage.py report [NAME] [--from DATE] … [--format FORMAT] [--output FILE] [--show-sql]`."""

    help = "Run a report, or list the reports when none is named."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the name, every report's parameters and the ways to write the answer."""
        parser.add_argument("name", nargs="?", choices=REPORTS, metavar="NAME", help="see the list")
        self.add_parameters(parser, tuple(REPORTS.values()))

    def add_parameters(self, parser: CommandParser, reports: tuple[Report, ...]) -> None:
        """Add the reports' parameters and the ways to write the answer."""
        for parameter in {each.name: each for report in reports for each in report.parameters}.values():
            metavar = "YYYY-MM-DD" if parameter.kind == "date" else parameter.kind.upper()
            meaning = _meaning(parameter.name, reports)
            parser.add_argument(f"--{parameter.name}", metavar=metavar, help=meaning)
        parser.add_argument("--format", choices=FORMATS, default="table")
        parser.add_argument("--output", type=Path, metavar="FILE", help="write there and not to the screen")
        parser.add_argument(
            "--show-sql", action="store_true", help="print the SQL for Athena and do not run it"
        )

    def handle(self, *_args: Any, **options: Any) -> None:  # noqa: ANN401 - Django's signature
        """List the reports or answer one."""
        if options["name"] is None:
            width = max(map(len, REPORTS))
            for report in REPORTS.values():
                self.stdout.write(f"{report.name:{width}}  {report.description}")
        else:
            self.answer(REPORTS[options["name"]], options)

    def answer(self, report: Report, options: dict[str, Any]) -> None:
        """Run the report with the options that it knows, and write the answer."""
        names = {each.name for known in REPORTS.values() for each in known.parameters}
        texts = {name: options[name] for name in names if options.get(name) is not None}
        output = options["output"]
        if output and (output.is_dir() or not output.absolute().parent.is_dir()):
            raise CommandError(f"--output {output} is no file in a folder that exists")
        try:
            values = report.read(texts)
            sql = report.render(values)
            if options["show_sql"]:
                self.stdout.write(sql)
            else:
                written = self._write(report, wiring.reports().run(sql), options)
                if written == report.most_rows(values):
                    self.stderr.write(f"{counted(written, 'row')}: {_CUT}")
        except (BadParameter, ReportFailed) as error:
            raise CommandError(str(error)) from error

    def _write(self, report: Report, result: Result, options: dict[str, Any]) -> int:
        """Write the answer and what it cost; return how many rows it had."""
        form = FORMATS[options["format"]]
        read = count()
        # The rows come first, so that their end leaves the number as it is.
        parts = form.write(report.columns, (row for row, _ in zip(result.rows, read, strict=False)))
        if options["output"]:
            try:
                with options["output"].open("wb") as file:
                    file.writelines(parts)
            except OSError as error:
                raise CommandError(f"{options['output']} cannot be written: {error.strerror}") from error
        elif form.is_text:
            for part in parts:
                self.stdout.write(part.decode(), ending="")
        else:
            raise CommandError(f"{options['format']} is no text: name a file with --output FILE.")
        if cost := result.cost:
            how = "reused" if cost.reused else f"${cost.dollars}"
            self.stderr.write(f"{cost.scanned_bytes:,} bytes scanned, {how}")
        return next(read)


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
