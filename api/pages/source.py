"""A document's text as lines to show: which fields cite them, where the fault is, what differs. Pure."""

from collections.abc import Collection
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final

from invoice_parser import InvoiceError, decode, split_lines

# A page is for reading; the whole text is one download away.
MAX_LINES: Final = 250
MAX_LINE_CHARACTERS: Final = 400
_HEX_BYTES: Final = 256
_HEX_WIDTH: Final = 16
# Beyond this many lines a comparison is no longer worth its time (it grows with their product).
_MAX_COMPARED_LINES: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of the text. For the faulty one `before` is what stands left of the caret."""

    number: int
    text: str
    is_cut: bool = False
    is_cited: bool = False
    is_fault: bool = False
    is_different: bool = False
    before: str = ""
    has_caret: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The lines to show; `left_out` counts those that are not among them."""

    lines: tuple[Line, ...]
    left_out: int = 0
    is_binary: bool = False


def text_lines(data: bytes) -> tuple[list[str], bool]:
    """Return the document's lines, and whether they are a dump of bytes that are no text."""
    try:
        text = decode(data)[0].removeprefix("\ufeff")
    except InvoiceError as error:
        if error.code == "not-text":
            return _dump(data), True
        text = data.decode("utf-8", "replace")
    lines = split_lines(text)
    # The end of the last line begins no further one.
    return lines[:-1] if len(lines) > 1 and not lines[-1] else lines, False


def source(
    data: bytes,
    *,
    cited: Collection[int] = (),
    fault: tuple[int, int] = (0, 0),
    different: Collection[int] = (),
) -> Source:
    """Return the document as lines; `fault` is (line, column) from 1, 0 for none."""
    texts, is_binary = text_lines(data)
    line, column = fault
    # The faulty line is what the reader came for, so it is shown wherever it stands.
    first = max(0, line - MAX_LINES // 2) if line > MAX_LINES else 0
    shown = texts[first : first + MAX_LINES]
    lines = []
    for number, text in enumerate(shown, first + 1):
        has_caret = number == line and column > 0
        start = max(0, column - MAX_LINE_CHARACTERS // 2) if has_caret and column > MAX_LINE_CHARACTERS else 0
        part = text[start : start + MAX_LINE_CHARACTERS]
        lines.append(
            Line(
                number=number,
                text=part,
                is_cut=len(part) < len(text),
                is_cited=number in cited,
                is_fault=number == line,
                is_different=number in different,
                before=text[start : column - 1] if has_caret else "",
                has_caret=has_caret,
            )
        )
    return Source(lines=tuple(lines), left_out=len(texts) - len(shown), is_binary=is_binary)


def differences(left: bytes, right: bytes) -> tuple[set[int], set[int]]:
    """Return the numbers of the lines that only the left and only the right document has.

    None is marked where one of the documents is not there to compare.
    """
    if not left or not right:
        return set(), set()
    ours, theirs = text_lines(left)[0], text_lines(right)[0]
    if max(len(ours), len(theirs)) > _MAX_COMPARED_LINES:
        return set(), set()
    only_left, only_right = set[int](), set[int]()
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, ours, theirs, autojunk=False).get_opcodes():
        if tag != "equal":
            only_left.update(range(i1 + 1, i2 + 1))
            only_right.update(range(j1 + 1, j2 + 1))
    return only_left, only_right


def _dump(data: bytes) -> list[str]:
    rows = range(0, min(len(data), _HEX_BYTES), _HEX_WIDTH)
    return [
        f"{at:04x}  {data[at : at + _HEX_WIDTH].hex(' '):<47}  "
        + "".join(chr(byte) if 32 <= byte < 127 else "." for byte in data[at : at + _HEX_WIDTH])  # noqa: PLR2004 - printable ASCII
        for at in rows
    ]
