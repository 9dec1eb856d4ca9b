"""Days, weeks, months."""

from datetime import date

import pytest

from api.pages.periods import MAX_BARS, Period, Range, each, end, fitting, presets, start


@pytest.mark.parametrize(
    ("period", "day", "first", "last"),
    [
        ("day", date(2026, 11, 21), date(2026, 11, 21), date(2026, 11, 21)),
        ("week", date(2026, 11, 21), date(2026, 11, 16), date(2026, 11, 22)),
        ("week", date(2027, 1, 1), date(2026, 12, 28), date(2027, 1, 3)),
        ("month", date(2028, 2, 29), date(2028, 2, 1), date(2028, 2, 29)),
    ],
)
def test_begin_and_end(period: Period, day: date, first: date, last: date) -> None:
    assert start(period, day) == first
    assert end(period, first) == last


def test_each_covers_the_range_without_gap() -> None:
    assert list(each("month", date(2026, 11, 21), date(2027, 2, 1))) == [
        date(2026, 11, 1),
        date(2026, 12, 1),
        date(2027, 1, 1),
        date(2027, 2, 1),
    ]
    assert list(each("day", date(2026, 11, 2), date(2026, 11, 1))) == []


@pytest.mark.parametrize(
    ("wanted", "first", "last", "shown"),
    [
        ("day", date(2026, 11, 1), date(2027, 1, 1), "day"),  # 62 days
        ("day", date(2026, 11, 1), date(2027, 1, 2), "week"),  # one more
        ("week", date(2026, 1, 1), date(2026, 12, 31), "week"),
        ("day", date(2016, 1, 1), date(2026, 12, 31), "month"),
        ("month", date(1990, 1, 1), date(2100, 12, 31), "month"),
        ("day", None, date(2026, 12, 31), "month"),
        ("day", date(2026, 1, 1), None, "month"),
    ],
)
def test_fitting_takes_the_finest_that_can_be_seen(
    wanted: Period, first: date | None, last: date | None, shown: Period
) -> None:
    found = fitting(wanted, Range(first, last))

    assert found == shown
    if first and last and found != "month":
        assert len(list(each(found, first, last))) <= MAX_BARS[found] + 1


def test_presets_of_a_day_in_march() -> None:
    found = {preset.title: preset.range for preset in presets(date(2026, 3, 31))}

    assert found["7 days"] == Range(date(2026, 3, 25), date(2026, 3, 31))
    assert found["This month"] == Range(date(2026, 3, 1), date(2026, 3, 31))
    assert found["Last month"] == Range(date(2026, 2, 1), date(2026, 2, 28))
    assert found["All time"] == Range(None, None)
