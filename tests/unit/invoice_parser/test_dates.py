"""Dates: a date that is read is the date that was meant."""

from datetime import date

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from invoice_parser import InvoiceError
from invoice_parser.dates import read_date

MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
DAYS = st.dates(date(1990, 1, 1), date(2100, 12, 31))


def ordinal(day: int) -> str:
    return f"{day}{'th' if 10 < day < 20 else {1: 'st', 2: 'nd', 3: 'rd'}.get(day % 10, 'th')}"


CLEAR = (
    lambda d: d.isoformat(),
    lambda d: f"{MONTHS[d.month - 1]} {d.day} {d.year}",
    lambda d: f"{MONTHS[d.month - 1][:3]} {d.day}, {d.year}",
    lambda d: f"{MONTHS[d.month - 1].upper()} {ordinal(d.day)}, {d.year}",
    lambda d: f"{d.day} {MONTHS[d.month - 1]}, {d.year}",
    lambda d: f"{ordinal(d.day)} {MONTHS[d.month - 1]} {d.year}",
    lambda d: f"{d.day:02d}-{MONTHS[d.month - 1][:3]}-{d.year}",
    lambda d: f"{d.day}{MONTHS[d.month - 1][:3].lower()}{d.year}",
    lambda d: f"{MONTHS[d.month - 1][:3]}. {d.day:02d} {d.year}",
    lambda d: f"{d.year}/{d.month:02d}/{d.day:02d}",
    lambda d: f"{d.year}{d.month:02d}{d.day:02d}",
    lambda d: f"{MONTHS[d.month - 1]} {d.day} {d.year} 10:30",
    lambda d: f"{d.isoformat()}T23:59:59Z",
    lambda d: f"{d:%A}, {d.day} {MONTHS[d.month - 1]} {d.year}",
)


@given(day=DAYS, write=st.sampled_from(CLEAR))
def test_reads_every_clear_way_to_write_a_day(day: date, write: type[str]) -> None:
    assert read_date(write(day), day_first=None) == day


@given(day=DAYS, separator=st.sampled_from("/-. "), day_first=st.booleans())
def test_reads_numbers_in_the_order_that_it_is_told(day: date, separator: str, *, day_first: bool) -> None:
    parts = (day.day, day.month) if day_first else (day.month, day.day)

    assert read_date(separator.join(map(str, (*parts, day.year))), day_first=day_first) == day


@given(day=DAYS, separator=st.sampled_from("/-."), day_first=st.booleans())
def test_never_turns_a_day_round(day: date, separator: str, *, day_first: bool) -> None:
    parts = (day.day, day.month) if day_first else (day.month, day.day)
    text = separator.join(map(str, (*parts, day.year)))

    if day.day > 12 or day.day == day.month:
        assert read_date(text, day_first=None) == day
    else:
        with pytest.raises(InvoiceError, match="ambiguous-date"):
            read_date(text, day_first=None)


@given(st.text(alphabet="0123456789/-.,: aAbcdeJanFrMyuSOctNovDWTZ+'", max_size=20))
@example("10:30")
@example("1.2.3.4")
@example("2018-W13-6")
@example("31 March 2018 25:61")
@example("0031-03-2018")
@example("99999999999999999999")
def test_reads_only_days_of_the_years_written_or_refuses(text: str) -> None:
    try:
        day = read_date(text, day_first=None)
    except InvoiceError as error:
        code = error.code
    else:
        code = "" if str(day.year) in text and str(day.day) in text else f"read {day}"

    assert code in ("", "bad-date", "ambiguous-date")


@pytest.mark.parametrize(
    "text", ["31/03/18", "31-Mar-18", "Mar 31", "March 2018", "10", "Saturday", "2018-03"]
)
def test_does_not_fill_in_what_is_missing(text: str) -> None:
    with pytest.raises(InvoiceError, match="ambiguous-date"):
        read_date(text, day_first=True)
