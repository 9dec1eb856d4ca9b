"""Charts as geometry: values in, places in percent out; templates draw them as SVG. Pure.

Everything is in percent of a plot that has no view box, so bars stretch with the page while
texts keep their size, and no script has to measure anything.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import ceil
from typing import Final

_TOP, _BOTTOM = 4.0, 88.0  # the rest is for labels
_LABELS: Final = 8
_DENSE_LABELS: Final = 4
_STEPS: Final = (Decimal(1), Decimal(2), Decimal("2.5"), Decimal(5), Decimal(10))
_TICKS: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A value with its name, its label on the axis, what a pointer on it says, and where it leads."""

    name: str
    label: str
    value: Decimal
    title: str
    href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A bar; `reach` is the column around it that a pointer may hit."""

    point: Point
    x: str
    y: str
    width: str
    height: str
    reach_x: str
    reach_width: str
    is_negative: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A label or a line of an axis; a dense one is left out where the page is narrow."""

    text: str
    at: str
    anchor: str = "middle"
    is_dense: bool = False
    is_zero: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A bar chart."""

    bars: tuple[Bar, ...]
    ticks: tuple[Mark, ...]
    labels: tuple[Mark, ...]


def bar_chart(points: Sequence[Point]) -> Chart:
    """Return a chart of one bar a point."""
    values = [point.value for point in points]
    low, high, step = _scale(min([*values, Decimal(0)]), max([*values, Decimal(0)]))
    count = max(len(points), 1)

    def y(value: Decimal) -> float:
        return _BOTTOM - float((value - low) / (high - low)) * (_BOTTOM - _TOP)

    zero, slot = y(Decimal(0)), 100 / count
    bars = []
    for place, point in enumerate(points):
        top = min(y(point.value), zero)
        bars.append(
            Bar(
                point=point,
                x=_percent((place + 0.14) * slot),
                y=_percent(top),
                width=_percent(slot * 0.72),
                height=_percent(abs(zero - y(point.value))),
                reach_x=_percent(place * slot),
                reach_width=_percent(slot),
                is_negative=point.value < 0,
            )
        )
    steps = int((high - low) / step)
    ticks = [low + step * number for number in range(steps + 1)]
    return Chart(
        bars=tuple(bars),
        ticks=tuple(Mark(text=short(tick), at=_percent(y(tick)), is_zero=tick == 0) for tick in ticks),
        labels=tuple(_labels([point.label for point in points], slot)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A horizontal bar among others: how far it reaches of the longest."""

    point: Point
    width: str


def shares(points: Sequence[Point]) -> tuple[Share, ...]:
    """Return horizontal bars, in the order given."""
    longest = max((abs(point.value) for point in points), default=Decimal(0)) or Decimal(1)
    return tuple(
        Share(point=point, width=_percent(float(abs(point.value) / longest) * 100)) for point in points
    )


def parts(values: Sequence[int]) -> tuple[tuple[str, str], ...]:
    """Return (x, width) of each value within one bar that all of them fill."""
    total, before, places = sum(values) or 1, 0, []
    for value in values:
        places.append((_percent(100 * before / total), _percent(100 * value / total)))
        before += value
    return tuple(places)


def spark_line(values: Sequence[Decimal]) -> str:
    """Return the points of a line in a view box of 100 by 30, empty for fewer than two values."""
    if len(values) < 2:  # noqa: PLR2004 - a line has two ends
        return ""
    low, high = min([*values, Decimal(0)]), max([*values, Decimal(0)])
    span = high - low or Decimal(1)
    step = 100 / (len(values) - 1)
    return " ".join(
        f"{place * step:.4g},{28 - float((value - low) / span) * 26:.4g}"
        for place, value in enumerate(values)
    )


def short(value: Decimal) -> str:
    """Return a number for an axis: 1.5k, 20M."""
    for unit, name in ((10**12, "T"), (10**9, "B"), (10**6, "M"), (10**3, "k")):
        if abs(value) >= unit:
            return f"{(value / unit).normalize():f}{name}"
    return f"{value.normalize():f}"


def _scale(low: Decimal, high: Decimal) -> tuple[Decimal, Decimal, Decimal]:
    """Return round ends of an axis that holds both, and its step."""
    span = high - low or Decimal(1)
    rough = span / _TICKS
    unit = Decimal(10) ** rough.adjusted()
    step = next(unit * factor for factor in _STEPS if unit * factor >= rough)
    return step * (low // step - (1 if low < 0 and low % step else 0)), step * ceil(high / step or 1), step


def _labels(names: Sequence[str], slot: float) -> list[Mark]:
    every = ceil(len(names) / _LABELS) or 1
    sparse = every * ceil(_LABELS / _DENSE_LABELS)
    return [
        Mark(text=name, at=_percent((place + 0.5) * slot), is_dense=bool(place % sparse))
        for place, name in enumerate(names)
        if place % every == 0
    ]


def _percent(value: float) -> str:
    return f"{value:.4g}%"
