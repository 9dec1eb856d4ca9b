"""One date as people write it, to a date; only when there is a single way to read it.

    Mar 31 2018   March 31st, 2018   31 March, 2018   31-Mar-2018   2018-03-31   31/03/2018

Whatever else dateutil reads is taken when it reads the same day whether days or months come first,
and does not fill a missing part from its default. Two-digit years are never read.
"""

import re
from datetime import date, datetime
from typing import Final

from dateutil import parser as dateutil_parser

from invoice_parser import codes
from invoice_parser.invoice import InvoiceError

FIRST_YEAR: Final = 1990
LAST_YEAR: Final = 2100
_MAX_CHARACTERS: Final = 40

_MONTHS: Final = {
    name: month
    for month, names in enumerate(
        (
            "jan january",
            "feb february",
            "mar march",
            "apr april",
            "may",
            "jun june",
            "jul july",
            "aug august",
            "sep sept september",
            "oct october",
            "nov november",
            "dec december",
        ),
        1,
    )
    for name in names.split()
}
_SPACE: Final = r"[ ,./-]{0,3}"
_DAY: Final = r"([0-9]{1,2})(?:st|nd|rd|th|ST|ND|RD|TH)?"
_MONTH_DAY_YEAR: Final = re.compile(rf"([A-Za-z]{{3,9}}){_SPACE}{_DAY}[ ,./-]{{1,3}}([0-9]{{4}})")
_DAY_MONTH_YEAR: Final = re.compile(rf"{_DAY}{_SPACE}([A-Za-z]{{3,9}}){_SPACE}([0-9]{{4}})")
_YEAR_MONTH_DAY: Final = re.compile(r"([0-9]{4})(?:[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})|([0-9]{2})([0-9]{2}))")
_NUMERIC: Final = re.compile(r"([0-9]{1,2})[-/. ]([0-9]{1,2})[-/. ]([0-9]{4})")
_HAS_YEAR: Final = re.compile(r"(?<![0-9])[0-9]{4}(?![0-9])")
_TWO_DIGIT_YEAR: Final = re.compile(r"[0-9]{1,2}[-/. ](?:[0-9]{1,2}|[A-Za-z]{3,9})[-/. ,]{1,2}'?[0-9]{2}")
_TIME: Final = re.compile(r"(?:T| |, )(?:[01]?[0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9])?(?: ?[AaPp][Mm])?Z?$")
_WEEKDAY: Final = re.compile(r"\b(mon|tue|wed|thu|fri|sat|sun)", re.IGNORECASE)
_WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

# Two days that share neither day, month nor year: a part that the text leaves out shows.
_DEFAULTS: Final = (datetime(2001, 1, 1), datetime(2012, 12, 28))  # noqa: DTZ001 - days, no instants


class _FullYears(dateutil_parser.parserinfo):
    """dateutil reads a two-digit year by today's date; the parser has no today."""

    def convertyear(self, year: int, century_specified: bool = False) -> int:  # noqa: FBT001, FBT002 - dateutil's
        if year < 100 and not century_specified:  # noqa: PLR2004 - the two-digit years
            raise ValueError(year)
        return year


_dateutil: Final = dateutil_parser.parser(_FullYears())


def read_date(text: str, *, day_first: bool | None) -> date:
    """Return the date; `day_first` settles 03/04/2018, None lets it be ambiguous.

    Raises InvoiceError with bad-date or ambiguous-date.
    """
    if ":" in text:
        text = _TIME.sub("", text)
    found = _with_month_name(text)
    if found is None:
        found = _numeric(text, day_first=day_first) or _by_dateutil(text, day_first=day_first)
    if not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise _bad(text, f"is not in the years {FIRST_YEAR} to {LAST_YEAR}")
    return found


def _with_month_name(text: str) -> date | None:
    if match := _MONTH_DAY_YEAR.fullmatch(text):
        name, day, year = match.groups()
    elif match := _DAY_MONTH_YEAR.fullmatch(text):
        day, name, year = match.groups()
    else:
        return None
    month = _MONTHS.get(name.lower())
    return _day(text, int(year), month, int(day)) if month else None


def _numeric(text: str, *, day_first: bool | None) -> date | None:
    if match := _YEAR_MONTH_DAY.fullmatch(text):
        year, month, day = (int(part) for part in match.groups() if part)
        return _day(text, year, month, day)
    if not (match := _NUMERIC.fullmatch(text)):
        return None
    first, second, year = map(int, match.groups())
    if first == second or (first <= 12 and second <= 12 and day_first is False):  # noqa: PLR2004 - months
        return _day(text, year, first, second)
    if first <= 12 and second <= 12 and day_first is None:  # noqa: PLR2004 - the same
        raise _ambiguous(text)
    if second > 12:  # noqa: PLR2004 - the same
        first, second = second, first
    return _day(text, year, second, first)


def _by_dateutil(text: str, *, day_first: bool | None) -> date:
    if not text.isascii() or len(text) > _MAX_CHARACTERS:
        raise _bad(text, "is no date")
    readings: set[date | None] = set()
    for order in (True, False) if day_first is None else (day_first,):
        for default in _DEFAULTS:
            try:
                readings.add(_dateutil.parse(text, default=default, dayfirst=order, ignoretz=True).date())
            except (ValueError, OverflowError, ArithmeticError, LookupError, TypeError, AttributeError):
                readings.add(None)  # dateutil's documentation promises the first two only
    if readings == {None}:
        raise _ambiguous(text) if _TWO_DIGIT_YEAR.fullmatch(text) else _bad(text, "is no date")
    found = readings.pop()
    if readings or found is None or not _HAS_YEAR.search(text):
        raise _ambiguous(text)
    weekday = _WEEKDAY.search(text)
    if weekday and weekday[1].lower() != _WEEKDAYS[found.weekday()]:
        raise _bad(text, "is another day of the week")
    return found


def _day(text: str, year: int, month: int, day: int) -> date:
    try:
        return date(year, month, day)
    except ValueError as error:
        raise _bad(text, "is no day of the calendar") from error


def _bad(text: str, why: str) -> InvoiceError:
    return InvoiceError(codes.BAD_DATE, f"“{text[:40]}” {why}; write it like 31 Mar 2018.")


def _ambiguous(text: str) -> InvoiceError:
    return InvoiceError(
        codes.AMBIGUOUS_DATE, f"“{text[:40]}” can be read as more than one day; write it like 31 Mar 2018."
    )
