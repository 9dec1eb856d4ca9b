"""Lines as a reader sees them."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invoice_parser.lines import source_column, split_lines, visible_lines


def test_counts_the_three_line_ends_and_no_other() -> None:
    assert split_lines("a\nb\r\nc\rd\n\re\u2028f\x85g\x0bh") == ["a", "b", "c", "d", "", "e\u2028f\x85g\x0bh"]


def test_leaves_plain_lines_alone() -> None:
    lines = ["Inv-ID: 1", ""]

    assert visible_lines(lines) == (lines, [])


def test_makes_blanks_spaces_and_full_width_colons_colons() -> None:
    assert visible_lines(["a\tb\u00a0c\u3000d\u2028e", "f\uff1ag"]) == (["a b c d e", "f:g"], [])


def test_removes_what_nobody_sees_and_says_where() -> None:
    lines = ["plain", "a\u200bb\ufeff", "c\x07d\x7f", "\u202ee\u2069", "f\U000e0041g\u00ad"]

    assert visible_lines(lines) == (["plain", "ab", "cd", "e", "fg"], [2, 3, 4, 5])


@pytest.mark.parametrize("category", ["Cc", "Cf"])
def test_removes_every_control_and_format_character(category: str) -> None:
    hidden = [
        chr(c) for c in range(0x110000) if unicodedata.category(chr(c)) == category and chr(c) not in "\t\n\r"
    ]

    lines, touched = visible_lines(hidden)

    assert set(lines) == {""}
    assert len(touched) == len(hidden)


def test_makes_every_blank_of_unicode_a_space() -> None:
    blanks = [chr(c) for c in range(0x110000) if unicodedata.category(chr(c)) in ("Zs", "Zl", "Zp")]

    assert set(visible_lines(blanks)[0]) == {" "}


@given(st.text(alphabet="ab \u200b\x07\t\uff1a", max_size=20))
def test_finds_each_column_again(line: str) -> None:
    shown = visible_lines([line])[0][0]

    for column, character in enumerate(shown, 1):
        assert visible_lines([line[source_column(line, column) - 1]])[0][0] == character
    assert source_column(line, 0) == 0
    assert source_column(line, len(shown) + 1) == len(line) + 1
