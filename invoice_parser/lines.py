"""Text to lines that hold only what a reader can see. Line ends: LF, CRLF and CR."""

import re
from typing import Final

# Control characters (all but tab), format characters (zero-width, bidirectional, tags), fillers
# and variation selectors. Written out, so that the same bytes give the same invoice under every
# version of Unicode.
_INVISIBLE: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160"
    "\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0"
    "\ufff0-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff]"
)
_BLANKS: Final = (0x09, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000)
_AS_ASCII: Final = dict.fromkeys(_BLANKS, " ") | {0xFF1A: ":"}


def split_lines(text: str) -> list[str]:
    """Split at LF, CRLF and CR. The line numbers of findings and errors count these, from 1."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text.split("\n")


def visible_lines(lines: list[str]) -> tuple[list[str], list[int]]:
    """Return the lines as a reader sees them, and the numbers of those that lost characters.

    Invisible characters go, every blank becomes a space, a full-width colon a colon.
    """
    joined = "".join(lines)
    if joined.isascii() and joined.isprintable():
        return lines, []
    shown = [line.translate(_AS_ASCII) for line in lines]
    if not _INVISIBLE.search(joined):
        return shown, []
    cleaned = [_INVISIBLE.sub("", line) for line in shown]
    touched = [number for number, line in enumerate(shown, 1) if len(line) > len(cleaned[number - 1])]
    return cleaned, touched


def source_column(line: str, column: int) -> int:
    """Return where the column of the visible line stands in the line as it was sent; 0 stays 0."""
    seen = 0
    for position, character in enumerate(line, 1):
        seen += not _INVISIBLE.match(character)
        if seen >= column:
            return position if column else 0
    return len(line) + 1 if column else 0
