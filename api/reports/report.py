"""A report: fixed SQL in Athena's dialect with typed parameters; and the port that runs its text."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal, Protocol, TypeAlias

from api.reports.literals import Value
from api.reports.parameters import BadParameter, Parameter

Kind: TypeAlias = Literal["date", "text", "amount", "count", "number"]
Cell: TypeAlias = date | Decimal | int | float | str | None
QueryState: TypeAlias = Literal["running", "done", "failed", "cancelled"]
Row: TypeAlias = tuple[Cell, ...]

_PLACEHOLDER = re.compile(r":([a-z]+)\b")
_RANGES = (("from", "to"), ("least", "most"))


class ReportFailed(Exception):  # noqa: N818 - it names what is wrong
    """The engine could not answer. `reason` is a sentence for people, `code` is the engine's own."""

    def __init__(self, reason: str, code: str = "") -> None:
        super().__init__(reason)
        self.reason, self.code = reason, code


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a result; an `amount` is money in the row's currency."""

    name: str
    kind: Kind

    @property
    def title(self) -> str:
        """Return the name for people."""
        return self.name.replace("_", " ").capitalize()


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One question with its fixed SQL, where `:name` stands for a parameter.

    A line with a parameter that has no default is left out when that parameter is not given.
    """

    name: str
    title: str
    description: str
    parameters: tuple[Parameter, ...]
    columns: tuple[Column, ...]
    sql: str

    def read(self, texts: Mapping[str, str]) -> dict[str, Value]:
        """Return the values of parameters as people write them.

        Raises BadParameter if a name or a value does not fit.
        """
        known = {parameter.name: parameter for parameter in self.parameters}
        for name in texts.keys() - known.keys():
            raise BadParameter(f"The report {self.name} has no parameter {name!r}.")
        return {name: known[name].read(text) for name, text in texts.items()}

    def render(self, values: Mapping[str, Value]) -> str:
        """Return the text to run, each parameter a literal; those not given have their defaults.

        Raises BadParameter if a name or a value does not fit.
        """
        for name in values.keys() - {parameter.name for parameter in self.parameters}:
            raise BadParameter(f"The report {self.name} has no parameter {name!r}.")
        for low, high in _RANGES:
            first, last = values.get(low), values.get(high)
            if first is not None and last is not None and first > last:  # type: ignore[operator] # same kind
                raise BadParameter(f"{low} is {first} and {high} is {last}: nothing lies between; swap them.")
        literals = {
            each.name: each.literal(value)
            for each in self.parameters
            if (value := values.get(each.name, each.default)) is not None
        }
        lines = [line for line in self.sql.splitlines() if literals.keys() >= set(_PLACEHOLDER.findall(line))]
        # One pass: a colon inside a value is never looked at again.
        return _PLACEHOLDER.sub(lambda match: literals[match[1]], "\n".join(lines))

    def most_rows(self, values: Mapping[str, Value]) -> int | None:
        """Return how many rows the answer stops at, None if it never stops before its end.

        An answer with exactly so many rows may be cut: the SQL does not count what it leaves out.
        """
        for each in self.parameters:
            value = values.get(each.name, each.default)
            if each.cuts and isinstance(value, int):
                return value
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a query took. The dollars are those of prices.py; a reused result costs none."""

    scanned_bytes: int
    dollars: Decimal
    reused: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The answer to a query. `rows` can be read once; `cost` is None where nothing is billed."""

    columns: tuple[str, ...]
    rows: Iterator[Row]
    cost: Cost | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Where a started query is. `fault` is a sentence for people when it failed."""

    sql: str
    state: QueryState
    started_at: datetime
    scanned_bytes: int = 0
    fault: str = ""


class Background(Protocol):
    """An engine that nobody has to wait for: any process may ask after a query, or end it."""

    def start(self, sql: str, token: str = "") -> str:
        """Start the query and return its id; the same one for the same token. Raises ReportFailed."""

    def progress(self, query_id: str) -> Progress | None:
        """Return where it is, None for an id that the engine does not know. Raises ReportFailed."""

    def result(self, query_id: str) -> Result:
        """Return the result of one that is done. Raises ReportFailed."""

    def stop(self, query_id: str) -> None:
        """End it, if it has not ended; what it read is billed all the same."""


class Engine(Protocol):
    """What runs a query's text in Athena's dialect over the tables of tables.py."""

    def run(self, sql: str) -> Result:
        """Return the result. Raises ReportFailed, also while its rows are read."""
