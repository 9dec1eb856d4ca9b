"""Answers to reports for pages: cached by the query's text and the data's version.

A query's text holds its parameters as literals, so the text and the version of the data say all
that an answer depends on.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from itertools import islice
from typing import Final, Literal, TypeAlias

from django.core.cache import cache

from api import wiring
from api.reports.literals import Value
from api.reports.report import Cost, Report, ReportFailed, Row

State: TypeAlias = Literal["done", "failed"]

# What a page may hold in memory; a download has no such limit.
MAX_ROWS: Final = 10_000
_LIFE_SECONDS: Final = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What became of a query. `is_cut` says that there are more rows than were read."""

    report: Report
    sql: str
    state: State
    asked_at: datetime
    rows: tuple[Row, ...] = ()
    is_cut: bool = False
    cost: Cost | None = None
    fault: str = ""

    @property
    def is_done(self) -> bool:
        """Tell whether the rows are there."""
        return self.state == "done"


def ask(report: Report, values: Mapping[str, Value]) -> Answer:
    """Return what the engine says, or said about the same data. Raises BadParameter."""
    sql = report.render(values)
    now = datetime.now(UTC)
    version, is_settled = wiring.data_version(now)
    key = sha256(f"{version}\0{sql}".encode()).hexdigest()
    known: Answer | None = cache.get(key)
    if known is not None:
        return known
    answer = _run(report, sql, now)
    if answer.is_done and is_settled:
        cache.set(key, answer, _LIFE_SECONDS)
    return answer


def _run(report: Report, sql: str, now: datetime) -> Answer:
    try:
        result = wiring.reports().run(sql)
        rows = tuple(islice(result.rows, MAX_ROWS + 1))
    except ReportFailed as failure:
        return Answer(report=report, sql=sql, state="failed", asked_at=now, fault=failure.reason)
    return Answer(
        report=report,
        sql=sql,
        state="done",
        asked_at=now,
        rows=rows[:MAX_ROWS],
        is_cut=len(rows) > MAX_ROWS,
        cost=result.cost,
    )
