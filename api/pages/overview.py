"""The overview: the last documents live, what was spent lately, and whether everything is well."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, Literal, TypeAlias

from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from api import wiring
from api.maintenance.reconcile import last_balance
from api.pages import charts, sums
from api.pages.answers import Answer, address, ask
from api.pages.periods import Range
from api.pages.pulse import Pulse, pulse
from api.ports import TemporaryFailure
from api.records import Document
from api.reports.queries import REPORTS
from api.reports.search import COMPACTION

State: TypeAlias = Literal["good", "warn", "bad"]

# What is counted: the hour that has begun and the 23 before, as the ledgers file documents.
WINDOW: Final = timedelta(hours=23)
SAMPLE: Final = 1_000
LISTED: Final = 10
# So many are cheap to count for every look; more are counted again after some seconds.
_FEW: Final = 200
_PULSE_SECONDS: Final = 15
_SPARK_DAYS: Final = 30
_DEPTH_SECONDS: Final = 15
_COMPACT: Final = "manage.py compact"
# The timer compacts every hour; twice that is a sign that it stands still.
_LATE: Final = timedelta(hours=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """How one part does, in a word and a sentence; `command` mends it, if any does."""

    name: str
    state: State
    word: str
    note: str
    command: str = ""


@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """Show how the service does now."""
    now = datetime.now(UTC)
    documents, beat = _recent(now)
    saved = last_balance(wiring.ledger())
    first = now.date() - timedelta(days=_SPARK_DAYS - 1)
    spending = ask(REPORTS["expenses-by-day"], {"from": first, "to": now.date()}, request.GET)
    compaction = ask(COMPACTION, {}, request.GET)
    context = {
        "pulse": beat,
        "parts": charts.parts([beat.stored, beat.superseded, beat.rejected]),
        "documents": documents[:LISTED],
        "balance": saved[0] if saved else None,
        "balance_at": saved[1] if saved else None,
        "health": tuple(_health(now, compaction)),
        **_spending(now.date(), spending),
        "answer": spending,
        "address": address(request, [spending, compaction]),
    }
    return render(request, "overview.html", context)


def _recent(now: datetime) -> tuple[Sequence[Document], Pulse]:
    """Return the last documents, and the pulse of the window's."""
    beat: Pulse | None = cache.get("pulse")
    limit = LISTED if beat else SAMPLE
    documents = wiring.ledger().recent_documents(now=now, limit=limit, token=None).documents
    if beat is None:
        hour = now.replace(minute=0, second=0, microsecond=0)
        beat = pulse(documents, hour - WINDOW, SAMPLE)
        if beat.received > _FEW:
            cache.set("pulse", beat, _PULSE_SECONDS)
    return documents, beat


def _spending(today: date, answer: Answer) -> dict[str, Any]:
    first = today - timedelta(days=_SPARK_DAYS - 1)
    found = sums.currencies(answer.rows)
    if not found:
        return {"spending": None}
    lines = sums.by_period(sums.lines(answer.rows, found[0].code), "day", Range(first, today))
    return {
        "spending": sums.total(lines),
        "spending_currency": found[0].code,
        "other_currencies": found[1:],
        "spark": charts.spark_line([line.total for line in lines]),
        "spark_first": first,
        "spark_last": today,
    }


def _health(now: datetime, compaction: Answer) -> Iterator[Health]:
    yield Health(name="Ledger", state="good", word="reachable", note="It answered for this page.")
    yield _queue()
    yield _compaction(now, compaction)


def _queue() -> Health:
    name = "Dead-letter queue"
    depth = cache.get("dead-letters")
    if depth is None:
        try:
            depth = wiring.dead_letters().depth()
        except TemporaryFailure as failure:
            return Health(name=name, state="bad", word="no answer", note=str(failure))
        cache.set("dead-letters", depth, _DEPTH_SECONDS)
    if depth:
        note = "SNS gave up on these. To bring them back:"
        return Health(
            name=name, state="warn", word=f"{depth} waiting", note=note, command="manage.py redrive"
        )
    return Health(name=name, state="good", word="empty", note="SNS gave up on nothing.")


def _compaction(now: datetime, answer: Answer) -> Health:
    name = "Compaction"
    if answer.is_running:
        return Health(name=name, state="good", word="asking", note="Athena is at work.")
    if answer.state != "done":
        return Health(name=name, state="bad", word="no answer", note=answer.fault)
    cell = answer.rows[0][0] if answer.rows else None
    at = datetime.fromisoformat(str(cell)) if cell else None  # Athena gives times as texts
    if at is None:
        note = "Every query reads the objects one by one. To end that:"
        return Health(name=name, state="warn", word="never yet", note=note, command=_COMPACT)
    age = now - at.replace(tzinfo=UTC)
    minutes = f"{max(age, timedelta()).total_seconds() / 60:.0f} min ago"
    if age > _LATE:
        note = "Queries read more and more objects. To end that:"
        return Health(name=name, state="warn", word=minutes, note=note, command=_COMPACT)
    return Health(name=name, state="good", word=minutes, note="Queries read few objects.")
