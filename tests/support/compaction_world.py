"""Random histories of invoices, and an Athena whose tables lie in a DuckDB in memory.

The world knows what was put into the bucket and so what every invoice is; the tables are asked
and must say the same after every step, whatever compaction did, did twice or left half done.
"""

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import duckdb

from api.reports.compaction import MAX_PARTITIONS, compact
from api.reports.duck import DuckTables, Replaced, describe, open_tables
from api.reports.raw import to_arrow
from api.reports.report import ReportFailed, Result

BEGIN = datetime(2026, 2, 1, tzinfo=UTC)
REPAIR_IN_PLACE = timedelta(minutes=20)  # the service's rule, in api/pipeline.py
MONTHS = "SELECT count(DISTINCT date_trunc('month', issue_date)) FROM invoices_tail"
SLOWEST_PUT = timedelta(minutes=24)
ANSWER = "SELECT customer_id, invoice_id, rev, issue_date, total_amount FROM expenses ORDER BY 1, 2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """What the world knows of one revision."""

    ids: tuple[str, str]
    rev: int
    issue_date: date
    cents: int
    status: str
    stored_at: datetime

    @property
    def row(self) -> bytes:
        amount = f"{self.cents // 100}.{self.cents % 100:02d}"
        values = [*self.ids, f"{self.issue_date}", "S", "B", amount, "0.00", amount, "", "INR"]
        values += ["0.00"] * 5 + ["[]", "", self.status, f"{self.rev}", "k", f"{self.stored_at:%FT%TZ}", "1"]
        return ('"' + '","'.join(values) + '"\n').encode()


class FlakyTables(DuckTables):
    """Sees the bucket as it is at each statement, keeps Athena's limit, and dies when told."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, objects: dict[str, bytes]) -> None:
        super().__init__(connection)
        self.connection, self.objects = connection, objects
        self.lives: int | None = None
        self.changed = 0

    def run(self, sql: str) -> Result:
        self.connection.register("invoices_raw", to_arrow(iter(self.objects.items())))
        if self.lives == 0:
            raise ReportFailed("the run died here")
        self.lives = None if self.lives is None else self.lives - 1
        if not sql.startswith("MERGE"):
            return super().run(sql)
        between = sql.partition("WHERE ")[2].partition("\n")[0]
        ((count,),) = super().run(f"{MONTHS} WHERE {between}").rows
        if not isinstance(count, int) or count > MAX_PARTITIONS:
            raise ReportFailed(f"{count} partitions", "ICEBERG_TOO_MANY_OPEN_PARTITIONS")
        ((changed,),) = super().run(sql).rows
        self.changed += changed if isinstance(changed, int) else 0
        return Result(columns=(), rows=iter([]))


@dataclass(slots=True)
class World:
    """One history: its clock, its ledger, its bucket, its tables."""

    seed: int
    years: int
    keeps_order: bool = True  # as the service does; False is for seeing that it must
    chance: Random = field(init=False)
    now: datetime = BEGIN
    current: dict[tuple[str, str], Revision] = field(default_factory=dict)
    made: list[Revision] = field(default_factory=list)
    unwritten: list[Revision] = field(default_factory=list)
    landing: list[tuple[datetime, str, tuple[Revision, ...]]] = field(default_factory=list)
    written: dict[tuple[str, str], Revision] = field(default_factory=dict)
    objects: dict[str, bytes] = field(default_factory=dict)
    tables: FlakyTables = field(init=False)
    counts: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.chance = Random(self.seed)
        connection = duckdb.connect(config={"threads": 1})
        open_tables(connection, Path("/nonexistent"), read_only=True)
        self.tables = FlakyTables(connection, self.objects)

    def step(self) -> None:
        """Do something, often several times over."""
        acts = (
            [self.issue] * 6 + [self.reissue] * 5 + [self.withdraw_or_restore] * 2 + [self.deliver_again] * 3
        )
        acts += [
            self.land,
            self.land,
            self.copy,
            self.wait,
            self.wait,
            self.compact,
            self.compact,
            self.compact_and_die,
        ]
        act = self.chance.choice(acts)
        self.counts[act.__name__] = self.counts.get(act.__name__, 0) + 1
        act()

    def issue(self) -> None:
        many = self.chance.choice([1, 1, 1, 5, 40 if self.years > 9 else 5])
        at = self._time()
        revisions = [
            self._revise((f"C-{self.chance.randrange(3)}", f"I-{len(self.current)}"), at) for _ in range(many)
        ]
        if many > 1 and self.chance.random() < 0.5:
            self._land_late(f"import-{self.chance.random()}", *revisions)
        else:
            for revision in revisions:
                self._put_or_die(revision)

    def reissue(self) -> None:
        if self.current:
            self._put_or_die(self._revise(self.chance.choice(list(self.current)), self._time()))

    def withdraw_or_restore(self) -> None:
        if self.current:
            last = self.current[self.chance.choice(list(self.current))]
            status = "active" if last.status == "withdrawn" else "withdrawn"
            self._put_or_die(self._again(last, status=status))

    def deliver_again(self) -> None:
        """Make sure of an object as the service does: in its own hour, or as a new revision."""
        if self.unwritten:
            revision = self.unwritten.pop(self.chance.randrange(len(self.unwritten)))
            if self.now - revision.stored_at <= REPAIR_IN_PLACE:
                self._land_late("", revision)
            elif self.current[revision.ids] == revision:
                self._put("", self._again(revision))

    def copy(self) -> None:
        """Write a revision, replaced or not, into a second object of its hour: what an import repeats."""
        recent = [each for each in self.made if self.now - each.stored_at <= REPAIR_IN_PLACE]
        if recent:
            self._land_late(f"copy-{self.chance.random()}", self.chance.choice(recent))

    def _land_late(self, name: str, *revisions: Revision) -> None:
        self.landing.append((self.now + SLOWEST_PUT, name, revisions))

    def land(self) -> None:
        """Let the objects arrive that were on their way."""
        for _, name, revisions in self.landing:
            self._put(name, *revisions)
        self.landing.clear()

    def wait(self) -> None:
        busy, idle = [10, 25, 40, 55], [1, 61, 150, 600, 6_000]
        self._pass(self.chance.choice(busy if self.seed % 2 else idle))

    def _pass(self, minutes: int) -> None:
        then = self.now + timedelta(minutes=minutes)
        if self.landing and self.landing[0][0] < then:
            self.now = self.landing[0][0]
            self.land()
        self.now = max(self.now, then)

    def compact(self) -> None:
        for _ in range(self.chance.choice([1, 1, 2])):
            began = self.now
            self._pass(self.chance.choice([0, 1, 20]))
            self._compact(began)

    def compact_and_die(self) -> None:
        self.tables.lives = self.chance.randrange(1, 6)
        self._compact(self.now)
        self.tables.lives = None

    def _compact(self, began: datetime) -> None:
        try:
            if compact(self.tables, began).merges > 1:
                self.counts["over 100 months"] = self.counts.get("over 100 months", 0) + 1
        except ReportFailed as error:
            if error.reason != "the run died here" and error.code != "ICEBERG_TOO_MANY_OPEN_PARTITIONS":
                raise

    def _revise(self, ids: tuple[str, str], at: datetime) -> Revision:
        last = self.current.get(ids)
        day = date(2000, 1, 1) + timedelta(days=self.chance.randrange(366 * self.years))
        cents = self.chance.randrange(10 ** self.chance.randrange(1, 12))
        if last:
            return self._again(last, issue_date=day, cents=cents, status="active")
        first = Revision(ids=ids, rev=1, issue_date=day, cents=cents, status="active", stored_at=at)
        return self._made(first)

    def _again(self, last: Revision, **changes: Any) -> Revision:
        at = self._time()
        stored_at = max(at, last.stored_at) if self.keeps_order else at
        return self._made(replace(last, rev=last.rev + 1, stored_at=stored_at, **changes))

    def _made(self, revision: Revision) -> Revision:
        self.current[revision.ids] = revision
        self.made.append(revision)
        return revision

    def _time(self) -> datetime:
        """Return the time by the clock of one of several instances."""
        return self.now + timedelta(seconds=self.chance.randrange(-30, 31))

    def _put_or_die(self, revision: Revision) -> None:
        if self.chance.random() < 0.2:
            self.unwritten.append(revision)
        else:
            self._put("", revision)

    def _put(self, name: str, *revisions: Revision) -> None:
        name = name or "_".join(revisions[0].ids) + f"-r{revisions[0].rev:06d}"
        key = f"csv/v1/ingest={revisions[0].stored_at:%Y-%m-%d-%H}/{name}.csv"
        self.objects[key] = b"".join(each.row for each in revisions)
        for each in revisions:
            if each.ids not in self.written or each.rev > self.written[each.ids].rev:
                self.written[each.ids] = each

    def expected(self) -> list[tuple[object, ...]]:
        """Return what `expenses` must hold: the highest revision that was ever put, if it is active."""
        return [
            (*each.ids, each.rev, each.issue_date, each.cents)
            for _, each in sorted(self.written.items())
            if each.status == "active"
        ]

    def answer(self) -> list[tuple[object, ...]]:
        """Return what Athena's `expenses` holds."""
        rows = self.tables.run(ANSWER).rows
        return [(*row[:4], int(row[4] * 100)) for row in rows]  # type: ignore[operator] # a Decimal

    def own_answer(self) -> list[tuple[object, ...]]:
        """Return what the local engine's own `expenses` holds."""
        describe(self.tables.connection)
        Replaced().leave_out(self.tables.connection)
        try:
            return self.answer()
        finally:
            self.tables.connection.execute("DROP VIEW temp.line_items; DROP VIEW temp.expenses")
