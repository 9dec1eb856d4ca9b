"""Days, weeks and months on a time axis, and the ranges that people ask for most."""

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Literal, TypeAlias

Period: TypeAlias = Literal["day", "week", "month"]
PERIODS: Final[tuple[Period, ...]] = ("day", "week", "month")

# As many bars as can be told apart on a telephone's width, and as fit in a small page.
MAX_BARS: Final = {"day": 62, "week": 62, "month": 120}


@dataclass(frozen=True, slots=True)
class Range:
    """The first and the last day of what is asked for; None is open."""

    first: date | None
    last: date | None


@dataclass(frozen=True, slots=True)
class Preset:
    """A range that has a name."""

    title: str
    range: Range


def presets(today: date) -> tuple[Preset, ...]:
    """Return the ranges that people ask for most."""
    this_month = today.replace(day=1)
    last_month = (this_month - timedelta(days=1)).replace(day=1)
    return (
        Preset("7 days", Range(today - timedelta(days=6), today)),
        Preset("30 days", Range(today - timedelta(days=29), today)),
        Preset("90 days", Range(today - timedelta(days=89), today)),
        Preset("This month", Range(this_month, end("month", this_month))),
        Preset("Last month", Range(last_month, end("month", last_month))),
        Preset("This year", Range(date(today.year, 1, 1), date(today.year, 12, 31))),
        Preset("All time", Range(None, None)),
    )


def start(period: Period, day: date) -> date:
    """Return the first day of the period that the day is in; weeks begin on Monday, as 0001-01-01 is one."""
    if period == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if period == "month" else day


def end(period: Period, first: date) -> date:
    """Return the last day of the period that begins on that day; the last week of all is cut short."""
    if period == "week":
        return first + min(timedelta(days=6), date.max - first)
    if period == "month":
        return first.replace(day=monthrange(first.year, first.month)[1])
    return first


def each(period: Period, first: date, last: date) -> Iterator[date]:
    """Yield the first day of each period from the one to the other."""
    at = start(period, first)
    while at <= last:
        yield at
        if (before_next := end(period, at)) >= last:  # there is no day after 9999-12-31
            return
        at = before_next + timedelta(days=1)


def fitting(period: Period, asked: Range) -> Period:
    """Return the period, or the next coarser one that makes no more bars than can be seen."""
    if asked.first is None or asked.last is None:
        return "month"
    for candidate in PERIODS[PERIODS.index(period) :]:
        length = {"day": 1, "week": 7, "month": 30}[candidate]
        if (asked.last - asked.first).days // length < MAX_BARS[candidate]:
            return candidate
    return "month"
