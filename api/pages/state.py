"""A page's state, read from its URL: typed values, or BadParameter with a sentence for people."""

from collections.abc import Collection, Mapping
from datetime import date
from decimal import Decimal

from api.reports.parameters import BadParameter, Parameter

MAX_TEXT_LENGTH = 200
# Ids are short; what stands after "From:" may be half a letterhead.
MAX_SELLER_LENGTH = 2_000
# DynamoDB's, of a partition key and of a sort key; what is longer is no document's name.
_MAX_KEY_BYTES, _MAX_VERSION_BYTES = 2_048, 1_024


def text(state: Mapping[str, str], name: str, longest: int = MAX_TEXT_LENGTH) -> str | None:
    """Return a text without blanks around it, None when there is none."""
    value = state.get(name, "").strip()
    if len(value) > longest or "\0" in value:
        raise BadParameter(f"{name}: more than {longest} characters, or one that nobody can type.")
    return value or None


def can_name_a_document(key: str, version_id: str) -> bool:
    """Tell whether the ledger can be asked for them."""
    lengths = len(key.encode(errors="replace")), len(version_id.encode(errors="replace"))
    return 0 < lengths[0] <= _MAX_KEY_BYTES and 0 < lengths[1] <= _MAX_VERSION_BYTES


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
