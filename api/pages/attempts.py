"""How many logins may fail: a slot for each attempt, given back by the one that succeeds.

A slot is taken before the password is looked at, atomically and for all processes, so neither
parallel guesses nor the cost of hashing them get past the limits.
"""

from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Protocol

from django.http import HttpRequest

# nginx on this machine; who comes through a Unix socket, as it does on an instance, has no address.
_OWN_PROXY: Final = frozenset({"", "127.0.0.1", "::1"})


class Slots(Protocol):
    """What is needed of a cache that all processes share."""

    def add(self, key: str, value: object, timeout: float) -> bool:
        """Set the key unless it is there; tell whether it was set."""

    def delete(self, key: str) -> bool:
        """Remove the key."""


@dataclass(frozen=True, slots=True)
class Limit:
    """So many attempts within so many seconds."""

    attempts: int
    seconds: int


# One person forgets a password; one address may be an office of many; a flood of addresses may
# guess one account, which must not lock its owner out for long.
PER_ACCOUNT_AND_ADDRESS: Final = Limit(5, 5 * 60)
PER_ADDRESS: Final = Limit(30, 15 * 60)
PER_ACCOUNT: Final = Limit(60, 15 * 60)


def take(slots: Slots, account: str, address: str) -> tuple[str, ...] | None:
    """Return the slots taken for an attempt, to be given back by `release`; None when none is free."""
    taken: list[str] = []
    for limit, name in (
        (PER_ACCOUNT_AND_ADDRESS, f"{account}\0{address}"),
        (PER_ADDRESS, address),
        (PER_ACCOUNT, account),
    ):
        digest = sha256(name.encode(errors="replace")).hexdigest()
        keys = (f"attempt-{limit.attempts}-{digest}-{number}" for number in range(limit.attempts))
        slot = next((key for key in keys if slots.add(key, 1, limit.seconds)), None)
        if slot is None:
            release(slots, tuple(taken))
            return None
        taken.append(slot)
    return tuple(taken)


def release(slots: Slots, taken: tuple[str, ...]) -> None:
    """Give the slots back."""
    for key in taken:
        slots.delete(key)


def address_of(request: HttpRequest) -> str:
    """Return who knocks: nginx, on this machine, adds the address that it saw as the last one."""
    peer = str(request.META.get("REMOTE_ADDR", ""))
    forwarded = request.headers.get("X-Forwarded-For", "")
    return forwarded.rpartition(",")[2].strip() if peer in _OWN_PROXY and forwarded else peer
