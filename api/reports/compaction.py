"""Compaction: the tail's many small objects into the one table `invoices`.

    1  MERGE the tail into `invoices`, where a higher rev wins, at most 100 months at a time
    2  replace the view `invoices_tail`, so that the tail begins in the hour of 45 minutes ago
    3  daily, OPTIMIZE and VACUUM

Any number of runs, also one that dies between two steps, leaves the same answer: a row is merged
when it is newer, and the tail begins at an hour before which no object can come any more, by the
clock of a moment before the MERGE looked. Two at once are kept apart by the caller's lease.
"""

import calendar
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from api.reports.report import ReportFailed, Result
from api.reports.tables import compaction_view, delete, merge, tail_start, tail_view
from invoice_parser.wording import counted

# What one statement of Athena may write: https://docs.aws.amazon.com/athena/latest/ug/ctas-insert-into.html
MAX_PARTITIONS = 100
ATTEMPTS = 4
# Somebody else committed to the table meanwhile; the same MERGE looks again and succeeds.
CONFLICT = "ICEBERG_COMMIT_ERROR"

_MONTHS = """\
SELECT DISTINCT CAST(date_trunc('month', issue_date) AS date) AS month
FROM invoices_tail
ORDER BY month"""


class Tables(Protocol):
    """Where `invoices` and the views are."""

    def settle(self) -> None:
        """End the statements that an earlier run left behind. Raises ReportFailed."""

    def run(self, sql: str) -> Result:
        """Carry the statement out. Raises ReportFailed."""

    def optimize(self) -> None:
        """Rewrite small files, remove old snapshots. Raises ReportFailed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compaction:
    """What one run did."""

    at: datetime
    months: int
    merges: int
    tail_from: str
    optimized: bool

    def __str__(self) -> str:
        extra = ", optimized" if self.optimized else ""
        work = f"{counted(self.months, 'month')} in {counted(self.merges, 'merge')}"
        return f"compacted: {work}, tail from {self.tail_from}{extra}"


def compact(tables: Tables, now: datetime, keep: Callable[[], None] = lambda: None) -> Compaction:
    """Compact once. Safe to repeat. `now` is the time before the call, `keep` prolongs a lease.

    Raises ReportFailed; then the tail is as long as it was, and every answer as right.
    """
    # A run that died may have left its MERGE to Athena. Two that insert the same invoice at the same
    # moment are no conflict to Iceberg, which compares files and not keys: it would be there twice.
    tables.settle()
    tail_before = compacted(tables)[1]
    months = [month for (month,) in tables.run(_MONTHS).rows if isinstance(month, date)]
    spans = list(_spans(months))
    for first, last in spans:
        keep()
        _commit(tables, merge(first, last))
    keep()
    tail_from = tail_start(now)
    tables.run(tail_view(tail_from))
    tables.run(compaction_view(now, tail_from))
    optimized = tail_from[:10] > tail_before[:10]
    if optimized:
        keep()
        tables.optimize()
    return Compaction(at=now, months=len(months), merges=len(spans), tail_from=tail_from, optimized=optimized)


def erase(tables: Tables, invoices: Iterable[tuple[str, str]]) -> None:
    """Delete these (customer_id, invoice_id) from `invoices`, all of the customer's where that is empty.

    Safe to repeat. Raises ReportFailed. The files go when `optimize` expires their snapshots.
    """
    for customer_id, invoice_id in invoices:
        _commit(tables, delete(customer_id, invoice_id))


def compacted(tables: Tables) -> tuple[datetime | None, str]:
    """Return when the last compaction began, None for never, and the first hour of the tail."""
    ((at, tail_from),) = tables.run("SELECT compacted_at, tail_from FROM compaction").rows
    return datetime.fromisoformat(str(at)) if at else None, str(tail_from)


def _spans(months: list[date]) -> Iterator[tuple[date, date]]:
    for start in range(0, len(months), MAX_PARTITIONS):
        batch = months[start : start + MAX_PARTITIONS]
        last = batch[-1]
        yield batch[0], last.replace(day=calendar.monthrange(last.year, last.month)[1])


def _commit(tables: Tables, statement: str) -> None:
    for attempt in range(1, ATTEMPTS + 1):
        try:
            tables.run(statement)
        except ReportFailed as error:
            if error.code != CONFLICT or attempt == ATTEMPTS:
                raise
        else:
            return
