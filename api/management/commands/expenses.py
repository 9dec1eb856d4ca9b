"""Expenses by date."""

from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from api import wiring
from api.reports.formats import FORMATS
from api.reports.queries import EXPENSES_BY_DAY
from api.reports.report import ReportFailed


class Command(BaseCommand):
    """Print what was invoiced on each issue date."""

    help = "Print what was invoiced on each issue date, per currency."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the dates and the format."""
        parser.add_argument("--from", type=date.fromisoformat, metavar="YYYY-MM-DD", help="first issue date")
        parser.add_argument("--to", type=date.fromisoformat, metavar="YYYY-MM-DD", help="last issue date")
        parser.add_argument("--format", choices=FORMATS, default="table")

    def handle(self, **options: Any) -> None:  # noqa: ANN401 - Django hands over what argparse read
        """Ask the engine, print the answer."""
        sql = EXPENSES_BY_DAY.render({"from": options["from"], "to": options["to"]})
        try:
            result = wiring.reports().run(sql)
            for line in FORMATS[options["format"]](EXPENSES_BY_DAY, result.rows):
                self.stdout.write(line)
        except ReportFailed as error:
            raise CommandError(error.reason) from error
