"""Imports over in-memory ports."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from api.maintenance.archives import BucketArchive, FolderArchive
from api.maintenance.importing import Imported, Importer
from api.maintenance.lease import held
from api.pipeline import Pipeline
from api.ports import TemporaryFailure
from api.records import Change
from api.s3_event import ObjectRef
from tests.support.invoices import invoice_text
from tests.support.memory import NOON, MemoryBucket, MemoryLedger, MemorySink


class World:
    """An archive in a bucket of its own."""

    def __init__(self) -> None:
        self.bucket, self.ledger, self.sink = MemoryBucket(name="old"), MemoryLedger(), MemorySink()
        self.archive: BucketArchive | FolderArchive = BucketArchive(bucket=self.bucket, name="old")

    def importer(self) -> Importer:
        """Return what takes the archive through the pipeline."""
        pipeline = Pipeline(source=MemoryBucket(), ledger=self.ledger, sink=self.sink)
        return Importer(pipeline=pipeline, ledger=self.ledger, archive=self.archive, clock=lambda: NOON)

    def refs(self) -> Iterator[ObjectRef]:
        """Yield what there is to import."""
        return self.archive.refs() if isinstance(self.archive, FolderArchive) else self.archive.refs("")

    def run(self) -> Imported:
        """Import everything."""
        with held(self.ledger, "import", "me", lambda: NOON) as lease:
            return self.importer().run(self.refs(), lease, workers=1)


@pytest.fixture
def world() -> World:
    return World()


def fail(_change: Change) -> None:
    raise TemporaryFailure("dynamodb", "TransactWriteItems", "ThrottlingException")


class TestImporter:
    def test_puts_many_rows_in_one_object(self, world: World) -> None:
        for number in (1, 2, 3):
            world.bucket.put(f"{number}.txt", invoice_text(invoice_id=f"INV-{number}"))

        done = world.run()

        (key,) = world.sink.objects
        assert done.stored == 3
        assert key.startswith("csv/v1/ingest=2026-11-21-12/import-")
        assert world.sink.objects[key].count(b"\n") == 3
        revision = world.ledger.revision("C-1", "INV-2")
        assert revision is not None
        assert (revision.csv_key, revision.source_key) == (key, "s3://old/2.txt")

    def test_changes_nothing_the_second_time(self, world: World) -> None:
        world.bucket.put("1.txt", invoice_text())
        world.run()
        objects = dict(world.sink.objects)

        done = world.run()

        assert (done.stored, done.repeated) == (0, 1)
        assert world.sink.objects == objects

    def test_puts_a_row_that_was_committed_but_not_written(self, world: World) -> None:
        world.bucket.put("1.txt", invoice_text())
        world.run()
        world.sink.objects.clear()  # as if the process had died before the batch's object

        world.run()

        assert list(world.sink.objects) == ["csv/v1/ingest=2026-11-21-12/C-1_INV-1-r000001.csv"]

    def test_counts_what_failed_for_now_and_takes_it_next_time(self, world: World) -> None:
        world.bucket.put("1.txt", invoice_text())
        world.ledger.before_commit = fail

        first = world.run()
        world.ledger.before_commit = lambda _: None
        second = world.run()

        assert (first.failed, second.stored) == (1, 1)

    def test_takes_no_later_version_of_a_key_before_one_that_failed_for_now(self, world: World) -> None:
        def fail_first(change: Change) -> None:
            world.ledger.before_commit = lambda _: None
            fail(change)

        first = world.bucket.put("1.txt", invoice_text(amount="100.00"))
        second = world.bucket.put("1.txt", invoice_text(amount="200.00"))
        world.ledger.before_commit = fail_first

        done = world.run()

        history = world.ledger.history("C-1", "INV-1")
        assert (done.stored, done.superseded, done.failed) == (2, 0, 0)
        assert [(each.rev, each.version_id) for each in history] == [
            (2, second.version_id),
            (1, first.version_id),
        ]

    def test_takes_a_later_version_of_a_key_after_one_that_can_never_be_taken(self, world: World) -> None:
        def break_on_1(change: Change) -> None:
            if change.document and change.document.version_id == "v000001":
                raise RuntimeError("the ledger cannot hold this version")

        for amount in ("100.00", "200.00"):
            world.bucket.put("1.txt", invoice_text(amount=amount))
        world.ledger.before_commit = break_on_1

        done = world.run()

        assert (done.failed, done.stored) == (1, 1)

    def test_does_not_let_one_document_stop_the_others(self, world: World) -> None:
        def break_on_1(change: Change) -> None:
            if change.document and change.document.source_key == "s3://old/1.txt":
                raise RuntimeError("the ledger cannot hold this key")

        for number in (1, 2):
            world.bucket.put(f"{number}.txt", invoice_text(invoice_id=f"INV-{number}"))
        world.ledger.before_commit = break_on_1

        done = world.run()

        assert (done.failed, done.stored) == (1, 1)

    def test_puts_the_row_of_a_commit_whose_answer_was_lost(self, world: World) -> None:
        def lose_answer(change: Change) -> None:
            world.ledger.before_commit = lambda _: None
            world.ledger.commit(change)
            fail(change)

        for number in (1, 2):
            world.bucket.put(f"{number}.txt", invoice_text(invoice_id=f"INV-{number}"))
        world.ledger.before_commit = lose_answer

        world.run()
        world.run()

        assert sum(row.count(b'"INV-1"') for row in world.sink.objects.values()) == 1

    def test_puts_no_object_while_it_is_in_doubt_which_rows_are_stored(self, world: World) -> None:
        def lose_answer(change: Change) -> None:
            if change.revision and change.revision.invoice_id == "INV-2":
                world.ledger.before_commit = lambda _: None
                world.ledger.commit(change)
                world.ledger.before_commit = fail
                fail(change)

        for number in (1, 2):
            world.bucket.put(f"{number}.txt", invoice_text(invoice_id=f"INV-{number}"))
        world.ledger.before_commit = lose_answer

        first = world.run()
        world.ledger.before_commit = lambda _: None
        objects = dict(world.sink.objects)
        world.run()

        assert (first.stored, first.failed, objects) == (1, 1, {})
        assert sorted(world.sink.objects) == [
            "csv/v1/ingest=2026-11-21-12/C-1_INV-1-r000001.csv",
            "csv/v1/ingest=2026-11-21-12/C-1_INV-2-r000001.csv",
        ]

    def test_keeps_a_rejections_bytes_from_a_bucket(self, world: World) -> None:
        world.bucket.put("1.txt", b"no invoice")

        done = world.run()

        assert done.rejected == 1
        assert world.sink.kept == {("s3://old/1.txt", "v000001"): ("old", "1.txt")}

    def test_reads_a_folder(self, world: World, tmp_path: Path) -> None:
        (tmp_path / "2026").mkdir()
        (tmp_path / "2026" / "a.txt").write_bytes(invoice_text())
        (tmp_path / "b.txt").write_bytes(b"no invoice")
        world.archive = FolderArchive(folder=tmp_path)

        done = world.run()

        revision = world.ledger.revision("C-1", "INV-1")
        assert (done.stored, done.rejected) == (1, 1)
        assert revision is not None
        assert revision.source_key == "folder:2026/a.txt"
        assert world.sink.kept == {}

    def test_takes_no_file_for_a_newer_version_of_a_key_of_the_same_name(
        self, world: World, tmp_path: Path
    ) -> None:
        bucket = MemoryBucket()
        pipeline = Pipeline(source=bucket, ledger=world.ledger, sink=world.sink)
        ref = bucket.put("a.txt", invoice_text(amount="120.00"), at=NOON - timedelta(days=9999))
        pipeline.ingest(replace(ref, sequencer=""), message_id="m", now=NOON)
        (tmp_path / "a.txt").write_bytes(invoice_text(amount="100.00"))  # changed just now
        world.archive = FolderArchive(folder=tmp_path)

        done = world.run()

        revision = world.ledger.revision("C-1", "INV-1")
        assert done.rejected == 1
        assert revision is not None
        assert revision.data == invoice_text(amount="120.00")

    def test_repairs_late_what_an_import_left_unwritten(self, world: World) -> None:
        world.bucket.put("1.txt", invoice_text())
        world.run()
        world.sink.objects.clear()
        pipeline = Pipeline(source=MemoryBucket(), ledger=world.ledger, sink=world.sink)
        revision = world.ledger.revision("C-1", "INV-1")
        assert revision is not None

        pipeline.make_sure_of_revision(revision, NOON + timedelta(hours=5))

        assert list(world.sink.objects) == ["csv/v1/ingest=2026-11-21-17/C-1_INV-1-r000002.csv"]


class TestRunBatch:
    def test_takes_the_versions_of_a_key_in_the_order_they_came(self, world: World) -> None:
        for number in range(3):
            world.bucket.put(
                "a.txt", invoice_text(amount=f"{number + 1}.00"), NOON + timedelta(minutes=number)
            )

        done = world.run()

        revision = world.ledger.revision("C-1", "INV-1")
        assert (done.stored, done.superseded) == (3, 0)
        assert revision is not None
        assert (revision.rev, revision.data) == (3, invoice_text(amount="3.00"))

    def test_keeps_that_order_in_a_pool_of_threads(self, world: World) -> None:
        for number in range(60):
            text = invoice_text(invoice_id=f"INV-{number // 20}", amount=f"{number + 1}.00")
            world.bucket.put(f"{number // 20}.txt", text, NOON + timedelta(minutes=number))

        with ThreadPoolExecutor(3) as pool:
            done = world.importer().run_batch(list(world.refs()), pool.map)

        assert (done.stored, done.superseded) == (60, 0)
        assert {each.rev for each in world.ledger.current_revisions()} == {20}

    def test_waits_longer_and_longer_for_what_fails(self, world: World) -> None:
        waited: list[float] = []

        def sleep(seconds: float) -> None:
            waited.append(seconds)
            if seconds == 5:
                world.ledger.before_commit = lambda _: None

        world.bucket.put("1.txt", invoice_text())
        world.ledger.before_commit = fail
        importer = replace(world.importer(), waits=(1, 5, 20), sleep=sleep)

        done = importer.run_batch(list(world.refs()))

        assert (done.stored, done.failed, waited) == (1, 0, [1, 5])
        assert [key.partition("-12/")[2][:7] for key in world.sink.objects] == ["import-"]

    def test_begins_nothing_more_once_it_is_stopped(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        begun: list[object] = []

        def run_batch(_importer: Importer, batch: object) -> Imported:
            begun.append(batch)
            time.sleep(1 if len(begun) > 1 else 0)
            return Imported()

        def stop(_done: Imported) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr("api.maintenance.importing.BATCH", 1)
        monkeypatch.setattr(Importer, "run_batch", run_batch)
        for number in range(20):
            world.bucket.put(f"{number}.txt", b"")

        with held(world.ledger, "import", "me", lambda: NOON) as lease, pytest.raises(KeyboardInterrupt):
            world.importer().run(world.refs(), lease, workers=4, progress=stop)

        assert 1 <= len(begun) <= 5  # of eight that were handed to the four workers

    def test_gives_up_when_nothing_works(self, world: World) -> None:
        tried = []

        def refuse(change: Change) -> None:
            tried.append(change)
            fail(change)

        for number in range(400):
            world.bucket.put(f"{number}.txt", invoice_text(invoice_id=f"INV-{number}"))
        world.ledger.before_commit = refuse

        done = world.importer().run_batch(list(world.refs()))

        assert (done.failed, len(tried)) == (400, 200)

    def test_puts_no_object_into_an_hour_that_readers_have_left(self, world: World) -> None:
        times = iter([NOON, NOON + timedelta(minutes=20, seconds=1)])
        world.bucket.put("1.txt", invoice_text())

        done = replace(world.importer(), clock=lambda: next(times)).run_batch(list(world.refs()))

        assert (done.stored, done.failed) == (0, 1)
        assert world.sink.objects == {}
