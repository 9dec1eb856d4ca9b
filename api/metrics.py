"""Counters of this process, by name and code. A counter is declared here before it is used."""

from collections import Counter
from collections.abc import Mapping
from threading import Lock

# Name -> what it counts; the code says which kind.
COUNTERS: Mapping[str, str] = {
    "sns.answers": "POSTs to /sns, by the code of the answer",
    "sns.parts": "parts of notifications, by outcome:code",
}

_lock = Lock()
_counts: Counter[tuple[str, str]] = Counter()


def count(name: str, code: str) -> None:
    """Add one. Codes are constants of the program, never a sender's words, so that they stay few.

    Raises KeyError for a counter that is not declared.
    """
    if name not in COUNTERS:
        raise KeyError(name)
    with _lock:
        _counts[name, code] += 1


def counts() -> dict[tuple[str, str], int]:
    """Return (name, code) -> how often, since the process began."""
    with _lock:
        return dict(_counts)
