"""Expenses by date: the report that everybody asks for."""

from typing import Any

from django.core.management.base import CommandParser

from api.management.commands import report
from api.reports.queries import REPORTS

BY_DAY = REPORTS["expenses-by-day"]


class Command(report.Command):
    """`manage.py expenses [--from DATE] [--to DATE] … [--format FORMAT]`."""

    help = "Print what was invoiced on each issue date, per currency."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the report's parameters and the ways to write the answer."""
        self.add_parameters(parser, (BY_DAY,))

    def handle(self, *_args: Any, **options: Any) -> None:  # noqa: ANN401 - Django's signature
        """Answer."""
        self.answer(BY_DAY, options)
