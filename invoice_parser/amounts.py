"""One amount as people write it, to minor units (hundredths) and a currency; or None.

    amount   = [sign] [currency] [sign] number ["/-"] [sign] [currency] [sign]
    number   = plain | western | indian, then optionally "." and 1 or 2 digits
    plain    = 1 to 15 digits          western = 1,234,567          indian = 12,34,567
    sign     = "-" before or after, "CR" after, or "(" before and ")" after: at most once

Integers, because sums of them are exact whatever the decimal context of the thread.
"""

import re
from decimal import Context, Decimal
from typing import Final

from invoice_parser.values import unquote

_MAX_CHARACTERS: Final = 40  # the longest amount has 30; a bound makes the pattern's cost constant
MAX_DIGITS: Final = 15

_AMOUNT: Final = re.compile(
    r"""
    (?P<outer_lead>[-(]?)\ ?
    (?P<before>[A-Za-z]{0,3}[$€£₹₨]|[A-Za-z]{2,3}\.?)?\ ?
    (?P<inner_lead>[-(]?)\ ?
    (?P<whole>[0-9]{1,15} | [1-9][0-9]{0,2}(?:,[0-9]{3}){1,4} | [1-9][0-9]?(?:,[0-9]{2}){1,5},[0-9]{3})
    (?:\.(?P<cents>[0-9]{1,2}))?
    (?:\ ?/-(?!\ ?-))?\ ?
    (?P<inner_tail>-|\)|CR)?\ ?
    (?P<after>[A-Za-z]{0,3}[$€£₹₨]|[A-Za-z]{2,3}\.?)?\ ?
    (?P<outer_tail>-|\)|CR)?
    """,
    re.VERBOSE,
)
_EXACT: Final = Context(prec=28)  # 10,000 items of 17 digits have 21
_ZERO: Final = Decimal("0.00")
_SIGN: Final = {"": 1, "-": -1, "CR": -1, "()": -1}

_ISO_CODES: Final = (
    "AED AUD BDT BHD BRL CAD CHF CNY CZK DKK EUR GBP HKD HUF IDR ILS INR JPY KES KRW KWD LKR MXN MYR "
    "NGN NOK NPR NZD OMR PHP PKR PLN QAR SAR SEK SGD THB TRY TWD USD VND ZAR"
)
# What the document writes, in lower case -> what we record. `$` alone is the US dollar and `Rs`
# the Indian rupee, as everywhere in this trade; others write their code. `SR` stays as it is: it
# is no ISO code, and means different things to different people.
CURRENCIES: Final = {
    "₹": "INR",
    "₨": "INR",
    "rs": "INR",
    "rs.": "INR",
    "sr": "SR",
    "sr.": "SR",
    "$": "USD",
    "us$": "USD",
    "a$": "AUD",
    "c$": "CAD",
    "hk$": "HKD",
    "nz$": "NZD",
    "s$": "SGD",
    "€": "EUR",
    "£": "GBP",
} | {code.lower(): code for code in _ISO_CODES.split()}

_DIGIT: Final = re.compile(r"\d")
_MARK: Final = f"(?i:{'|'.join(map(re.escape, sorted(CURRENCIES, key=len, reverse=True)))})"
_NUMBER_LIKE: Final = re.compile(
    rf"""
    ['"\u201c\u2018]?
    [-+(\u2212]{{0,2}}\ *(?:{_MARK})?\ *[-+(\u2212]{{0,2}}\ *
    \d[\d.,'_ ]*
    (?:/-)?\ *(?:[-\u2212)]|CR)?\ *(?:{_MARK})?\ *(?:[-\u2212)]|CR)?
    ['"\u201d\u2019]?
    """,
    re.VERBOSE,
)


def read_amount(text: str) -> tuple[int, str] | None:
    """Return (minor units, currency or ""), or None when the text (perhaps in quotes) is no amount."""
    if text.isdigit() and text.isascii() and len(text) <= MAX_DIGITS:
        return int(text) * 100, ""
    if len(text) > _MAX_CHARACTERS:
        return None
    match = _AMOUNT.fullmatch(" ".join(unquote(text).replace("\u2212", "-").split()))
    if match is None:
        return None
    outer_lead, before, inner_lead, whole, cents, inner_tail, after, outer_tail = match.groups("")
    sign = _SIGN.get(outer_lead + inner_lead + inner_tail + outer_tail)
    currency = CURRENCIES.get((before or after).lower(), "")
    if sign is None or (before and after) or bool(currency) != bool(before or after):
        return None
    return sign * int(whole.replace(",", "") + cents.ljust(2, "0")), currency


def to_decimal(minor_units: int) -> Decimal:
    """Return the amount with exactly two decimals, whatever the decimal context of the thread."""
    return _EXACT.scaleb(minor_units, -2) if minor_units else _ZERO


def looks_like_amount(text: str) -> bool:
    """Tell whether the text is written as some number, though perhaps not as one that we read.

    Such text is never taken for a part of a description: `7,65` is a mistake, `2MW` is not.
    """
    if len(text) > _MAX_CHARACTERS or not _DIGIT.search(text):
        return False
    return _NUMBER_LIKE.fullmatch(text) is not None
