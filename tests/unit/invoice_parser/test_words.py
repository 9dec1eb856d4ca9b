"""Amounts in words, against num2words and by hand."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from num2words import num2words as untyped_num2words

from invoice_parser.words import read_words


def num2words(number: float, **options: str) -> str:
    return str(untyped_num2words(number, **options))  # type: ignore[no-untyped-call]  # it has no types


CENTS = st.one_of(st.integers(0, 99_999), st.integers(0, 10**9), st.integers(0, 10**12 - 1))


@given(CENTS, st.sampled_from(["en", "en_IN"]))
@settings(max_examples=1_000)
def test_agrees_with_num2words_on_currency(cents: int, language: str) -> None:
    words = num2words(cents, lang=language, to="currency", currency="USD")

    assert read_words(words) == cents


@given(CENTS, st.sampled_from(["en", "en_IN"]), st.sampled_from(["Rupees {} only", "{}", "Minus {} dollars"]))
@settings(max_examples=1_000)
def test_agrees_with_num2words_on_whole_units(units: int, language: str, frame: str) -> None:
    words = frame.format(num2words(units % 10**10, lang=language).title())

    assert read_words(words) == units % 10**10 * (-100 if frame.startswith("Minus") else 100)


@given(st.integers(0, 10**15 - 1))
@settings(max_examples=1_000)
def test_agrees_with_num2words_up_to_the_largest_amount(units: int) -> None:
    assert read_words(num2words(units)) == units * 100


@given(st.integers(0, 999_999), st.integers(0, 99))
@settings(max_examples=500)
def test_agrees_with_num2words_on_what_people_make_of_it(units: int, paise: int) -> None:
    whole, part = num2words(units, lang="en_IN"), num2words(paise)

    expected = units * 100 + paise
    assert read_words(f"Rupees {whole} and {part} paise only") == expected
    assert read_words(f"Rupees {whole} and paise {part} only") == expected
    assert read_words(f"{whole} rupees and {paise:02d}/100") == expected
    assert read_words(f"{whole} dollars {paise} cents") == expected
    assert read_words(num2words(expected / 100)) == expected


@pytest.mark.parametrize(
    ("words", "cents"),
    [
        ("Space Rupees Eight thousand one hundred fifty only", 815_000),
        ("EIGHT THOUSAND ONE HUNDRED AND FIFTY", 815_000),
        ("Rupees Eighty-one hundred fifty", 815_000),
        ("One lakh twenty three thousand four hundred fifty six", 12_345_600),
        ("Twelve crore thirty four lacs", 12_340_000_000),
        ("One lakh crore", 10**12 * 100),
        ("Ten thousand five hundred crore", 105_000_000_000 * 100),
        ("One million two hundred thousand", 120_000_000),
        ("Hundred rupees", 10_000),
        ("Thousand", 100_000),
        ("zero", 0),
        ("Fifty paise", 50),
        ("Negative five dollars", -500),
        ("five point two five", 525),
        ("five point five", 550),
        ("five point zero five", 505),
    ],
)
def test_reads(words: str, cents: int) -> None:
    assert read_words(words) == cents


@pytest.mark.parametrize(
    "words",
    [
        "as agreed",
        "only",
        "huit mille cent cinquante",
        "eight one five zero",
        "twenty ten",
        "five thirty",
        "fifty fifteen",
        "one thousand two million",
        "two thousand three thousand",
        "one hundred two hundred",
        "thousand thousand",
        "one thousand hundred",
        "zero five",
        "five rupees six",
        "five hundred 20",
        "8150",
        "five rupees and one hundred paise",
        "five rupees 250 paise",
        "five rupees one 2 paise",
        "five rupees and paise",
        "five point",
        "five point twenty",
        "five point one two three",
        "five and 150/100",
        "one " * 300,
    ],
)
def test_does_not_guess(words: str) -> None:
    assert read_words(words) is None
