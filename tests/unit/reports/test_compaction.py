"""Compaction step by step; its answers over random histories are in tests/torture."""

from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest

from api.reports.compaction import compact
from api.reports.report import ReportFailed, Result, Row

NOON = datetime(2026, 1, 26, 12, 34, 56, tzinfo=UTC)


class FakeTables:
    """Remembers the statements, answers the two questions, and fails when told."""

    def __init__(self, months: list[date], tail_from: str = "2026-01-26-01") -> None:
        self.months, self.tail_from = months, tail_from
        self.done: list[str] = []
        self.failures: Iterator[str] = iter([])

    def run(self, sql: str) -> Result:
        rows: list[Row] = []
        if "FROM compaction" in sql:
            rows = [(None, self.tail_from)]
        elif "DISTINCT" in sql:
            rows = [(month,) for month in self.months]
        else:
            code = next(self.failures, "") if sql.startswith("MERGE") else ""
            self.done.append(" ".join(sql.split()))
            if code:
                raise ReportFailed("no", code)
        return Result(columns=(), rows=iter(rows))

    def settle(self) -> None:
        self.done.append("settle")

    def optimize(self) -> None:
        self.done.append("optimize")

    def merged(self) -> list[str]:
        return [
            text.partition("WHERE ")[2].partition(" )")[0] for text in self.done if text.startswith("MERGE")
        ]


class TestCompact:
    def test_merges_then_moves_the_tail_45_minutes_behind_the_clock(self) -> None:
        tables = FakeTables([date(2018, 3, 1)])

        done = compact(tables, NOON)

        assert [text.partition(" AS")[0] for text in tables.done] == [
            "settle",
            "MERGE INTO invoices",
            "CREATE OR REPLACE VIEW invoices_tail",
            "CREATE OR REPLACE VIEW compaction",
        ]
        assert "WHERE ingest >= '2026-01-26-11'" in tables.done[2]
        assert "'2026-01-26T12:34:56Z'" in tables.done[3]
        assert str(done) == "compacted: 1 month in 1 merge, tail from 2026-01-26-11"

    def test_with_an_empty_tail_merges_nothing(self) -> None:
        tables = FakeTables([])

        compact(tables, NOON)

        assert tables.merged() == []

    def test_takes_at_most_a_hundred_months_at_a_time(self) -> None:
        months = [date(1900 + number // 12, number % 12 + 1, 1) for number in range(250)]
        tables = FakeTables(months)

        compact(tables, NOON)

        assert tables.merged() == [
            "issue_date BETWEEN DATE '1900-01-01' AND DATE '1908-04-30'",
            "issue_date BETWEEN DATE '1908-05-01' AND DATE '1916-08-31'",
            "issue_date BETWEEN DATE '1916-09-01' AND DATE '1920-10-31'",
        ]

    def test_takes_the_last_month_that_there_is(self) -> None:
        tables = FakeTables([date(1, 1, 1), date(9999, 12, 1)])

        compact(tables, NOON)

        assert tables.merged() == ["issue_date BETWEEN DATE '0001-01-01' AND DATE '9999-12-31'"]

    def test_tries_again_after_a_conflict_and_keeps_the_lease(self) -> None:
        tables, kept = FakeTables([date(2018, 3, 1)]), []
        tables.failures = iter(["ICEBERG_COMMIT_ERROR", "ICEBERG_COMMIT_ERROR"])

        compact(tables, NOON, lambda: kept.append(1))

        assert len(tables.merged()) == 3
        assert kept

    @pytest.mark.parametrize("codes", [["ICEBERG_COMMIT_ERROR"] * 4, ["GENERIC_INTERNAL_ERROR"]])
    def test_leaves_the_tail_as_it_is_when_a_merge_fails(self, codes: list[str]) -> None:
        tables = FakeTables([date(2018, 3, 1)])
        tables.failures = iter(codes)

        with pytest.raises(ReportFailed):
            compact(tables, NOON)

        assert len(tables.merged()) == len(codes)
        assert not [text for text in tables.done if "VIEW" in text]

    @pytest.mark.parametrize(("tail_from", "optimized"), [("2026-01-25-23", True), ("2026-01-26-00", False)])
    def test_optimizes_once_a_day(self, tail_from: str, optimized: bool) -> None:  # noqa: FBT001 - a column of the table
        tables = FakeTables([], tail_from)

        assert compact(tables, NOON).optimized is optimized
        assert ("optimize" in tables.done) is optimized
