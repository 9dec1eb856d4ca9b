"""Amounts: what is written is what is read, and nothing else is read."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invoice_parser.amounts import CURRENCIES, looks_like_amount, read_amount, to_decimal


def western(digits: str) -> str:
    """Return the digits in groups of three, by hand from the right."""
    groups: list[str] = []
    while digits:
        groups.insert(0, digits[-3:])
        digits = digits[:-3]
    return ",".join(groups)


def indian(digits: str) -> str:
    """Return the digits in one group of three and then groups of two."""
    head, tail = digits[:-3], digits[-3:]
    groups = [tail]
    while head:
        groups.insert(0, head[-2:])
        head = head[:-2]
    return ",".join(groups)


@given(
    whole=st.integers(0, 10**15 - 1),
    cents=st.one_of(st.none(), st.integers(0, 99)),
    grouping=st.sampled_from([str, western, indian]),
    sign=st.sampled_from(["{}", "-{}", "{}-", "({})", "{} CR", "{}CR"]),
    mark=st.sampled_from(["{}", "₹{}", "Rs. {}", "{} INR", "usd {}", "{}€"]),
    suffix=st.sampled_from(["", "/-"]),
)
def test_reads_what_is_written(
    whole: int, cents: int | None, grouping: type[str], sign: str, mark: str, suffix: str
) -> None:
    number = grouping(str(whole)) + ("" if cents is None else f".{cents:02d}")
    tail = suffix if sign in ("{}", "-{}", "({})") else ""

    amount = read_amount(mark.format(sign.format(number + tail)))

    expected = whole * 100 + (cents or 0)
    currency = {"{}": "", "usd {}": "USD", "{}€": "EUR"}.get(mark, "INR")
    assert amount == (expected if sign == "{}" else -expected, currency)


@given(st.text(alphabet="0123456789,.-+()/ CRsx₹$e'_", max_size=12))
def test_reads_nothing_into_a_text(text: str) -> None:
    amount = read_amount(text)

    if amount is not None:
        digits = "".join(character for character in text if character in "0123456789")
        assert abs(amount[0]) in {int(digits), int(digits) * 10, int(digits) * 100}
        assert looks_like_amount(text)


@given(st.integers(-(10**22), 10**22))
def test_makes_decimals_of_two_places(minor_units: int) -> None:
    amount = to_decimal(minor_units)

    assert amount.as_tuple().exponent == -2
    assert int(str(amount).replace(".", "")) == minor_units


def test_writes_zero_as_such() -> None:
    assert str(to_decimal(0)) == "0.00"
    assert str(to_decimal(-5)) == "-0.05"
    assert to_decimal(815_000) == Decimal("8150.00")


@pytest.mark.parametrize(
    "text", ["7,65", "7.650,00", "-5", "(5)", "Rs 1_0", "$ 7'5", "5 0", "५", "+5", "5 AED"]
)
def test_tells_what_is_meant_as_an_amount(text: str) -> None:
    assert looks_like_amount(text)


@pytest.mark.parametrize(
    "text", ["2MW", "3 core", "1e5", "10-20", "3/4", "A4", "", "Rs", "5 mm", "-", "v1.2"]
)
def test_tells_what_is_description(text: str) -> None:
    assert not looks_like_amount(text)


def test_knows_every_currency_by_its_code() -> None:
    assert all(CURRENCIES[code.lower()] == code for code in CURRENCIES.values())
