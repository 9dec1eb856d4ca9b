"""Lines for a terminal: aligned, cut to its width, colored where that helps."""

import os
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TextIO

from invoice_parser.wording import printable

COLORS: Final[Mapping[str, str]] = {
    "stored": "32",
    "rejected": "33",
    "superseded": "36",
    "bold": "1",
    "faint": "2",
    "failed": "31",
}
MAX_WIDTH: Final = 120


class Screen:
    """Writes to a stream; without color unless it is a terminal and NO_COLOR is unset."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self._has_color = self._stream.isatty() and not os.environ.get("NO_COLOR")
        columns = shutil.get_terminal_size((MAX_WIDTH, 24)).columns
        self.width = max(60, min(MAX_WIDTH, columns)) - 1

    def color(self, text: str, style: str) -> str:
        """Return the text in a style of COLORS."""
        return f"\033[{COLORS[style]}m{text}\033[0m" if self._has_color and style in COLORS else text

    def line(self, text: str = "") -> None:
        """Write one line, now."""
        self._stream.write(text.rstrip() + "\n")
        self._stream.flush()

    def title(self, text: str, remark: str = "") -> None:
        """Write a heading with a blank line before it and what may be said about it."""
        self.line()
        self.line(self.color(text, "bold") + (self.color(f"  {remark}", "faint") if remark else ""))

    def facts(self, facts: Iterable[tuple[str, str]]) -> None:
        """Write names and values in two columns."""
        facts = list(facts)
        width = max(len(name) for name, _ in facts)
        for name, value in facts:
            self.line(
                "  " + self.color(f"{name:{width}}", "faint") + "  " + cut(value, self.width - width - 4)
            )


def cut(text: str, width: int) -> str:
    """Return the text on one line, nothing unseen in it; of one too long the end is … and its length."""
    text = printable(" ".join(text.split("\n")))
    if len(text) <= width:
        return text
    mark = f"… ({len(text)} characters)"
    return text[: max(0, width - len(mark))] + mark


def packed(fields: Sequence[str], width: int) -> list[str]:
    """Return comma-separated fields on as few lines as fit, each field whole or cut."""
    lines = [""]
    for place, field in enumerate(fields):
        text = cut(field, width - 1) + ("," if place < len(fields) - 1 else "")
        if lines[-1] and len(lines[-1]) + len(text) > width:
            lines.append("")
        lines[-1] += text
    return lines
