"""Texts for people."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invoice_parser.wording import counted, printable, printable_lines


class TestPrintable:
    @pytest.mark.parametrize(
        ("text", "shown"),
        [
            ("march/a.txt", "march/a.txt"),
            ("Büro München €", "Büro München €"),
            ("a\x1b[2Jb", "a<U+001B>[2Jb"),
            ("ok\rbad", "ok<U+000D>bad"),
            ("a\nb", "a<U+000A>b"),
            ("txt.\u202eexe", "txt.<U+202E>exe"),
            ("a\u2028b\u200bc", "a<U+2028>b<U+200B>c"),
            ("\x9b31m", "<U+009B>31m"),
            ("half \ud800", "half <U+D800>"),
        ],
    )
    def test_shows_what_cannot_be_seen(self, text: str, shown: str) -> None:
        assert printable(text) == shown

    @given(st.text())
    def test_gives_a_terminal_nothing_to_obey(self, text: str) -> None:
        shown = printable(text)

        assert not any(ord(char) < 32 or 0x7F <= ord(char) < 0xA0 for char in shown)
        assert not set(shown) & set("\u200b\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u2028\u2029\ufeff")
        shown.encode()  # no half surrogate is left

    def test_leaves_the_lines_of_a_text(self) -> None:
        assert printable_lines("1)\tThing\r\n\x1b[2J\n") == "1)\tThing\n<U+001B>[2J\n"


class TestCounted:
    @pytest.mark.parametrize(("number", "shown"), [(0, "0 rows"), (1, "1 row"), (2, "2 rows")])
    def test_has_the_noun_in_its_number(self, number: int, shown: str) -> None:
        assert counted(number, "row") == shown
