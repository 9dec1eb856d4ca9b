"""The pipeline over in-memory ports: each row of the decision table, and what a repeat does."""

import hashlib
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from api.pipeline import Pipeline
from api.ports import TemporaryFailure
from api.records import Change, Document, Reason
from tests.support.invoices import invoice_text
from tests.support.memory import NOON, MemoryBucket, MemoryLedger, MemorySink

ROW = (
    b'"C-1","INV-1","2026-11-02","Acme Ltd","Buyer GmbH","100.00","0.00","100.00","","","0.00","0.00","0.00",'
    b'"0.00","0.00","[{""line_number"":1,""description"":""Thing"",""net_amount"":""100.00"",""tax_amount"":null}]",'
    b'"","active","1","invoice.txt","2026-11-21T12:00:00.000000Z","1"\n'
)
KEY = "csv/v1/ingest=2026-11-21-12/C-1_INV-1-r000001.csv"


@dataclass
class World:
    """A bucket, a ledger, a destination and the pipeline between them."""

    bucket: MemoryBucket = field(default_factory=MemoryBucket)
    ledger: MemoryLedger = field(default_factory=MemoryLedger)
    sink: MemorySink = field(default_factory=MemorySink)

    @property
    def pipeline(self) -> Pipeline:
        return Pipeline(source=self.bucket, ledger=self.ledger, sink=self.sink)

    def upload(self, key: str, data: bytes) -> str:
        """Upload, deliver and return `outcome code`."""
        ref = self.bucket.put(key, data)
        outcome = self.pipeline.ingest(ref, message_id="m", now=NOON)
        return f"{outcome.kind} {outcome.code}".strip()

    def rev(self, customer_id: str = "C-1", invoice_id: str = "INV-1") -> int:
        """Return the current rev, 0 for none."""
        revision = self.ledger.revision(customer_id, invoice_id)
        return revision.rev if revision else 0


@pytest.fixture
def world() -> World:
    return World()


class TestIngest:
    def test_stores_a_new_invoice_as_its_first_revision(self, world: World) -> None:
        data = invoice_text()

        outcome = world.upload("invoice.txt", data)

        document = world.ledger.document("invoice.txt", "v000001")
        revision = world.ledger.revision("C-1", "INV-1")
        assert outcome == "stored"
        assert document is not None
        assert (document.outcome, document.rev, document.data) == ("stored", 1, None)
        assert document.sha256 == hashlib.sha256(data).hexdigest()
        assert revision is not None
        assert (revision.rev, revision.status, revision.data, revision.row) == (1, "active", data, ROW)
        assert world.sink.objects == {KEY: ROW}

    def test_changes_nothing_the_second_time(self, world: World) -> None:
        ref = world.bucket.put("invoice.txt", invoice_text())
        world.pipeline.ingest(ref, message_id="m", now=NOON)

        again = world.pipeline.ingest(ref, message_id="m", now=NOON + timedelta(minutes=5))

        assert again.kind == "repeated"
        assert (world.rev(), len(world.ledger.documents_by_id)) == (1, 1)
        assert world.sink.objects == {KEY: ROW}

    def test_puts_a_missing_object_when_it_is_repeated_soon(self, world: World) -> None:
        ref = world.bucket.put("invoice.txt", invoice_text())
        world.pipeline.ingest(ref, message_id="m", now=NOON)
        world.sink.objects.clear()

        world.pipeline.ingest(ref, message_id="m", now=NOON + timedelta(minutes=20))

        assert world.sink.objects == {KEY: ROW}

    def test_repairs_a_missing_object_by_a_new_revision_when_it_is_repeated_late(self, world: World) -> None:
        ref = world.bucket.put("invoice.txt", invoice_text())
        world.pipeline.ingest(ref, message_id="m", now=NOON)
        world.sink.objects.clear()

        world.pipeline.ingest(ref, message_id="m", now=NOON + timedelta(minutes=20, seconds=1))

        assert world.sink.objects == {
            "csv/v1/ingest=2026-11-21-12/C-1_INV-1-r000002.csv": ROW.replace(
                b'"active","1"', b'"active","2"'
            ).replace(b"12:00:00", b"12:20:01")
        }

    def test_stores_no_revision_before_the_one_that_it_replaces(self, world: World) -> None:
        """By the clock of another instance, a second behind and in the hour before."""
        world.upload("invoice.txt", invoice_text(amount="100.00"))
        ref = world.bucket.put("invoice.txt", invoice_text(amount="120.00"))

        world.pipeline.ingest(ref, message_id="m", now=NOON - timedelta(seconds=1))

        revision = world.ledger.revision("C-1", "INV-1")
        assert revision is not None
        assert (revision.rev, revision.stored_at) == (2, NOON)
        assert revision.csv_key == "csv/v1/ingest=2026-11-21-12/C-1_INV-1-r000002.csv"
        assert b'"2","invoice.txt","2026-11-21T12:00:00.000000Z"' in world.sink.objects[revision.csv_key]

    def test_repairs_by_no_revision_before_the_one_that_it_replaces(self, world: World) -> None:
        world.upload("invoice.txt", invoice_text(amount="100.00"))
        ahead = world.bucket.put("invoice.txt", invoice_text(amount="120.00"))
        world.pipeline.ingest(ahead, message_id="m", now=NOON + timedelta(hours=1))
        first = world.ledger.revision("C-1", "INV-1", 1)
        assert first is not None
        world.sink.objects.clear()

        world.pipeline.make_sure_of_revision(first, NOON + timedelta(minutes=59))

        assert list(world.sink.objects) == ["csv/v1/ingest=2026-11-21-13/C-1_INV-1-r000002.csv"]

    def test_keeps_a_replaced_revision(self, world: World) -> None:
        world.upload("invoice.txt", invoice_text(amount="100.00"))

        world.upload("invoice.txt", invoice_text(amount="120.00"))

        first = world.ledger.revision("C-1", "INV-1", 1)
        assert world.rev() == 2
        assert first is not None
        assert first.row == ROW
        assert len(world.sink.objects) == 2

    def test_lets_the_newer_version_of_a_key_win_in_either_order(self, world: World) -> None:
        older = world.bucket.put("invoice.txt", invoice_text(amount="100.00"))
        newer = world.bucket.put("invoice.txt", invoice_text(amount="120.00"))

        first = world.pipeline.ingest(newer, message_id="m", now=NOON)
        second = world.pipeline.ingest(older, message_id="m", now=NOON)

        assert (first.kind, second.kind, world.rev()) == ("stored", "superseded", 1)

    def test_asks_the_listing_when_neither_sequencer_nor_time_can_tell(self, world: World) -> None:
        older = replace(world.bucket.put("invoice.txt", invoice_text(amount="100.00")), sequencer="")
        newer = replace(world.bucket.put("invoice.txt", invoice_text(amount="120.00")), sequencer="")

        first = world.pipeline.ingest(newer, message_id="m", now=NOON)
        second = world.pipeline.ingest(older, message_id="m", now=NOON)

        assert (first.kind, second.kind) == ("stored", "superseded")

    @pytest.mark.parametrize("told", [(True, True), (True, False), (False, True), (False, False)])
    @pytest.mark.parametrize("is_older_first", [True, False])
    def test_takes_an_upload_in_parts_for_as_old_as_its_begin(
        self, world: World, told: tuple[bool, bool], *, is_older_first: bool
    ) -> None:
        # The one that was begun last is current in S3, whichever ended last; only events have sequencers.
        newer = world.bucket.put("invoice.txt", invoice_text(amount="120.00"), NOON)
        older = world.bucket.put("invoice.txt", invoice_text(amount="100.00"), NOON - timedelta(minutes=30))
        refs = [
            ref if has_sequencer else replace(ref, sequencer="")
            for ref, has_sequencer in zip((older, newer), told, strict=True)
        ]

        for ref in refs if is_older_first else reversed(refs):
            world.pipeline.ingest(ref, message_id="m", now=NOON)

        current = world.ledger.revision("C-1", "INV-1")
        assert current is not None
        assert current.version_id == newer.version_id

    def test_compares_sequencers_of_unequal_length_padded_on_the_right(self, world: World) -> None:
        older = replace(world.bucket.put("invoice.txt", invoice_text(amount="100.00")), sequencer="0A")
        newer = replace(world.bucket.put("invoice.txt", invoice_text(amount="120.00")), sequencer="0A01")

        world.pipeline.ingest(newer, message_id="m", now=NOON)
        second = world.pipeline.ingest(older, message_id="m", now=NOON)

        assert second.kind == "superseded"

    def test_stores_another_invoice_under_a_used_key(self, world: World) -> None:
        world.upload("invoice.txt", invoice_text(invoice_id="INV-1"))

        outcome = world.upload("invoice.txt", invoice_text(invoice_id="INV-2"))

        assert (outcome, world.rev(invoice_id="INV-1"), world.rev(invoice_id="INV-2")) == ("stored", 1, 1)

    @pytest.mark.parametrize(
        ("second", "expected"),
        [
            (invoice_text(), "rejected duplicate-invoice"),
            (invoice_text().replace(b"\n", b"\r\n"), "rejected duplicate-invoice"),
            (invoice_text(amount="900.00"), "rejected conflicting-invoice"),
        ],
        ids=["same bytes", "same content", "other content"],
    )
    def test_rejects_a_stored_invoice_from_another_key(
        self, world: World, second: bytes, expected: str
    ) -> None:
        world.upload("a.txt", invoice_text())

        outcome = world.upload("b.txt", second)

        document = world.ledger.document("b.txt", "v000002")
        assert outcome == expected
        assert document is not None
        assert (document.data, document.is_open, document.rev) == (second, True, 0)
        assert ("b.txt", "v000002") in world.sink.kept
        assert world.rev() == 1

    def test_rejects_an_unreadable_document_with_the_place_of_the_fault(self, world: World) -> None:
        data = invoice_text().replace(b"Total: 100.00", b"Total: 1.0.0")

        outcome = world.upload("invoice.txt", data)

        document = world.ledger.document("invoice.txt", "v000001")
        assert outcome == "rejected bad-amount"
        assert document is not None
        assert document.reason is not None
        assert (document.reason.line, document.reason.column) == (7, 8)
        assert document.data == data
        assert world.sink.objects == {}

    def test_rejects_a_large_document_without_reading_it(self, world: World) -> None:
        ref = replace(world.bucket.put("big.txt", b"x"), size_bytes=262_145)
        world.bucket.expire(ref.version_id)

        outcome = world.pipeline.ingest(ref, message_id="m", now=NOON)

        assert (outcome.kind, outcome.code) == ("rejected", "too-large")

    def test_rejects_a_text_whose_row_would_not_fit_in_the_ledger(self, world: World) -> None:
        items = "".join(f"{number}) x, 1\n" for number in range(1, 9_001))
        data = invoice_text().replace(b"1) Thing, 100.00\n", items.encode())

        outcome = world.upload("many.txt", data)

        assert outcome == "rejected too-large"

    def test_makes_content_that_is_gone_a_visible_rejection(self, world: World) -> None:
        ref = world.bucket.put("invoice.txt", invoice_text())
        world.bucket.expire(ref.version_id)

        outcome = world.pipeline.ingest(ref, message_id="m", now=NOON)

        assert (outcome.kind, outcome.code) == ("rejected", "expired-before-processed")

    def test_asks_the_ledger_before_it_rejects_what_is_gone(self, world: World) -> None:
        ref = world.bucket.put("invoice.txt", invoice_text())
        world.pipeline.ingest(ref, message_id="m", now=NOON)
        world.bucket.expire(ref.version_id)

        again = world.pipeline.ingest(ref, message_id="m", now=NOON + timedelta(hours=1))

        assert again.kind == "repeated"
        assert world.rev() == 1

    def test_keeps_a_document_on_which_it_fails_itself(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken(*_args: object, **_kwargs: object) -> None:
            raise RuntimeError("a bug")

        monkeypatch.setattr("api.pipeline.parse", broken)
        data = invoice_text()

        outcome = world.upload("invoice.txt", data)

        document = world.ledger.document("invoice.txt", "v000001")
        assert outcome == "rejected internal-error"
        assert document is not None
        assert (document.data, document.is_open) == (data, True)

    def test_makes_a_document_that_it_can_never_read_a_visible_rejection(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def unreadable(*_: object) -> None:
            raise RuntimeError("InvalidObjectState: the object was moved to an archive")

        monkeypatch.setattr(MemoryBucket, "read", unreadable)

        outcome = world.upload("invoice.txt", invoice_text())

        document = world.ledger.document("invoice.txt", "v000001")
        assert outcome == "rejected internal-error"
        assert document is not None
        assert (document.data, document.is_open) == (None, True)

    def test_lets_a_temporary_failure_rise_and_leaves_nothing_half_told(self, world: World) -> None:
        def failing(_change: Change) -> None:
            raise TemporaryFailure("dynamodb", "TransactWriteItems", "ThrottlingException")

        world.ledger.before_commit = failing

        with pytest.raises(TemporaryFailure):
            world.upload("invoice.txt", invoice_text())

        assert (world.ledger.documents_by_id, world.sink.objects) == ({}, {})

    def test_decides_again_when_another_worker_was_faster(self, world: World) -> None:
        other = world.bucket.put("other.txt", invoice_text(amount="900.00"))

        def interfere(_change: Change) -> None:
            world.ledger.before_commit = lambda _: None
            world.pipeline.ingest(other, message_id="m", now=NOON)

        world.ledger.before_commit = interfere

        outcome = world.upload("invoice.txt", invoice_text())

        assert outcome == "rejected conflicting-invoice"
        assert world.rev() == 1


class TestRejectMessage:
    def test_keeps_a_message_that_names_no_document_once(self, world: World) -> None:
        reason = Reason(code="bad-event", message="the Message is not JSON")

        first = world.pipeline.reject_message("0-1", reason, b"hello", NOON)
        second = world.pipeline.reject_message("0-1", reason, b"hello", NOON)

        document: Document | None = world.ledger.document("message:0-1", "message")
        assert (first.kind, second.kind) == ("rejected", "repeated")
        assert document is not None
        assert (document.data, document.is_open, document.reason) == (b"hello", True, reason)
