"""The worker's part of a task, over in-memory ports."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from api.maintenance.archives import BucketArchive
from api.maintenance.importing import Imported, Importer
from api.pipeline import Pipeline
from api.ports import TemporaryFailure
from api.records import Change, Document
from infra.spark.archive import KeyRow, listed_rows
from infra.spark.worker import Work, import_batches
from tests.support.books import expenses_of
from tests.support.invoices import invoice_text
from tests.support.memory import NOON, MemoryBucket, MemoryLedger, MemorySink

WORK = Work(settings=(), bucket="old", inventory=None, batch=10, threads=4)


class World:
    """An archive of some invoices."""

    def __init__(self, invoices: int) -> None:
        self.bucket, self.ledger, self.sink = MemoryBucket(name="old"), MemoryLedger(), MemorySink()
        self.archive = BucketArchive(bucket=self.bucket, name="old")
        for number in range(invoices):
            self.bucket.put(f"{number:02d}.txt", invoice_text(invoice_id=f"INV-{number}"))

    @property
    def rows(self) -> list[KeyRow]:
        return list(listed_rows(self.archive.refs("")))

    def task(self, threads: int = 4, importer: Importer | None = None) -> list[Imported]:
        """Run a task over all of it."""
        work = replace(WORK, threads=threads)
        return list(import_batches(importer or self.importer(), self.rows, work))

    def importer(self) -> Importer:
        pipeline = Pipeline(source=MemoryBucket(), ledger=self.ledger, sink=self.sink)
        return Importer(
            pipeline=pipeline, ledger=self.ledger, archive=self.archive, clock=lambda: NOON, waits=()
        )


class FailsOnce:
    """A ledger that cannot be asked at first, and knows nothing then."""

    def __init__(self) -> None:
        self.has_failed = False

    def documents(self, _ids: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Document]:
        """Fail, or find none."""
        if not self.has_failed:
            self.has_failed = True
            raise TemporaryFailure("dynamodb", "BatchGetItem", "ThrottlingException")
        return {}


def on_commit(number: int, act: Callable[[], None]) -> Callable[[Change], None]:
    """Return a hook that acts before the commit of that number."""
    commits = iter(range(1, 10_000))

    def hook(_change: Change) -> None:
        if next(commits) == number:
            act()

    return hook


class TestImportBatches:
    def test_puts_the_rows_of_a_task_in_one_object(self) -> None:
        world = World(20)

        done = world.task()

        assert [part.stored for part in done] == [20]
        assert [row.count(b"\n") for row in world.sink.objects.values()] == [20]

    def test_bounds_what_a_task_holds_in_memory(self) -> None:
        world = World(25)

        done = world.task()

        assert [part.stored for part in done] == [20, 5]

    def test_counts_what_failed_and_goes_on(self) -> None:
        world = World(25)
        importer = replace(world.importer(), ledger=FailsOnce())

        done = world.task(importer=importer)

        assert [(part.stored, part.failed) for part in done] == [(0, 20), (5, 0)]

    def test_runs_twice_at_once_without_doubling_or_losing_a_row(self) -> None:
        world = World(9)
        # Spark starts the task again while the first, taken for dead, has committed four of nine.
        others: list[list[Imported]] = []
        world.ledger.before_commit = on_commit(5, lambda: others.append(world.task()))

        first = world.task(threads=1)

        (second,) = others
        assert (first[0].stored, first[0].repeated) == (4, 5)
        assert (second[0].stored, second[0].repeated) == (5, 4)
        assert len(expenses_of(world.sink.objects)) == 9
        assert {each.rev for each in world.ledger.current_revisions()} == {1}
        for revision in world.ledger.current_revisions():
            assert revision.row in world.sink.objects[revision.csv_key]
