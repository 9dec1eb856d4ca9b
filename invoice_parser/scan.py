"""Lines to what they are: fields by name, items, decoration, or something to tell of.

One pass, each line looked at once, so the time grows with the length of the document alone.
"""

from typing import Final, TypeAlias

from invoice_parser import codes
from invoice_parser.findings import Findings
from invoice_parser.formats import Field, Format
from invoice_parser.items import Items
from invoice_parser.values import quoted

_DECORATION: Final = "*-= "
_MAX_LABEL_CHARACTERS: Final = 40


# A field's text as it stands in a line, the line's number, the count of its characters before it.
# Plain tuples: there is one for every field of every document.
Found: TypeAlias = tuple[str, int, int]
Fields: TypeAlias = dict[str, list[Found]]


def scan(lines: list[str], layout: Format, items: Items, findings: Findings) -> Fields:
    """Return each field's texts; the items go into `items`, doubts into `findings`."""
    fields: Fields = {}
    if layout.by_position:
        _scan_positions(lines, layout, items, fields)
    else:
        _scan_labels(lines, layout, items, fields, findings)
    items.end()
    return fields


def _scan_positions(lines: list[str], layout: Format, items: Items, fields: Fields) -> None:
    expected = iter(layout.fields)
    for number, line in enumerate(lines, 1):
        if not line.strip(_DECORATION):
            continue
        if field := next(expected, None):
            fields[field.name] = [(line, number, 0)]
        elif items.waiting:
            items.wrap(line)
        else:
            items.start(len(items.read) + 1, line, number, 1)


def _scan_labels(lines: list[str], layout: Format, items: Items, fields: Fields, findings: Findings) -> None:
    item_start, by_label = layout.item_start.match, layout.by_label
    below_heading = False
    for number, line in enumerate(lines, 1):
        if below_heading and (start := item_start(line)):
            end = start.end()
            items.start(int(start[1]), line[end:], number, end + 1)
            continue
        label, colon, rest = line.partition(":")
        if colon and (field := by_label.get(label.strip().lower())):
            if items.waiting:
                items.end()
            _take_fields(field, (rest, number, len(label) + 1), by_label, fields, findings)
        elif text := line.strip(_DECORATION):
            if text.rstrip(" :").lower() == layout.items_heading:
                below_heading = True
            elif items.waiting:
                items.wrap(line)
            elif text.lower() not in layout.titles:
                _tell_of(label, colon, line, number, findings)


def _tell_of(label: str, colon: str, line: str, number: int, findings: Findings) -> None:
    if colon and label.strip():
        findings.add(codes.UNKNOWN_FIELD, f"{quoted(label.strip())} is no label of this format.", number)
    else:
        findings.add(codes.UNRECOGNISED_LINE, f"{quoted(line.strip())} was not understood.", number)


def _take_fields(
    field: Field, found: Found, by_label: dict[str, Field], fields: Fields, findings: Findings
) -> None:
    """Keep the field, and those that follow it on the same line: `Amount: 7650 Total: 8150`."""
    if field.kind == "text" or ":" not in found[0]:
        _add(field, found, fields)
    else:
        _split_line(field, found, by_label, fields, findings)


def _add(field: Field, found: Found, fields: Fields) -> None:
    if field.name in fields:
        fields[field.name].append(found)
    else:
        fields[field.name] = [found]


def _split_line(
    field: Field | None, found: Found, by_label: dict[str, Field], fields: Fields, findings: Findings
) -> None:
    text, line, offset = found
    start = place = 0
    while (field is None or field.kind != "text") and (colon := text.find(":", place)) >= 0:
        place = colon + 1
        label = _label_before(text, start, colon, by_label)
        if not label:
            continue  # the colon belongs to the value, which its reader will refuse
        if field:
            value = text[start : colon - len(label)]
            _add(field, (value, line, offset + start), fields)
        field, start = by_label.get(label.strip().lower()), place
        if field is None:
            findings.add(codes.UNKNOWN_FIELD, f"{quoted(label.strip())} is no label of this format.", line)
    if field:
        _add(field, (text[start:], line, offset + start), fields)


def _label_before(text: str, start: int, colon: int, by_label: dict[str, Field]) -> str:
    """Return the label between `start` and the colon, with the blanks behind it, or "".

    That is a label of the format after a blank, or else a single word that begins with a letter
    and follows a value.
    """
    window = text[max(start, colon - _MAX_LABEL_CHARACTERS) : colon]
    end = window.rstrip()
    lowered = end.lower()
    known = [label for label in by_label if lowered.endswith(label)]
    label = end[-len(max(known, key=len)) :] if known else end.rpartition(" ")[2]
    begin = len(end) - len(label)
    if known and begin == 0 and not text[start : colon - len(window)]:
        return window
    if (
        begin == 0
        or window[begin - 1] != " "
        or not (known or (label[0].isalpha() and window[:begin].strip()))
    ):
        return ""
    return window[begin:]
