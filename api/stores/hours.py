"""The hours by which the ledgers file what they keep."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

HOUR = timedelta(hours=1)
# How far back the listing of recent documents goes.
LOOK_BACK = timedelta(days=7)


def hour_of(at: datetime) -> datetime:
    """Return the beginning of the hour, in UTC."""
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def hours_between(since: datetime, before: datetime) -> Iterator[datetime]:
    """Yield the beginning of every hour that has a part in [since, before)."""
    hour = hour_of(since)
    while hour < before:
        yield hour
        hour += HOUR
