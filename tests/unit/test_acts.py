"""What operators do, over in-memory ports."""

import csv
from dataclasses import replace
from datetime import timedelta

import pytest

from api.acts import ActRefused, Acts, Operator
from api.pipeline import Pipeline
from api.records import Change
from api.s3_event import ObjectRef
from invoice_parser import parse
from tests.support.invoices import invoice_text
from tests.support.memory import NOON, MemoryBucket, MemoryLedger, MemorySink

ANNA = Operator(who="anna", why="the customer called", at=NOON)


@pytest.fixture
def acts() -> Acts:
    return Acts(pipeline=Pipeline(source=MemoryBucket(), ledger=MemoryLedger(), sink=MemorySink()))


def upload(acts: Acts, key: str, data: bytes) -> str:
    """Upload and deliver; return the version's id."""
    bucket = acts.pipeline.source
    assert isinstance(bucket, MemoryBucket)
    ref = bucket.put(key, data)
    acts.pipeline.ingest(ref, message_id="m", now=NOON)
    return ref.version_id


def columns(acts: Acts) -> list[str]:
    """Return the total, status and rev of the current row."""
    revision = acts.pipeline.ledger.revision("C-1", "INV-1")
    assert revision is not None
    (fields,) = csv.reader([revision.row.decode()])
    return [fields[7], fields[17], fields[18]]


class TestOperator:
    @pytest.mark.parametrize(("who", "why"), [("", "why"), ("anna", " ")])
    def test_needs_a_name_and_a_reason(self, who: str, why: str) -> None:
        with pytest.raises(ActRefused, match="a name and a reason"):
            Operator(who=who, why=why, at=NOON)

    def test_keeps_a_reason_whole_or_refuses_it(self) -> None:
        longest = Operator(who="anna", why=" " + "é" * 1_000 + " ", at=NOON)

        assert longest.act("close").why == "é" * 1_000
        with pytest.raises(ActRefused, match="the reason has over 1000 characters; make it shorter"):
            Operator(who="anna", why="é" * 1_001, at=NOON)


class TestWithdraw:
    def test_makes_a_withdrawn_revision_of_the_same_content(self, acts: Acts) -> None:
        upload(acts, "a.txt", invoice_text())

        revision = acts.withdraw("C-1", "INV-1", 1, ANNA)

        assert (revision.rev, revision.status, revision.data) == (2, "withdrawn", invoice_text())
        assert columns(acts) == ["100.00", "withdrawn", "2"]
        assert revision.act is not None
        assert (revision.act.kind, revision.act.who, revision.act.why) == (
            "withdraw",
            "anna",
            "the customer called",
        )

    def test_is_refused_when_the_invoice_changed_meanwhile(self, acts: Acts) -> None:
        upload(acts, "a.txt", invoice_text())
        upload(acts, "a.txt", invoice_text(amount="120.00"))

        with pytest.raises(ActRefused) as refused:
            acts.withdraw("C-1", "INV-1", 1, ANNA)

        assert str(refused.value) == (
            "somebody else changed this meanwhile: the current revision is 2; look at it again"
        )

        assert columns(acts) == ["120.00", "active", "2"]

    def test_is_not_undone_by_a_newer_version_of_the_key(self, acts: Acts) -> None:
        upload(acts, "a.txt", invoice_text())
        acts.withdraw("C-1", "INV-1", None, ANNA)

        version_id = upload(acts, "a.txt", invoice_text(amount="120.00"))

        document = acts.pipeline.ledger.document("a.txt", version_id)
        assert document is not None
        assert document.reason is not None
        assert document.reason.code == "withdrawn-invoice"
        assert columns(acts) == ["100.00", "withdrawn", "2"]

    def test_is_refused_for_an_invoice_that_is_not_there(self, acts: Acts) -> None:
        with pytest.raises(ActRefused, match="no invoice INV-9 of C-1"):
            acts.withdraw("C-1", "INV-9", None, ANNA)

    def test_is_refused_twice(self, acts: Acts) -> None:
        upload(acts, "a.txt", invoice_text())
        acts.withdraw("C-1", "INV-1", None, ANNA)

        with pytest.raises(ActRefused, match="withdrawn already"):
            acts.withdraw("C-1", "INV-1", None, ANNA)


class TestRestore:
    def test_makes_an_active_revision_of_the_same_content(self, acts: Acts) -> None:
        upload(acts, "a.txt", invoice_text())
        acts.withdraw("C-1", "INV-1", None, ANNA)

        acts.restore("C-1", "INV-1", 2, ANNA)

        assert columns(acts) == ["100.00", "active", "3"]


class TestAccept:
    def test_lets_a_conflicting_document_win(self, acts: Acts) -> None:
        upload(acts, "a.txt", invoice_text())
        version_id = upload(acts, "b.txt", invoice_text(amount="900.00"))

        acts.accept("b.txt", version_id, ANNA)

        document = acts.pipeline.ledger.document("b.txt", version_id)
        assert columns(acts) == ["900.00", "active", "2"]
        assert document is not None
        assert (document.outcome, document.rev, document.is_open, document.data) == ("stored", 2, False, None)
        assert [act.kind for act in document.acts] == ["accept"]

    def test_brings_a_withdrawn_invoice_back_from_that_document(self, acts: Acts) -> None:
        upload(acts, "a.txt", invoice_text())
        acts.withdraw("C-1", "INV-1", None, ANNA)
        version_id = upload(acts, "a.txt", invoice_text(amount="120.00"))

        acts.accept("a.txt", version_id, ANNA)

        assert columns(acts) == ["120.00", "active", "3"]

    def test_is_refused_when_todays_parser_reads_other_ids(
        self, acts: Acts, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        upload(acts, "a.txt", invoice_text())
        upload(acts, "x.txt", invoice_text(invoice_id="INV-2", amount="2.00"))
        version_id = upload(acts, "b.txt", invoice_text(amount="900.00"))
        monkeypatch.setattr("api.pipeline.parse", lambda *_, **__: parse(invoice_text(invoice_id="INV-2")))

        with pytest.raises(ActRefused, match="other ids"):
            acts.accept("b.txt", version_id, ANNA)

        other = acts.pipeline.ledger.revision("C-1", "INV-2")
        assert other is not None
        assert (other.rev, other.source_key) == (1, "x.txt")

    def test_is_refused_when_todays_row_would_not_fit_in_the_ledger(
        self, acts: Acts, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        upload(acts, "a.txt", invoice_text())
        items = "".join(f"{number}) x, 1\n" for number in range(1, 1_001))
        data = invoice_text(amount="9.00").replace(b"1) Thing, 9.00\n", items.encode())
        version_id = upload(acts, "b.txt", data)
        monkeypatch.setattr("api.decision.MAX_ITEM_BYTES", 50_000)  # as if rows had become longer

        with pytest.raises(ActRefused, match="larger than"):
            acts.accept("b.txt", version_id, ANNA)

    def test_is_refused_when_the_invoice_is_not_what_the_operator_saw(self, acts: Acts) -> None:
        upload(acts, "a.txt", invoice_text())
        anna = upload(acts, "b.txt", invoice_text(amount="900.00"))
        bob = upload(acts, "c.txt", invoice_text(amount="950.00"))
        acts.accept("b.txt", anna, ANNA, rev=1)

        with pytest.raises(ActRefused, match="the current revision is 2"):
            acts.accept("c.txt", bob, ANNA, rev=1)

        assert columns(acts) == ["900.00", "active", "2"]

    def test_says_that_it_was_accepted_already(self, acts: Acts) -> None:
        upload(acts, "a.txt", invoice_text())
        version_id = upload(acts, "b.txt", invoice_text(amount="900.00"))
        acts.accept("b.txt", version_id, ANNA)

        with pytest.raises(ActRefused) as refused:
            acts.accept("b.txt", version_id, ANNA)

        assert str(refused.value) == (
            f"there is no rejection of b.txt version {version_id} any more:"
            " it is stored already, as revision 2 of invoice INV-1 of C-1"
        )

    @pytest.mark.parametrize("data", [invoice_text(), b"no invoice"], ids=["duplicate", "unreadable"])
    def test_is_refused_for_other_rejections(self, acts: Acts, data: bytes) -> None:
        upload(acts, "a.txt", invoice_text())
        version_id = upload(acts, "b.txt", data)

        with pytest.raises(ActRefused, match="cannot be accepted"):
            acts.accept("b.txt", version_id, ANNA)


class TestClose:
    def test_is_kept_and_no_redelivery_opens_it_again(self, acts: Acts) -> None:
        bucket = acts.pipeline.source
        assert isinstance(bucket, MemoryBucket)
        ref = bucket.put("a.txt", b"no invoice")
        acts.pipeline.ingest(ref, message_id="m", now=NOON)

        acts.close("a.txt", ref.version_id, ANNA)
        again = acts.pipeline.ingest(ref, message_id="m", now=NOON)

        document = acts.pipeline.ledger.document("a.txt", ref.version_id)
        assert again.kind == "repeated"
        assert document is not None
        assert (document.outcome, document.is_open) == ("rejected", False)
        with pytest.raises(ActRefused, match="closed already"):
            acts.close("a.txt", ref.version_id, ANNA)


class TestReprocess:
    def test_tells_a_conflict_from_a_duplicate_after_a_failure_of_ours(
        self, acts: Acts, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken(*_args: object, **_kwargs: object) -> None:
            raise RuntimeError("yesterday's bug")

        with monkeypatch.context() as patch:
            patch.setattr("api.pipeline.parse", broken)
            first = upload(acts, "a.txt", invoice_text())
            second = upload(acts, "b.txt", invoice_text(amount="999.00"))

        acts.reprocess_rejection("a.txt", first, ANNA)
        document = acts.reprocess_rejection("b.txt", second, ANNA)

        assert document.reason is not None
        assert document.reason.code == "conflicting-invoice"

    def test_stores_a_rejection_that_today_is_readable(
        self, acts: Acts, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken(*_args: object, **_kwargs: object) -> None:
            raise RuntimeError("yesterday's bug")

        with monkeypatch.context() as patch:
            patch.setattr("api.pipeline.parse", broken)
            version_id = upload(acts, "a.txt", invoice_text())

        document = acts.reprocess_rejection("a.txt", version_id, ANNA)

        assert (document.outcome, document.rev, document.attempts) == ("stored", 1, 2)
        assert columns(acts) == ["100.00", "active", "1"]
        sink = acts.pipeline.sink
        assert isinstance(sink, MemorySink)
        assert list(sink.objects) == ["csv/v1/ingest=2026-11-21-12/C-1_INV-1-r000001.csv"]

    def test_replaces_nothing_when_nobody_can_tell_any_more_which_version_is_newer(
        self, acts: Acts, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        bucket = acts.pipeline.source
        assert isinstance(bucket, MemoryBucket)
        older, newer = (bucket.put("a.txt", invoice_text(amount=amount)) for amount in ("1.00", "2.00"))
        with monkeypatch.context() as patch:
            patch.setattr("api.pipeline.parse", lambda *_, **__: 1 / 0)
            acts.pipeline.ingest(replace(older, sequencer=""), message_id="reconcile", now=NOON)
        acts.pipeline.ingest(replace(newer, sequencer=""), message_id="reconcile", now=NOON)
        bucket.stored.clear()

        document = acts.reprocess_rejection("a.txt", older.version_id, ANNA)

        assert document.outcome == "superseded"
        assert columns(acts) == ["2.00", "active", "1"]

    @pytest.fixture
    def unread(self, acts: Acts, monkeypatch: pytest.MonkeyPatch) -> ObjectRef:
        """A rejection whose bytes could not be read when it came."""
        bucket = acts.pipeline.source
        assert isinstance(bucket, MemoryBucket)
        ref = bucket.put("a.txt", invoice_text())

        def unreadable(*_: object) -> None:
            raise RuntimeError("yesterday's bug")

        with monkeypatch.context() as patch:
            patch.setattr(MemoryBucket, "read", unreadable)
            outcome = acts.pipeline.ingest(ref, message_id="m", now=NOON)
        assert outcome.code == "internal-error"
        return ref

    def test_reads_again_what_could_not_be_read(self, acts: Acts, unread: ObjectRef) -> None:
        document = acts.reprocess_rejection("a.txt", unread.version_id, ANNA)

        assert (document.outcome, document.rev, document.size_bytes) == ("stored", 1, len(invoice_text()))
        assert columns(acts) == ["100.00", "active", "1"]
        current = acts.pipeline.ledger.revision("C-1", "INV-1")
        assert current is not None
        assert (current.data, current.last_modified_at) == (invoice_text(), NOON)

    def test_reads_the_copy_when_the_version_has_expired(self, acts: Acts, unread: ObjectRef) -> None:
        bucket, sink = acts.pipeline.source, acts.pipeline.sink
        assert isinstance(bucket, MemoryBucket)
        assert isinstance(sink, MemorySink)
        bucket.expire(unread.version_id)
        sink.copies["a.txt", unread.version_id] = invoice_text()

        document = acts.reprocess_rejection("a.txt", unread.version_id, ANNA)

        # printf of invoice_text() | sha256sum is the ledger's business; that it is told at all is ours.
        assert (document.outcome, document.etag) == ("stored", unread.etag)
        assert document.sha256
        assert columns(acts) == ["100.00", "active", "1"]

    def test_leaves_a_rejection_whose_bytes_are_nowhere(self, acts: Acts, unread: ObjectRef) -> None:
        bucket = acts.pipeline.source
        assert isinstance(bucket, MemoryBucket)
        bucket.expire(unread.version_id)
        before = acts.pipeline.ledger.document("a.txt", unread.version_id)

        with pytest.raises(ActRefused, match="have it uploaded again"):
            acts.reprocess_rejection("a.txt", unread.version_id, ANNA)

        assert acts.pipeline.ledger.document("a.txt", unread.version_id) == before

    @pytest.mark.parametrize(
        ("data", "code", "is_kept"),
        [(b"no invoice", "missing-field", True), (b"x" * 262_145, "too-large", False)],
        ids=["no invoice", "too large"],
    )
    def test_says_what_is_wrong_with_what_it_reads_at_last(
        self, acts: Acts, unread: ObjectRef, data: bytes, code: str, *, is_kept: bool
    ) -> None:
        bucket, sink = acts.pipeline.source, acts.pipeline.sink
        assert isinstance(bucket, MemoryBucket)
        assert isinstance(sink, MemorySink)
        bucket.expire(unread.version_id)
        sink.copies["a.txt", unread.version_id] = data
        bob = Operator(who="bob", why="mended", at=NOON + timedelta(hours=3))

        document = acts.reprocess_rejection("a.txt", unread.version_id, bob)

        assert document == acts.pipeline.ledger.document("a.txt", unread.version_id)
        assert document.reason is not None
        assert (document.reason.code, document.is_open) == (code, True)
        # A text that is kept from now on is dropped by retention as of now.
        assert document.data == (data if is_kept else None)
        assert document.recorded_at == (NOON + timedelta(hours=3) if is_kept else NOON)

    def test_does_not_bring_back_a_text_that_retention_dropped(self, acts: Acts) -> None:
        version_id = upload(acts, "a.txt", b"no invoice")
        ledger, sink = acts.pipeline.ledger, acts.pipeline.sink
        assert isinstance(ledger, MemoryLedger)
        assert isinstance(sink, MemorySink)
        key = ("a.txt", version_id)
        ledger.documents_by_id[key] = replace(ledger.documents_by_id[key], data=None)
        sink.copies[key] = b"no invoice"

        with pytest.raises(ActRefused, match="not kept"):
            acts.reprocess_rejection("a.txt", version_id, ANNA)

    def test_keeps_a_rejection_that_still_is_unreadable(self, acts: Acts) -> None:
        version_id = upload(acts, "a.txt", b"no invoice")

        document = acts.reprocess_rejection("a.txt", version_id, ANNA)

        assert (document.outcome, document.is_open, document.attempts) == ("rejected", True, 2)
        assert [act.kind for act in document.acts] == ["reprocess"]

    def test_changes_nothing_when_the_parser_says_the_same(self, acts: Acts) -> None:
        upload(acts, "a.txt", invoice_text())
        current = acts.pipeline.ledger.revision("C-1", "INV-1")
        assert current is not None

        assert acts.reprocess_invoice(current, ANNA) is None
        assert columns(acts) == ["100.00", "active", "1"]

    def test_makes_a_revision_when_the_parser_reads_otherwise_and_keeps_the_status(self, acts: Acts) -> None:
        upload(acts, "a.txt", invoice_text().replace(b"2026-11-02", b"03/04/2026"))  # rejected: ambiguous
        upload(acts, "a.txt", invoice_text())
        acts.withdraw("C-1", "INV-1", None, ANNA)
        current = acts.pipeline.ledger.revision("C-1", "INV-1")
        assert current is not None
        read_wrongly = replace(current, row=current.row.replace(b'"100.00"', b'"1.00"'))

        revision = acts.reprocess_invoice(read_wrongly, ANNA)

        assert revision is not None
        assert columns(acts) == ["100.00", "withdrawn", "3"]


class TestLostAnswer:
    """The store asks again after a lost answer, and finds what it has written itself."""

    @pytest.fixture
    def asked_twice(self, acts: Acts) -> Acts:
        ledger = acts.pipeline.ledger
        assert isinstance(ledger, MemoryLedger)

        def write_first(change: Change) -> None:
            assert isinstance(ledger, MemoryLedger)
            ledger.before_commit = lambda _: None
            if ledger.commit(change) is not None:  # the first try of a decision, which saw too little
                ledger.before_commit = write_first

        upload(acts, "a.txt", invoice_text())
        upload(acts, "b.txt", invoice_text(amount="900.00"))
        ledger.before_commit = write_first
        return acts

    def test_leaves_a_withdrawal_done(self, asked_twice: Acts) -> None:
        revision = asked_twice.withdraw("C-1", "INV-1", 1, ANNA)

        sink = asked_twice.pipeline.sink
        assert isinstance(sink, MemorySink)
        assert columns(asked_twice) == ["100.00", "withdrawn", "2"]
        assert sink.has(revision.csv_key)

    def test_leaves_an_acceptance_done(self, asked_twice: Acts) -> None:
        asked_twice.accept("b.txt", "v000002", ANNA)

        assert columns(asked_twice) == ["900.00", "active", "2"]

    def test_leaves_a_closing_done(self, asked_twice: Acts) -> None:
        document = asked_twice.close("b.txt", "v000002", ANNA)

        assert not document.is_open

    def test_leaves_a_reprocessing_done(self, asked_twice: Acts) -> None:
        document = asked_twice.reprocess_rejection("b.txt", "v000002", ANNA)

        assert [act.kind for act in document.acts] == ["reprocess"]
