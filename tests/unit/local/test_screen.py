import io

import pytest

from infra.local.screen import Screen, cut, packed


class TestCut:
    def test_leaves_what_fits_and_says_how_long_the_rest_was(self) -> None:
        assert cut("0123456789", 10) == "0123456789"
        assert cut("x" * 50, 24) == "xxxxxxx… (50 characters)"
        assert cut("two\nlines", 24) == "two lines"


class TestPacked:
    def test_keeps_fields_whole_and_lines_short(self) -> None:
        fields = ['"aaaa"', '"bb"', '"cccccc"', '""']

        assert packed(fields, 13) == ['"aaaa","bb",', '"cccccc",""']

    def test_cuts_a_field_that_fits_no_line(self) -> None:
        assert packed(["a", "b" * 60], 30) == ["a,", "b" * 12 + "… (60 characters)"]


def test_hands_a_terminal_no_commands() -> None:
    assert cut("a\x1b[2J\u202e.txt\nb", 60) == "a<U+001B>[2J<U+202E>.txt b"


class TestScreen:
    def test_aligns_facts(self) -> None:
        stream = io.StringIO()

        Screen(stream).facts([("rev", "1"), ("status", "active")])

        assert stream.getvalue() == "  rev     1\n  status  active\n"

    def test_colors_terminals_only(self, monkeypatch: pytest.MonkeyPatch) -> None:
        class Terminal(io.StringIO):
            def isatty(self) -> bool:
                return True

        monkeypatch.delenv("NO_COLOR", raising=False)
        colored, plain = Screen(Terminal()), Screen(io.StringIO())
        monkeypatch.setenv("NO_COLOR", "1")
        asked_not_to = Screen(Terminal())

        assert colored.color("x", "stored") == "\033[32mx\033[0m"
        assert plain.color("x", "stored") == "x"
        assert asked_not_to.color("x", "stored") == "x"
