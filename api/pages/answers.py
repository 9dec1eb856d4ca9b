"""Answers to reports for pages: cached by the query's text and the data's version, never waited for.

A query's text holds its parameters as literals, so the text and the version of the data say all
that an answer depends on. Where the engine works in the background, the page shows that it does
and asks again; which query it asks after stands in its URL (`q-<report>`), so any process can.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import islice
from typing import Final

from django.core.cache import cache
from django.http import HttpRequest

from api import wiring
from api.reports.literals import Value
from api.reports.report import Background, Cost, QueryState, Report, ReportFailed, Result, Row

# What a page may hold in memory; a download has no such limit.
MAX_ROWS: Final = 10_000
_LIFE_SECONDS: Final = 120
# A URL with an older query was kept by somebody, and wants today's answer.
_MAX_AGE: Final = timedelta(minutes=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What became of a query. `is_cut` says that there are more rows than were read.

    `query_id` is the engine's, empty where the answer came at once.
    """

    report: Report
    sql: str
    state: QueryState
    asked_at: datetime
    query_id: str = ""
    rows: tuple[Row, ...] = ()
    is_cut: bool = False
    cost: Cost | None = None
    scanned_bytes: int = 0
    fault: str = ""

    @property
    def is_running(self) -> bool:
        """Tell whether to ask again."""
        return self.state == "running"

    @property
    def seconds(self) -> float:
        """Return how long it has been running."""
        return (datetime.now(UTC) - self.asked_at).total_seconds()


def ask(report: Report, values: Mapping[str, Value], state: Mapping[str, str]) -> Answer:
    """Return the answer as far as it is; `state` is the page's, which may name a query to ask after.

    Who asks the same within a minute shares a query. No longer: an object that comes after its
    revision, as an import's or a repaired one does, makes no new version. Raises BadParameter.
    """
    sql = report.render(values)
    now = datetime.now(UTC)
    version, is_settled = wiring.data_version(now)
    key = _key(version, sql, state.get("again", ""))
    known: Answer | None = cache.get(key)
    if known is not None:
        return known
    try:
        engine = wiring.background_reports()
        if engine is None:
            answer = _answer(report, sql, now, wiring.reports().run(sql))
        else:
            token = _key(f"{version} {now:%H:%M}", sql, state.get("again", ""))
            answer = _look(engine, report, sql, state.get(_name(report), ""), token)
    except ReportFailed as failure:
        return Answer(report=report, sql=sql, state="failed", asked_at=now, fault=failure.reason)
    if answer.state == "done" and is_settled:
        cache.set(key, answer, _LIFE_SECONDS)
    return answer


def all_rows(answer: Answer) -> Iterable[Row]:
    """Return the rows of an answer that is done, also those that it has not read.

    Raises ReportFailed, also while they are read.
    """
    if not answer.is_cut:
        return answer.rows
    engine = wiring.background_reports()
    return (engine.result(answer.query_id) if engine else wiring.reports().run(answer.sql)).rows


def address(request: HttpRequest, answers: Iterable[Answer], path: str = "", **changes: str | None) -> str:
    """Return the page's address, or `path` in the same state, with the queries to ask after.

    `changes` set parameters; None takes one away.
    """
    query = request.GET.copy()
    for answer in answers:
        if answer.query_id:
            query[_name(answer.report)] = answer.query_id
    for name, value in changes.items():
        query.pop(name, None)
        if value is not None:
            query[name] = value
    return f"{path or request.path}?{query.urlencode()}"


def _look(engine: Background, report: Report, sql: str, query_id: str, token: str) -> Answer:
    progress = engine.progress(query_id) if query_id else None
    is_ours = progress is not None and progress.sql == sql
    if progress is None or not is_ours or datetime.now(UTC) - progress.started_at > _MAX_AGE:
        query_id = engine.start(sql, token)
        progress = engine.progress(query_id)
        if progress and progress.state in {"failed", "cancelled"}:
            # The token leads to a query that somebody else saw end; this viewer asks anew.
            query_id = engine.start(sql)
            progress = engine.progress(query_id)
    if progress is None:
        raise ReportFailed("The query is gone; ask again.")
    if progress.state == "done":
        return _answer(report, sql, progress.started_at, engine.result(query_id), query_id)
    return Answer(
        report=report,
        sql=sql,
        state=progress.state,
        asked_at=progress.started_at,
        query_id=query_id,
        scanned_bytes=progress.scanned_bytes,
        fault=progress.fault,
    )


def _answer(report: Report, sql: str, at: datetime, result: Result, query_id: str = "") -> Answer:
    rows = tuple(islice(result.rows, MAX_ROWS + 1))
    return Answer(
        report=report,
        sql=sql,
        state="done",
        asked_at=at,
        query_id=query_id,
        rows=rows[:MAX_ROWS],
        is_cut=len(rows) > MAX_ROWS,
        cost=result.cost,
    )


def _name(report: Report) -> str:
    return f"q-{report.name}"


def _key(version: str, sql: str, again: str) -> str:
    return sha256(f"{version}\0{again}\0{sql}".encode()).hexdigest()
