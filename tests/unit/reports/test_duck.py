"""The local engine: a file that is replaced under its readers, and nothing else within reach."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from api.ports import TemporaryFailure
from api.reports.compaction import compact
from api.reports.duck import DuckEngine, compacting
from api.reports.raw import RawObjects
from api.reports.report import ReportFailed
from tests.support.bucket import MemoryBucket
from tests.support.report_rows import OBJECTS

COUNT = "SELECT count(*) AS invoices FROM expenses"
EVENING = datetime(2026, 1, 26, 18, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "reports.duckdb"


def compact_at(bucket: MemoryBucket, path: Path, at: datetime) -> None:
    with compacting(RawObjects(bucket), path) as tables:
        compact(tables, at)


def count(engine: DuckEngine) -> object:
    ((found,),) = engine.run(COUNT).rows
    return found


class TestDuckEngine:
    def test_sees_an_object_as_soon_as_it_is_there(self, path: Path) -> None:
        bucket = MemoryBucket()
        engine = DuckEngine(RawObjects(bucket), path)
        assert count(engine) == 0

        bucket.objects |= OBJECTS

        assert count(engine) == 10

    def test_sees_what_another_process_compacted(self, path: Path) -> None:
        bucket = MemoryBucket(OBJECTS)
        engine = DuckEngine(RawObjects(bucket), path)
        before = count(engine)
        compact_at(bucket, path, EVENING)
        bucket.objects.clear()

        assert (before, count(engine)) == (10, 10)

    def test_finishes_an_answer_while_the_file_is_replaced(self, path: Path) -> None:
        bucket = MemoryBucket(OBJECTS)
        compact_at(bucket, path, EVENING)
        rows = DuckEngine(RawObjects(bucket), path).run("SELECT range FROM range(5000)").rows
        first = next(rows)
        compact_at(bucket, path, EVENING)

        assert [first, *rows][-1] == (4999,)

    @pytest.mark.parametrize(
        "sql",
        [
            "SELECT * FROM read_text('/etc/hostname')",
            "COPY (SELECT 1) TO '/tmp/docproc-must-not-exist'",
            "ATTACH '/tmp/docproc-must-not-exist' AS other",
            "INSTALL httpfs",
            "SET enable_external_access = true",
        ],
    )
    def test_reaches_no_file_and_no_network(self, path: Path, sql: str) -> None:
        compact_at(MemoryBucket(OBJECTS), path, EVENING)

        with pytest.raises(ReportFailed):
            list(DuckEngine(RawObjects(MemoryBucket()), path).run(sql).rows)

        assert not Path("/tmp/docproc-must-not-exist").exists()  # noqa: S108 - it must not be there

    def test_changes_no_table(self, path: Path) -> None:
        bucket = MemoryBucket(OBJECTS)
        compact_at(bucket, path, EVENING)

        with pytest.raises(ReportFailed):
            list(DuckEngine(RawObjects(bucket), path).run("DELETE FROM invoices").rows)

    def test_says_what_to_do_about_a_damaged_file(self, path: Path) -> None:
        path.parent.mkdir()
        path.write_bytes(b"no database" * 1000)

        with pytest.raises(ReportFailed, match=r"delete it and run `manage\.py compact`"):
            DuckEngine(RawObjects(MemoryBucket()), path).run(COUNT)

    def test_says_that_the_bucket_cannot_be_read(self, path: Path) -> None:
        class Unreachable(MemoryBucket):
            def get(self, key: str) -> bytes:  # noqa: ARG002 - as the port has it
                raise TemporaryFailure("s3", "GetObject", "SlowDown")

        with pytest.raises(ReportFailed, match="cannot be read now: s3 GetObject: SlowDown") as caught:
            DuckEngine(RawObjects(Unreachable(OBJECTS)), path).run(COUNT)

        assert caught.value.code == "SlowDown"


class TestCompacting:
    def test_leaves_the_file_as_it_was_when_it_fails(self, path: Path) -> None:
        bucket = MemoryBucket(OBJECTS)
        compact_at(bucket, path, EVENING)
        before = path.stat()

        def fail() -> None:
            with compacting(RawObjects(bucket), path) as tables:
                tables.run("DELETE FROM invoices")
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            fail()

        assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
        assert count(DuckEngine(RawObjects(MemoryBucket()), path)) == 10

    def test_begins_anew_after_a_run_that_died(self, path: Path) -> None:
        path.parent.mkdir()
        path.with_name("reports.duckdb.new").write_bytes(b"half a file")
        path.with_name("reports.duckdb.new.wal").write_bytes(b"half a log")

        compact_at(MemoryBucket(OBJECTS), path, EVENING)

        assert count(DuckEngine(RawObjects(MemoryBucket()), path)) == 10
        assert [each.name for each in path.parent.iterdir()] == ["reports.duckdb"]
