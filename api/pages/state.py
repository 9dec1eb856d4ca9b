"""A page's state, read from its URL: typed values, or BadParameter with a sentence for people."""

from collections.abc import Collection, Mapping
from datetime import date
from decimal import Decimal

from api.reports.parameters import BadParameter, Parameter

MAX_TEXT_LENGTH = 200


def text(state: Mapping[str, str], name: str) -> str | None:
    """Return a text without blanks around it, None when there is none."""
    value = state.get(name, "").strip()
    if len(value) > MAX_TEXT_LENGTH or "\0" in value:
        raise BadParameter(f"{name}: more than {MAX_TEXT_LENGTH} characters, or one that nobody can type.")
    return value or None


def day(state: Mapping[str, str], name: str) -> date | None:
    """Return a day, None when there is none."""
    value = text(state, name)
    found = Parameter(name=name, kind="date", title=name).read(value) if value else None
    return found if isinstance(found, date) else None


def amount(state: Mapping[str, str], name: str) -> Decimal | None:
    """Return an amount, None when there is none."""
    value = text(state, name)
    found = Parameter(name=name, kind="amount", title=name).read(value) if value else None
    return found if isinstance(found, Decimal) else None


def number(state: Mapping[str, str], name: str, default: int = 1) -> int:
    """Return a whole number from 1 on."""
    value = text(state, name)
    found = Parameter(name=name, kind="count", title=name).read(value) if value else None
    return found if isinstance(found, int) else default


def choice(state: Mapping[str, str], name: str, choices: Collection[str], default: str) -> str:
    """Return one of the choices."""
    value = text(state, name) or default
    if value not in choices:
        raise BadParameter(f"{name}: {value!r} is not one of {', '.join(sorted(choices))}.")
    return value
