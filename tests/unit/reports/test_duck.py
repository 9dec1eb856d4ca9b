"""The local engine: a file that is replaced under its readers, and nothing else within reach."""

from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from api.ports import TemporaryFailure
from api.reports import duck
from api.reports.compaction import compact
from api.reports.duck import DuckEngine, compacting
from api.reports.raw import RawObjects
from api.reports.report import ReportFailed
from tests.support.bucket import MemoryBucket
from tests.support.report_rows import OBJECTS

COUNT = "SELECT count(*) AS invoices FROM expenses"
EVENING = datetime(2026, 1, 26, 18, tzinfo=UTC)
TOTAL = "SELECT sum(total_amount) AS total FROM expenses"
LAST = "csv/v1/ingest=2026-01-26-12/C-2_B-5-r000001.csv"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / ".demo" / "reports.duckdb"


def compact_at(bucket: MemoryBucket, path: Path, at: datetime) -> None:
    with compacting(RawObjects(bucket), path) as tables:
        compact(tables, at)


def count(engine: DuckEngine) -> object:
    ((found,),) = engine.run(COUNT).rows
    return found


def total(engine: DuckEngine) -> int:
    ((found,),) = engine.run(TOTAL).rows
    return int(str(found).removesuffix(".00"))


def later(invoice_id: str, rev: int, amount: int) -> dict[str, bytes]:
    """Return an object of the evening, like that of B-5, of which 500 were invoiced at noon."""
    row = (
        OBJECTS[LAST].decode().replace("2026-01-26T12:", "2026-01-26T18:").replace('"B-5"', f'"{invoice_id}"')
    )
    row = row.replace('"active","1"', f'"active","{rev}"').replace('"500.00"', f'"{amount}.00"')
    return {f"csv/v1/ingest=2026-01-26-18/C-2_{invoice_id}-r{rev:06d}.csv": row.encode()}


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
        path.write_bytes(b"checksumDUCK" + b"no database" * 1000)

        with pytest.raises(ReportFailed, match=r"delete it and run `manage\.py compact`"):
            DuckEngine(RawObjects(MemoryBucket()), path).run(COUNT)

    def test_says_what_to_do_about_a_file_of_an_earlier_version(self, path: Path) -> None:
        compact_at(MemoryBucket(OBJECTS), path, EVENING)
        with duckdb.connect(str(path)) as connection:
            connection.execute("DROP VIEW file")

        with pytest.raises(ReportFailed, match=r"delete it and run `manage\.py compact`"):
            DuckEngine(RawObjects(MemoryBucket()), path).run(COUNT)

    @pytest.mark.parametrize("is_folder", [True, False])
    def test_leaves_alone_what_is_not_docproc_s(self, tmp_path: Path, *, is_folder: bool) -> None:
        path = tmp_path / "mine"
        path.mkdir() if is_folder else path.write_text("a letter", encoding="utf-8")

        with pytest.raises(ReportFailed, match="Set DOCPROC_DUCKDB_PATH to a file of docproc's own") as read:
            DuckEngine(RawObjects(MemoryBucket()), path).run(COUNT)
        with pytest.raises(ReportFailed, match=f"{path} is no DuckDB file. Set DOCPROC_DUCKDB_PATH"):
            compact_at(MemoryBucket(), path, EVENING)

        assert "delete" not in str(read.value)
        assert [each.name for each in tmp_path.iterdir()] == ["mine"]

    def test_compacts_into_no_other_program_s_file(self, tmp_path: Path) -> None:
        path = tmp_path / "other.duckdb"
        with duckdb.connect(str(path)) as connection:
            connection.execute("CREATE TABLE mine (id INTEGER)")
        before = path.read_bytes()

        with pytest.raises(ReportFailed, match=r"other\.duckdb cannot be read .* If docproc made it, "):
            compact_at(MemoryBucket(), path, EVENING)

        assert path.read_bytes() == before

    def test_makes_no_folder_but_the_demo_s(self, tmp_path: Path) -> None:
        with pytest.raises(ReportFailed, match="misspelt is no folder: make it, or set DOCPROC_DUCKDB_PATH"):
            compact_at(MemoryBucket(), tmp_path / "misspelt" / "reports.duckdb", EVENING)

        assert list(tmp_path.iterdir()) == []

    def test_says_what_it_cannot_read_in_an_object_that_is_not_docprocs(self, path: Path) -> None:
        foreign = OBJECTS[LAST].replace(b'"active","1"', b'"active","x"')

        with pytest.raises(ReportFailed, match="Could not convert string 'x' to INT32"):
            DuckEngine(RawObjects(MemoryBucket({LAST: foreign})), path).run(COUNT)

    def test_says_that_the_bucket_cannot_be_read(self, path: Path) -> None:
        class Unreachable(MemoryBucket):
            def get(self, key: str) -> bytes:  # noqa: ARG002 - as the port has it
                raise TemporaryFailure("s3", "GetObject", "SlowDown")

        with pytest.raises(ReportFailed, match="cannot be read now: s3 GetObject: SlowDown") as caught:
            DuckEngine(RawObjects(Unreachable(OBJECTS)), path).run(COUNT)

        assert caught.value.code == "SlowDown"


class TestReplaced:
    """By hand from ROWS, a currency like the other: 218 + 10 + 20 + 23 + 513 + 7 = 791 in 10 invoices."""

    def test_a_reissue_counts_instead_of_what_was_compacted(self, path: Path) -> None:
        bucket = MemoryBucket(OBJECTS)
        compact_at(bucket, path, EVENING)
        engine = DuckEngine(RawObjects(bucket), path)
        before = total(engine)
        bucket.objects |= later("B-5", 2, 600)
        after = total(engine)
        bucket.objects |= later("B-5", 3, 700)

        assert (before, after, total(engine), count(engine)) == (791, 891, 991, 10)

    def test_a_new_invoice_counts_besides(self, path: Path) -> None:
        bucket = MemoryBucket(OBJECTS)
        compact_at(bucket, path, EVENING)
        engine = DuckEngine(RawObjects(bucket), path)
        before = total(engine)
        bucket.objects |= later("B-7", 1, 600)

        assert (before, total(engine), count(engine)) == (791, 1391, 11)

    def test_what_was_compacted_and_is_in_the_tail_too_counts_once(self, path: Path) -> None:
        bucket = MemoryBucket(OBJECTS | later("B-5", 2, 600) | later("B-7", 1, 5))
        compact_at(bucket, path, EVENING)

        assert total(DuckEngine(RawObjects(bucket), path)) == 896

    def test_looks_once_for_the_same_reissues(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        bucket = MemoryBucket(OBJECTS)
        compact_at(bucket, path, EVENING)
        bucket.objects |= later("B-5", 2, 600)
        engine = DuckEngine(RawObjects(bucket), path)
        first = total(engine)
        monkeypatch.setattr(duck, "REPLACED", "SELECT error('looked again')")
        bucket.objects |= later("B-7", 1, 5)
        assert (first, total(engine)) == (891, 896)

        bucket.objects |= later("B-7", 2, 6)
        with pytest.raises(ReportFailed, match="looked again"):
            total(engine)

    def test_looks_again_in_a_new_file(self, path: Path) -> None:
        bucket = MemoryBucket(OBJECTS)
        compact_at(bucket, path, EVENING)
        bucket.objects |= later("B-5", 2, 600)
        engine = DuckEngine(RawObjects(bucket), path)
        before = total(engine)
        # Made in another order, so that B-5's row has another number.
        path.unlink()
        compact_at(MemoryBucket({LAST: OBJECTS[LAST]}), path, datetime(2026, 1, 26, 9, tzinfo=UTC))
        compact_at(MemoryBucket(OBJECTS), path, EVENING)

        assert (before, total(engine)) == (891, 891)

    def test_line_items_follow(self, path: Path) -> None:
        bucket = MemoryBucket(OBJECTS)
        compact_at(bucket, path, EVENING)
        key = "csv/v1/ingest=2026-01-26-11/C-2_B-1-r000001.csv"
        again = OBJECTS[key].replace(b'"active","1"', b'"active","2"').replace(b"Nut", b"Washer")
        bucket.objects["csv/v1/ingest=2026-01-26-18/C-2_B-1-r000002.csv"] = again
        rows = DuckEngine(RawObjects(bucket), path).run("SELECT description FROM line_items ORDER BY 1").rows

        assert list(rows) == [('Bolt, "M8"',), ("Washer",), ("Widget",)]


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
