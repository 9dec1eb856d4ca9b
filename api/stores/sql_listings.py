"""The SQL ledger's listings of documents, newest first.

A token is where the last page ended: the last document's recorded_at and id.
"""

import re
from datetime import datetime

from django.db.models import Q, QuerySet

from api import models
from api.records import Page
from api.stores.hours import HOUR, LOOK_BACK, hour_of
from api.stores.sql_rows import document_of

_TOKEN = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00)#(\d{1,18})\Z", re.ASCII)


def rejections(
    documents: QuerySet[models.Document], *, open_only: bool, limit: int, token: str | None
) -> Page:
    """Return a page of rejections, newest first."""
    is_open = (True,) if open_only else (True, False)
    return _page(documents.filter(outcome="rejected", is_open__in=is_open), limit, token)


def open_rejection_count(documents: QuerySet[models.Document], limit: int) -> int:
    """Return how many rejections are open, `limit` if there are more."""
    return documents.filter(outcome="rejected", is_open=True)[:limit].count()


def recent_documents(
    documents: QuerySet[models.Document], *, now: datetime, limit: int, token: str | None
) -> Page:
    """Return a page of the last days' documents, newest first."""
    hour = hour_of(now)
    recent = documents.filter(recorded_at__gte=hour - LOOK_BACK, recorded_at__lt=hour + HOUR)
    return _page(recent, limit, token)


def _page(documents: QuerySet[models.Document], limit: int, token: str | None) -> Page:
    if token and (place := _place(token)):
        at, row_id = place
        # The first condition is the second one's again, for the index.
        documents = documents.filter(
            Q(recorded_at__lt=at) | Q(recorded_at=at, id__lt=row_id), recorded_at__lte=at
        )
    rows = list(documents.defer("data").order_by("-recorded_at", "-id")[: limit + 1])
    shown = rows[:limit]
    next_token = None
    if shown and len(rows) > limit:
        next_token = f"{shown[-1].recorded_at.isoformat(timespec='microseconds')}#{shown[-1].pk}"
    return Page(documents=tuple(map(document_of, shown)), next_token=next_token)


def _place(token: str) -> tuple[datetime, int] | None:
    """Return a token's place, None when it is no token: it comes from a browser."""
    match = _TOKEN.match(token)
    try:
        return (datetime.fromisoformat(match[1]), int(match[2])) if match else None
    except ValueError:
        return None
