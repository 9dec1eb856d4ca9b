"""Python values as SQL literals: the only way that a value gets into the text of a query.

Athena has no true binding: it splices its ExecutionParameters into the text as they are. So one
typed writer makes all literals, and a query's text is the same wherever it runs. In Trino, and so
in Athena, a quote is doubled inside a string and nothing else is special, a backslash neither:
https://trino.io/docs/current/language/types.html#varchar
"""

from datetime import date, datetime
from decimal import Decimal
from typing import TypeAlias

Value: TypeAlias = date | Decimal | int | str

MAX_TEXT_LENGTH = 1_000
MAX_DIGITS = 38


class UnwritableValue(ValueError):  # noqa: N818 - it names what is wrong
    """The value has no literal that every engine reads the same."""


def literal(value: Value) -> str:
    """Return the value as a literal of Athena's SQL.

    Raises UnwritableValue if the text is overlong or holds NUL or half a surrogate pair, or if the
    number is no number or has more than 38 digits.
    """
    match value:
        case str():
            return _text(value)
        case datetime() | bool():
            raise UnwritableValue(f"A {type(value).__name__} has no literal.")
        case date():
            return f"DATE '{value.isoformat()}'"
        case int():
            return str(value)
        case Decimal():
            return _decimal(value)


def _text(value: str) -> str:
    if len(value) > MAX_TEXT_LENGTH:
        raise UnwritableValue(f"The text is longer than {MAX_TEXT_LENGTH} characters.")
    if any(char == "\0" or "\ud800" <= char <= "\udfff" for char in value):
        raise UnwritableValue("The text holds a character that no query can hold.")
    return "'" + value.replace("'", "''") + "'"


def _decimal(value: Decimal) -> str:
    # Before it is written out: 1E+999999999 would be a gigabyte.
    if not value.is_finite() or abs(value.adjusted()) > MAX_DIGITS:
        raise UnwritableValue("The number is none that an amount can be.")
    text = format(value, "f")
    digits = sum(char.isdigit() for char in text)
    if digits > MAX_DIGITS:
        raise UnwritableValue(f"The number has more than {MAX_DIGITS} digits.")
    scale = len(text.partition(".")[2])
    # Not DECIMAL '1.25': DuckDB would read that as DECIMAL(18,3), whatever its digits.
    return f"CAST('{text}' AS decimal({digits},{scale}))"
