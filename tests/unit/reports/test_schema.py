"""What create_tables asks of Athena: tables that are missing, and views that keep the tail's beginning."""

import pytest

from api.reports.report import ReportFailed, Result
from api.reports.schema import create


class FakeTables:
    """Remembers the statements; knows the last compaction or has no views yet."""

    def __init__(self, *, exists: bool = True, fault: str = "") -> None:
        self.exists, self.fault, self.done = exists, fault, list[str]()

    def run(self, sql: str) -> Result:
        if "FROM compaction" in sql:
            if self.fault:
                raise ReportFailed("Athena cannot be reached now", self.fault)
            if not self.exists:
                raise ReportFailed("no such table", "TABLE_NOT_FOUND")
            return Result(columns=(), rows=iter([("2026-03-01T12:15:00Z", "2026-03-01-09")]))
        self.done.append(sql)
        return Result(columns=(), rows=iter([]))

    def settle(self) -> None:
        """Nothing runs."""

    def optimize(self) -> None:
        """Nothing is there."""


def made(tables: FakeTables) -> list[str]:
    return [sql.partition("(")[0].partition(" AS")[0].strip() for sql in tables.done]


class TestCreate:
    def test_makes_tables_and_views_in_an_order_that_works(self) -> None:
        tables = FakeTables(exists=False)

        create(tables, "my-bucket")

        assert made(tables) == [
            "CREATE EXTERNAL TABLE IF NOT EXISTS invoices_raw",
            "CREATE TABLE IF NOT EXISTS invoices",
            "CREATE OR REPLACE VIEW invoices_tail",
            "CREATE OR REPLACE VIEW expenses",
            "CREATE OR REPLACE VIEW line_items",
            "CREATE OR REPLACE VIEW compaction",
        ]
        assert "LOCATION 's3://my-bucket/csv/v1/'" in tables.done[0]
        assert "'s3://my-bucket/csv/v1/ingest=${ingest}/'" in tables.done[0]
        assert "DESTINATION_BUCKET" not in "".join(tables.done)

    def test_begins_the_first_tail_with_the_first_hour(self) -> None:
        tables = FakeTables(exists=False)

        create(tables, "my-bucket")

        assert "WHERE ingest >= '2026-01-01-00'" in tables.done[2]
        assert "CAST(NULL AS varchar) AS compacted_at" in tables.done[5]

    def test_keeps_where_the_tail_begins(self) -> None:
        tables = FakeTables(exists=True)

        create(tables, "my-bucket")

        assert "WHERE ingest >= '2026-03-01-09'" in tables.done[2]
        assert "CAST('2026-03-01T12:15:00Z' AS varchar) AS compacted_at" in tables.done[5]

    @pytest.mark.parametrize("fault", ["TooManyRequestsException", "TIMEOUT", "EndpointConnectionError"])
    def test_replaces_no_view_when_it_cannot_tell_where_the_tail_begins(self, fault: str) -> None:
        tables = FakeTables(fault=fault)

        with pytest.raises(ReportFailed):
            create(tables, "my-bucket")

        assert not [each for each in made(tables) if "VIEW" in each]
