"""JSON that has one meaning: RFC 8259, without what parsers disagree on. Pure.

Refused although many parsers take it: bytes that are not UTF-8 (UTF-16, a byte order mark),
two keys of one name, half a surrogate pair (no UTF-8 can hold it), NaN and Infinity, integers
over 19 digits, nesting beyond the interpreter's recursion limit.
https://www.rfc-editor.org/rfc/rfc8259
"""

import json

MAX_DIGITS = 19  # hold any 64-bit size; int() takes quadratic time


class NotStrictJson(ValueError):  # noqa: N818 - it names what is wrong
    """The text is not JSON, or means different things to different parsers."""


def loads(data: bytes | str) -> object:
    """Return the value: dict, list, str, int, float, bool or None. Raises NotStrictJson."""
    try:
        text = data.decode() if isinstance(data, bytes) else data
        value: object = _DECODER.decode(text)
        if "\\u" in text or not text.isascii():  # nothing else can make half a surrogate pair
            json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise NotStrictJson(type(error).__name__) from error
    return value


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("two keys of one name")
    return value


def _integer(digits: str) -> int:
    if len(digits.removeprefix("-")) > MAX_DIGITS:
        raise ValueError("a long integer")
    return int(digits)


def _constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_int=_integer, parse_constant=_constant)
