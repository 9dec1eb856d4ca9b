"""The rows of an expenses report as lines of a table, and the same lines as bars. Pure.

The reports' columns: what is summed up, currency, invoices, net, tax, total.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from api.pages import periods
from api.pages.periods import Period, Range
from api.reports.report import Cell, Row

SORTS: Final = ("label", "invoices", "net", "tax", "total")
_NOTHING: Final = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What was spent in a period or with a party, in one currency."""

    key: date | str
    invoices: int
    net: Decimal
    tax: Decimal
    total: Decimal

    @property
    def label(self) -> str:
        """Return the key as text."""
        return str(self.key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Currency:
    """A currency of the answer, with what was spent in it; the code may be empty."""

    code: str
    invoices: int
    total: Decimal


def currencies(rows: Iterable[Row]) -> tuple[Currency, ...]:
    """Return the currencies, the one with the most invoices first."""
    sums: dict[str, tuple[int, Decimal]] = {}
    for _, code, invoices, _, _, total, *_ in rows:
        before = sums.get(str(code), (0, _NOTHING))
        sums[str(code)] = before[0] + _int(invoices), before[1] + _decimal(total)
    found = (Currency(code=code, invoices=sum_[0], total=sum_[1]) for code, sum_ in sums.items())
    return tuple(sorted(found, key=lambda each: (-each.invoices, each.code)))


def lines(rows: Iterable[Row], currency: str) -> tuple[Line, ...]:
    """Return the lines of one currency, in the report's order."""
    return tuple(
        Line(
            key=key if isinstance(key, date) else str(key or ""),
            invoices=_int(invoices),
            net=_decimal(net),
            tax=_decimal(tax),
            total=_decimal(total),
        )
        for key, code, invoices, net, tax, total, *_ in rows
        if code == currency
    )


def total(of: Sequence[Line]) -> Line:
    """Return the sum of the lines."""
    return Line(
        key="",
        invoices=sum(line.invoices for line in of),
        net=sum((line.net for line in of), _NOTHING),
        tax=sum((line.tax for line in of), _NOTHING),
        total=sum((line.total for line in of), _NOTHING),
    )


def ordered(of: Sequence[Line], sort: str) -> list[Line]:
    """Return the lines by a column; `-` before its name turns the order around."""
    name = sort.removeprefix("-")
    column = "key" if name == "label" else name
    by_label = sorted(of, key=lambda line: line.label)
    return sorted(by_label, key=lambda line: getattr(line, column), reverse=sort.startswith("-"))


def by_period(of: Sequence[Line], period: Period, asked: Range) -> tuple[Line, ...]:
    """Return a line for every period of the range, also for those without invoices, in order.

    An open end of the range is where the lines end, and so is one that makes too many periods; of
    those that are still too many the latest are returned.
    """
    by_day = {line.key: line for line in of if isinstance(line.key, date)}
    if not by_day:
        return ()
    days = list(periods.each(period, asked.first or min(by_day), asked.last or max(by_day)))
    if len(days) > periods.MAX_BARS[period]:
        days = [day for day in days if min(by_day) <= day <= max(by_day)]
    return tuple(
        by_day.get(day) or Line(key=day, invoices=0, net=_NOTHING, tax=_NOTHING, total=_NOTHING)
        for day in days[-periods.MAX_BARS[period] :]
    )


def _int(cell: Cell) -> int:
    return cell if isinstance(cell, int) else 0


def _decimal(cell: Cell) -> Decimal:
    return cell if isinstance(cell, Decimal) else _NOTHING
