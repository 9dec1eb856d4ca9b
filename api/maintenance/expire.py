"""Expire: texts that are kept longer than they need to be. Rows, reasons and outcomes stay."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

CHECKPOINT = "expire"
# Before this, docproc kept nothing.
BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)


class ExpiringLedger(Protocol):
    """What an expiry asks of the ledger."""

    def expire_texts(self, *, since: datetime, before: datetime) -> int:
        """Drop the texts of what was recorded from `since` till `before`; return how many."""

    def nothing_before(self) -> datetime | None:
        """Return a time before which nothing was recorded or stored, None if only a sweep could tell."""

    def checkpoint(self, name: str) -> str | None:
        """Return what was saved under the name."""

    def save_checkpoint(self, name: str, value: str) -> None:
        """Save a value under the name."""


def expire(
    ledger: ExpiringLedger,
    now: datetime,
    *,
    keep_days: int,
    keep: Callable[[], None] = lambda: None,
    say: Callable[[datetime, int], None] = lambda _until, _count: None,
) -> int:
    """Drop the texts older than so many days; return how many. Safe to repeat and to interrupt.

    A day at a time, so that a run that is interrupted has not been in vain. `keep` prolongs a lease,
    `say` hears how far it is and how many it has dropped.
    """
    saved = ledger.checkpoint(CHECKPOINT)
    # The first sweep begins where the ledger does, if that can be told for certain: from BEGINNING on it
    # asks for every hour of every day.
    since = datetime.fromisoformat(saved) if saved else ledger.nothing_before() or BEGINNING
    before = now - timedelta(days=keep_days)
    count = 0
    while since < before:
        keep()
        until = min(since + timedelta(days=1), before)
        count += ledger.expire_texts(since=since, before=until)
        ledger.save_checkpoint(CHECKPOINT, until.isoformat())
        say(until, count)
        since = until
    return count
