"""What the last documents say about the service: outcomes, rate, and how long they took. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from api.records import Document


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulse:
    """The documents recorded since a time; `is_cut` if there were too many, so that it is a later time.

    The waits are seconds from upload to record; S3 tells uploads to the second only.
    """

    received: int
    stored: int
    superseded: int
    rejected: int
    since: datetime
    is_cut: bool
    p50_seconds: float | None
    p95_seconds: float | None


def pulse(last: Sequence[Document], since: datetime, most: int) -> Pulse:
    """Return the pulse of those of the last documents, given newest first, that are not older than `since`.

    With `most` documents there may be more that were not given.
    """
    documents = [document for document in last if document.recorded_at >= since]
    is_cut = len(documents) >= most
    outcomes = [document.outcome for document in documents]
    waits = sorted(
        max(document.recorded_at - document.last_modified_at, timedelta()).total_seconds()
        for document in documents
        # An act on an old rejection makes it new again, but nobody waited for it; nor for an archive.
        if document.last_modified_at and not document.acts and not document.is_imported
    )
    return Pulse(
        received=len(outcomes),
        stored=outcomes.count("stored"),
        superseded=outcomes.count("superseded"),
        rejected=outcomes.count("rejected"),
        since=documents[-1].recorded_at if is_cut else since,
        is_cut=is_cut,
        p50_seconds=_percentile(waits, 50),
        p95_seconds=_percentile(waits, 95),
    )


def _percentile(ordered: Sequence[float], percent: int) -> float | None:
    """Return the nearest rank: a wait that somebody really had."""
    if not ordered:
        return None
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]
