"""Texts for people at a terminal, in a mail or on a page: a stranger's characters, and counts."""

import unicodedata
from typing import Final

# Characters that show nothing, that a terminal would obey, or that turn what is around them.
_UNSEEN: Final = frozenset({"Cc", "Cf", "Co", "Cn", "Cs", "Zl", "Zp"})


def is_unseen(char: str) -> bool:
    """Tell whether a reader cannot see that the character is there."""
    return unicodedata.category(char) in _UNSEEN


def printable(text: str) -> str:
    """Return a text of unknown origin on one line, with `<U+001B>` for each character that is unseen.

    Whatever stood in a key or an invoice, a terminal that shows this neither obeys nor reorders it.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(f"<U+{ord(char):04X}>" if is_unseen(char) else char for char in text)


def printable_lines(text: str) -> str:
    """Return a text of several lines as `printable` does; its line ends and tabs stay."""
    lines = text.replace("\r\n", "\n").split("\n")
    return "\n".join("\t".join(map(printable, line.split("\t"))) for line in lines)


def counted(number: int, noun: str) -> str:
    """Return the number with its noun: `1 merge`, `2 merges`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
