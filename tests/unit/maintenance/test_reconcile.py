"""The sweep over in-memory ports."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest

from api.maintenance.lease import Lease, LeaseTaken, held
from api.maintenance.reconcile import Balance, Reconciler, last_balance
from api.pipeline import Pipeline
from api.ports import TemporaryFailure
from api.records import Act, Change
from tests.support.invoices import invoice_text
from tests.support.memory import NOON, MemoryBucket, MemoryLedger, MemorySink

ERASE = Act(kind="erase", who="anna", why="asked to", at=NOON)


@dataclass
class Sweep:
    """A world and a clock that the test turns."""

    bucket: MemoryBucket = field(default_factory=MemoryBucket)
    ledger: MemoryLedger = field(default_factory=MemoryLedger)
    sink: MemorySink = field(default_factory=MemorySink)
    time: datetime = NOON

    @property
    def pipeline(self) -> Pipeline:
        return Pipeline(source=self.bucket, ledger=self.ledger, sink=self.sink)

    def run(self, *, full: bool = False, dry_run: bool = False) -> Balance:
        clock: Callable[[], datetime] = lambda: self.time  # noqa: E731 - the clock reads what the test sets
        reconciler = Reconciler(
            source=self.bucket, sink=self.sink, ledger=self.ledger, pipeline=self.pipeline, clock=clock
        )
        with held(self.ledger, "reconcile", "me", clock) as lease:
            return reconciler.run(lease, full=full, dry_run=dry_run)


@pytest.fixture
def sweep() -> Sweep:
    return Sweep()


class TestReconciler:
    def test_processes_what_no_notification_told(self, sweep: Sweep) -> None:
        sweep.bucket.put("a.txt", invoice_text(invoice_id="INV-1"))
        sweep.bucket.put("b.txt", b"no invoice")

        balance = sweep.run()

        assert (balance.versions, balance.stored, balance.rejected, balance.pending) == (2, 1, 1, 0)
        assert balance.processed == 2
        assert balance.is_closed

    def test_takes_the_versions_of_a_key_oldest_first(self, sweep: Sweep) -> None:
        for amount in ("100.00", "120.00", "130.00"):
            sweep.bucket.put("a.txt", invoice_text(amount=amount))

        balance = sweep.run()

        revision = sweep.ledger.revision("C-1", "INV-1")
        assert (balance.stored, balance.superseded) == (3, 0)
        assert revision is not None
        assert (revision.rev, revision.data) == (3, invoice_text(amount="130.00"))

    def test_changes_nothing_the_second_time(self, sweep: Sweep) -> None:
        sweep.bucket.put("a.txt", invoice_text())
        sweep.run()
        objects = dict(sweep.sink.objects)

        balance = sweep.run(full=True)

        assert (balance.stored, balance.processed, balance.repaired) == (1, 0, 0)
        assert sweep.sink.objects == objects

    def test_counts_and_changes_nothing_in_a_dry_run(self, sweep: Sweep) -> None:
        sweep.bucket.put("a.txt", invoice_text())

        balance = sweep.run(dry_run=True)

        assert (balance.pending, balance.is_closed) == (1, False)
        assert (sweep.ledger.documents_by_id, sweep.ledger.checkpoints) == ({}, {})

    def test_looks_only_at_what_is_newer_than_the_last_complete_sweep(self, sweep: Sweep) -> None:
        sweep.bucket.put("a.txt", invoice_text(), at=NOON - timedelta(minutes=61))
        sweep.run()
        sweep.time = NOON + timedelta(hours=2)
        sweep.bucket.put("b.txt", invoice_text(invoice_id="INV-2"), at=sweep.time)

        recent, full = sweep.run(), sweep.run(full=True)

        assert (recent.earlier, recent.stored) == (1, 1)
        assert (full.earlier, full.stored) == (0, 2)

    def test_looks_at_everything_twice_a_day_for_uploads_that_took_hours(self, sweep: Sweep) -> None:
        sweep.run()
        sweep.time = NOON + timedelta(hours=6)
        # In parts: S3 dates the version back to the beginning of its upload.
        sweep.bucket.put("a.txt", invoice_text(), at=NOON - timedelta(hours=5))
        recent = sweep.run()
        sweep.time = NOON + timedelta(hours=12)

        everything = sweep.run()
        sweep.time = NOON + timedelta(hours=18)
        again = sweep.run()

        assert (recent.earlier, recent.processed) == (1, 0)
        assert (everything.earlier, everything.processed, everything.stored) == (0, 1, 1)
        assert again.earlier == 1

    def test_leaves_the_checkpoint_while_something_is_pending(self, sweep: Sweep) -> None:
        def failing(_change: Change) -> None:
            raise TemporaryFailure("dynamodb", "TransactWriteItems", "ThrottlingException")

        sweep.bucket.put("a.txt", invoice_text())
        sweep.ledger.before_commit = failing

        balance = sweep.run()

        assert (balance.pending, balance.failures, balance.is_closed) == (1, 1, False)
        assert sweep.ledger.checkpoint("reconcile") is None

    def test_keeps_what_it_found(self, sweep: Sweep) -> None:
        sweep.bucket.put("a.txt", invoice_text())
        sweep.bucket.put("b.txt", b"no invoice")
        sweep.run()

        found = last_balance(sweep.ledger)

        assert found is not None
        balance, at = found
        assert (balance.versions, balance.stored, balance.rejected, balance.pending) == (2, 1, 1, 0)
        assert at == NOON

    def test_has_found_nothing_before_the_first_sweep(self, sweep: Sweep) -> None:
        assert last_balance(sweep.ledger) is None

    def test_does_not_let_one_document_stop_the_others(self, sweep: Sweep) -> None:
        def break_on_a(change: Change) -> None:
            if change.document and change.document.source_key == "a.txt":
                raise RuntimeError("the ledger cannot hold this key")

        sweep.bucket.put("a.txt", invoice_text())
        sweep.bucket.put("b.txt", invoice_text(invoice_id="INV-2"))
        sweep.ledger.before_commit = break_on_a

        balance = sweep.run()

        assert (balance.stored, balance.pending, balance.failures) == (1, 1, 1)

    def test_puts_the_missing_object_of_an_operators_act(self, sweep: Sweep) -> None:
        sweep.bucket.put("a.txt", invoice_text())
        sweep.run()
        sweep.sink.objects.clear()

        balance = sweep.run()

        assert balance.repaired == 1
        assert list(sweep.sink.objects) == ["csv/v1/ingest=2026-11-21-12/C-1_INV-1-r000001.csv"]

    def test_looks_at_an_hour_of_any_length_in_parts(
        self, sweep: Sweep, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("api.maintenance.reconcile.REVISIONS", 2)
        for number in range(5):
            sweep.bucket.put(f"{number}.txt", invoice_text(invoice_id=f"INV-{number}"))
        sweep.run()
        sweep.sink.objects.clear()

        balance = sweep.run()

        assert (balance.repaired, len(sweep.sink.objects)) == (5, 5)

    def test_does_not_repair_an_old_revision_that_a_newer_one_replaced(self, sweep: Sweep) -> None:
        sweep.bucket.put("a.txt", invoice_text(amount="100.00"))
        sweep.bucket.put("a.txt", invoice_text(amount="120.00"))
        sweep.run()
        sweep.time = NOON + timedelta(hours=5)
        del sweep.sink.objects["csv/v1/ingest=2026-11-21-12/C-1_INV-1-r000001.csv"]

        balance = sweep.run(full=True)

        assert balance.repaired == 0
        assert list(sweep.sink.objects) == ["csv/v1/ingest=2026-11-21-12/C-1_INV-1-r000002.csv"]

    @pytest.mark.parametrize("full", [False, True])
    def test_looks_back_to_the_last_complete_sweep_after_days_without_one(
        self, sweep: Sweep, *, full: bool
    ) -> None:
        sweep.bucket.put("a.txt", invoice_text())
        sweep.run()
        sweep.sink.objects.clear()
        sweep.time = NOON + timedelta(days=3)

        balance = sweep.run(full=full)

        assert balance.repaired == 1
        assert list(sweep.sink.objects) == ["csv/v1/ingest=2026-11-24-12/C-1_INV-1-r000002.csv"]

    def test_removes_what_a_delivery_put_while_it_was_erased(self, sweep: Sweep) -> None:
        sweep.bucket.put("a.txt", invoice_text())
        sweep.run()
        list(sweep.ledger.erase("C-1", "INV-1", ERASE))

        sweep.run()

        assert sweep.sink.objects == {}

    def test_removes_the_row_that_an_import_put_while_it_was_erased(self, sweep: Sweep) -> None:
        batch = "csv/v1/ingest=2026-11-21-12/import-1.csv"
        importing = replace(sweep.pipeline, csv_key=batch)
        for invoice_id in ("INV-1", "INV-2"):
            ref = sweep.bucket.put(f"{invoice_id}.txt", invoice_text(invoice_id=invoice_id))
            importing.ingest(ref, message_id="import", now=NOON)
        erased, other = (sweep.ledger.current["C-1", each].row for each in ("INV-1", "INV-2"))
        list(sweep.ledger.erase("C-1", "INV-1", ERASE))
        sweep.sink.objects = {batch: erased + other}

        sweep.run()

        assert sweep.sink.objects == {batch: other}

    def test_goes_on_when_it_may_not_remove(self, sweep: Sweep, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(*_: object) -> None:
            raise TemporaryFailure("s3", "DeleteObject", "AccessDenied", "compare it with the role")

        sweep.bucket.put("a.txt", invoice_text())
        sweep.run()
        list(sweep.ledger.erase("C-1", "INV-1", ERASE))
        monkeypatch.setattr(MemorySink, "remove", refuse)

        balance = sweep.run()

        assert (balance.stored, balance.failures, balance.is_closed) == (1, 1, False)

    def test_counts_as_repaired_only_what_it_put(self, sweep: Sweep) -> None:
        sweep.bucket.put("a.txt", invoice_text())
        sweep.run()
        sweep.sink.objects.clear()
        sweep.time = NOON + timedelta(hours=4)  # too late for the old hour: a new revision
        sweep.run()

        balance = sweep.run(full=True)

        assert (balance.repaired, len(sweep.sink.objects)) == (0, 1)


class TestLease:
    def test_has_one_holder(self) -> None:
        ledger = MemoryLedger()

        with (
            held(ledger, "reconcile", "me", lambda: NOON),
            pytest.raises(LeaseTaken, match="running elsewhere"),
        ):
            Lease(leases=ledger, name="reconcile", holder="you", clock=lambda: NOON)

    def test_is_taken_over_when_its_holder_died(self) -> None:
        ledger = MemoryLedger()
        Lease(leases=ledger, name="reconcile", holder="me", clock=lambda: NOON)

        Lease(leases=ledger, name="reconcile", holder="you", clock=lambda: NOON + timedelta(seconds=121))

        assert ledger.leases["reconcile"][0] == "you"

    def test_tells_a_holder_that_slept_that_it_was_taken_over(self) -> None:
        ledger = MemoryLedger()
        time = [NOON]
        mine = Lease(leases=ledger, name="reconcile", holder="me", clock=lambda: time[0])
        time[0] = NOON + timedelta(seconds=121)
        Lease(leases=ledger, name="reconcile", holder="you", clock=lambda: time[0])

        with pytest.raises(LeaseTaken):
            mine.keep()
