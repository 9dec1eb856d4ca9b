"""What the last documents say about the service: outcomes, rate, and how long they took. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from api.records import Document


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulse:
    """The last documents. `since` is when the oldest of them was recorded, None if there are none.

    The waits are seconds from upload to record; S3 tells uploads to the second only.
    """

    received: int
    stored: int
    superseded: int
    rejected: int
    since: datetime | None
    p50_seconds: float | None
    p95_seconds: float | None


def pulse(documents: Sequence[Document]) -> Pulse:
    """Return the pulse of documents given newest first."""
    outcomes = [document.outcome for document in documents]
    waits = sorted(
        max(document.recorded_at - document.last_modified_at, timedelta()).total_seconds()
        for document in documents
        # An act on an old rejection makes it new again, but nobody waited for it.
        if document.last_modified_at and not document.acts
    )
    return Pulse(
        received=len(outcomes),
        stored=outcomes.count("stored"),
        superseded=outcomes.count("superseded"),
        rejected=outcomes.count("rejected"),
        since=documents[-1].recorded_at if documents else None,
        p50_seconds=_percentile(waits, 50),
        p95_seconds=_percentile(waits, 95),
    )


def _percentile(ordered: Sequence[float], percent: int) -> float | None:
    """Return the nearest rank: a wait that somebody really had."""
    if not ordered:
        return None
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]
