"""What a report may be told: typed values, read from what people write."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal, TypeAlias

from api.reports.literals import UnwritableValue, Value, literal

ParameterKind: TypeAlias = Literal["date", "text", "amount", "count"]
MAX_COUNT = 1_000_000

_TYPES: dict[ParameterKind, type] = {"date": date, "text": str, "amount": Decimal, "count": int}
_READERS: dict[ParameterKind, tuple[re.Pattern[str], Callable[[str], Value], str]] = {
    "date": (re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}"), date.fromisoformat, "a date: write YYYY-MM-DD"),
    "text": (re.compile(r"(?s).*"), str, "a text"),
    "amount": (
        re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,2})?"),
        Decimal,
        "a number: write it like 1250.50",
    ),
    "count": (re.compile(r"[1-9][0-9]{0,5}"), int, "a whole number from 1 to 999999"),
}


class BadParameter(ValueError):  # noqa: N818 - it names what is wrong
    """The report has no such parameter, or the value does not fit it. The text is for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One of a report's parameters. `default` None means everything, `lowest` None any amount.

    `cuts` says that the answer stops after so many rows; `empty_word` stands for the empty text, in
    any case of letters, where an empty field means everything.
    """

    name: str
    kind: ParameterKind
    title: str
    default: Value | None = None
    lowest: Decimal | None = None
    cuts: bool = False
    empty_word: str | None = None

    @property
    def label(self) -> str:
        """Return the title for people, with the number that holds if none is given."""
        is_number = isinstance(self.default, int | Decimal)
        return f"{self.title}, {self.default} if not given" if is_number else self.title

    def read(self, text: str) -> Value:
        """Return the value that somebody wrote. Raises BadParameter."""
        if self.empty_word and text.lower() == self.empty_word:
            return ""
        pattern, convert, form = _READERS[self.kind]
        try:
            if pattern.fullmatch(text):
                return convert(text)
        except ValueError:
            pass  # a 30th of February
        raise BadParameter(f"{self.name}: {text!r} is not {form}.")

    def literal(self, value: Value) -> str:
        """Return the SQL of the value. Raises BadParameter."""
        if type(value) is not _TYPES[self.kind]:
            raise BadParameter(f"{self.name}: {value!r} is not {_READERS[self.kind][2]}.")
        if self.lowest is not None and isinstance(value, Decimal) and value < self.lowest:
            raise BadParameter(f"{self.name}: {value} is too low; write a number from {self.lowest} up.")
        try:
            return literal(value)
        except UnwritableValue as error:
            raise BadParameter(f"{self.name}: {error}") from error
