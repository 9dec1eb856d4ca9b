"""What every ledger promises to the pipeline: conditions, atomicity, exactness, one winner."""

import random
from dataclasses import replace
from datetime import timedelta, timezone
from functools import partial

import pytest

from api.ports import Ledger
from api.records import Act, Change, Document, Reason, Seen
from tests.support.ledgers import RealLedger, race
from tests.support.records import AT, act, document, rejection, revision


def store(ledger: Ledger, **names: str) -> None:
    """Store revision 1 of an invoice, from a document."""
    change = Change(document=document(**names), revision=revision(**names), seen=Seen())
    assert ledger.commit(change) is None


def replace_once(ledger: Ledger) -> None:
    """Store revision 2 of INV-1 over revision 1."""
    second = revision(rev=2, version_id="v2")
    change = Change(document=document(version_id="v2", rev=2), revision=second, seen=Seen(invoice=revision()))
    assert ledger.commit(change) is None


class TestCommit:
    def test_keeps_a_new_document_and_a_new_invoice_as_they_are(self, any_ledger: Ledger) -> None:
        answer = any_ledger.commit(Change(document=document(), revision=revision(), seen=Seen()))

        assert answer is None
        assert any_ledger.document("in/a.txt", "v1") == document()
        assert any_ledger.revision("ACME", "INV-1") == revision()

    def test_keeps_every_field_of_a_rejection(self, any_ledger: Ledger) -> None:
        rejected = rejection(acts=(act("close"), act("reprocess", AT + timedelta(days=1), "ünïcode 😀")))

        any_ledger.commit(Change(document=rejected, revision=None, seen=Seen()))

        assert any_ledger.document("in/a.txt", "v1") == rejected
        assert any_ledger.revision("ACME", "INV-1") is None

    def test_keeps_what_is_empty_empty(self, any_ledger: Ledger) -> None:
        bare = Document(source_key="k", version_id="v", outcome="rejected", recorded_at=AT)

        any_ledger.commit(Change(document=bare, revision=None, seen=Seen()))

        assert any_ledger.document("k", "v") == bare

    def test_keeps_the_act_that_made_a_revision(self, any_ledger: Ledger) -> None:
        withdrawn = revision(rev=2, status="withdrawn", act=act(), last_modified_at=None, sequencer="")
        store(any_ledger)

        any_ledger.commit(Change(document=None, revision=withdrawn, seen=Seen(invoice=revision())))

        assert any_ledger.revision("ACME", "INV-1") == withdrawn

    def test_knows_nothing_of_what_it_was_not_told(self, any_ledger: Ledger) -> None:
        store(any_ledger)

        assert any_ledger.document("in/a.txt", "v2") is None
        assert any_ledger.document("in/b.txt", "v1") is None
        assert any_ledger.revision("ACME", "INV-2") is None
        assert any_ledger.revision("Acme", "INV-1") is None

    def test_tells_the_known_document_and_the_known_invoice(self, any_ledger: Ledger) -> None:
        store(any_ledger)

        answer = any_ledger.commit(Change(document=document(), revision=revision(), seen=Seen()))

        assert answer == Seen(document=document(), invoice=revision())

    def test_tells_the_known_invoice_to_a_new_document(self, any_ledger: Ledger) -> None:
        store(any_ledger)

        answer = any_ledger.commit(
            Change(document=document(source_key="in/b.txt"), revision=revision(), seen=Seen())
        )

        assert answer == Seen(document=None, invoice=revision())
        assert any_ledger.document("in/b.txt", "v1") is None

    def test_tells_the_known_document_of_a_new_invoice(self, any_ledger: Ledger) -> None:
        store(any_ledger)

        answer = any_ledger.commit(
            Change(document=document(), revision=revision(invoice_id="INV-2"), seen=Seen())
        )

        assert answer == Seen(document=document(), invoice=None)
        assert any_ledger.revision("ACME", "INV-2") is None

    def test_tells_a_known_rejection_with_its_text(self, any_ledger: Ledger) -> None:
        any_ledger.commit(Change(document=rejection(), revision=None, seen=Seen()))

        answer = any_ledger.commit(Change(document=document(), revision=revision(), seen=Seen()))

        assert answer == Seen(document=rejection(), invoice=None)
        assert any_ledger.revision("ACME", "INV-1") is None

    def test_replaces_the_revision_that_was_seen(self, any_ledger: Ledger) -> None:
        store(any_ledger)

        replace_once(any_ledger)

        assert any_ledger.revision("ACME", "INV-1") == revision(rev=2, version_id="v2")
        assert any_ledger.revision("ACME", "INV-1", 2) == revision(rev=2, version_id="v2")
        assert any_ledger.revision("ACME", "INV-1", 1) == revision()
        assert any_ledger.revision("ACME", "INV-1", 3) is None
        assert any_ledger.document("in/a.txt", "v1") == document()

    def test_refuses_to_replace_another_revision_than_was_seen(self, any_ledger: Ledger) -> None:
        store(any_ledger)
        replace_once(any_ledger)
        late = Change(
            document=document(version_id="v3", rev=2),
            revision=revision(rev=2, version_id="v3"),
            seen=Seen(invoice=revision()),
        )

        answer = any_ledger.commit(late)

        assert answer == Seen(document=None, invoice=revision(rev=2, version_id="v2"))
        assert any_ledger.document("in/a.txt", "v3") is None
        assert any_ledger.revision("ACME", "INV-1", 1) == revision()

    def test_refuses_to_replace_what_is_not_there(self, any_ledger: Ledger) -> None:
        answer = any_ledger.commit(
            Change(document=document(), revision=revision(rev=2), seen=Seen(invoice=revision()))
        )

        assert answer == Seen(document=None, invoice=None)
        assert any_ledger.document("in/a.txt", "v1") is None
        assert any_ledger.revision("ACME", "INV-1", 1) is None

    def test_writes_a_document_beside_the_revision_that_was_seen(self, any_ledger: Ledger) -> None:
        store(any_ledger)
        duplicate = rejection(source_key="in/b.txt")

        answer = any_ledger.commit(Change(document=duplicate, revision=None, seen=Seen(invoice=revision())))

        assert answer is None
        assert any_ledger.document("in/b.txt", "v1") == duplicate
        assert any_ledger.revision("ACME", "INV-1") == revision()

    def test_refuses_a_document_beside_another_revision(self, any_ledger: Ledger) -> None:
        store(any_ledger)
        replace_once(any_ledger)
        duplicate = rejection(source_key="in/b.txt")

        answer = any_ledger.commit(Change(document=duplicate, revision=None, seen=Seen(invoice=revision())))

        assert answer == Seen(document=None, invoice=revision(rev=2, version_id="v2"))
        assert any_ledger.document("in/b.txt", "v1") is None

    def test_refuses_a_document_beside_a_revision_that_is_not_there(self, any_ledger: Ledger) -> None:
        duplicate = rejection(source_key="in/b.txt")

        answer = any_ledger.commit(Change(document=duplicate, revision=None, seen=Seen(invoice=revision())))

        assert answer == Seen(document=None, invoice=None)
        assert any_ledger.document("in/b.txt", "v1") is None

    def test_changes_a_document_whose_acts_are_as_seen(self, any_ledger: Ledger) -> None:
        states = [rejection()]
        any_ledger.commit(Change(document=states[0], revision=None, seen=Seen()))

        for number in (1, 2, 3):
            states.append(replace(states[-1], acts=(act(),) * number, is_open=number < 3))
            change = Change(document=states[-1], revision=None, seen=Seen(document=states[-2]))
            assert any_ledger.commit(change) is None

        assert any_ledger.document("in/a.txt", "v1") == states[3]

    @pytest.mark.parametrize("acts", [0, 1, 3])
    def test_refuses_to_change_a_document_whose_acts_are_not_as_seen(
        self, any_ledger: Ledger, acts: int
    ) -> None:
        now = rejection(acts=(act(), act("close")), is_open=False)
        any_ledger.commit(Change(document=now, revision=None, seen=Seen()))
        seen = rejection(acts=(act(),) * acts)

        answer = any_ledger.commit(Change(document=document(), revision=revision(), seen=Seen(document=seen)))

        assert answer == Seen(document=now, invoice=None)
        assert any_ledger.document("in/a.txt", "v1") == now
        assert any_ledger.revision("ACME", "INV-1") is None

    @pytest.mark.parametrize("acts", [(), (act("reprocess"),)], ids=["untouched", "acted on"])
    def test_refuses_to_write_a_text_back_that_was_dropped_since(
        self, any_ledger: Ledger, acts: tuple[Act, ...]
    ) -> None:
        seen = rejection(acts=acts)
        dropped = replace(seen, data=None)
        any_ledger.commit(Change(document=dropped, revision=None, seen=Seen()))
        closed = replace(seen, is_open=False, acts=(*acts, act("close")))

        answer = any_ledger.commit(Change(document=closed, revision=None, seen=Seen(document=seen)))

        assert answer == Seen(document=dropped, invoice=None)
        assert any_ledger.document("in/a.txt", "v1") == dropped

    def test_lets_a_document_without_its_text_change(self, any_ledger: Ledger) -> None:
        any_ledger.commit(Change(document=rejection(data=None), revision=None, seen=Seen()))
        stored = document(acts=(act("reprocess"),))

        answer = any_ledger.commit(
            Change(document=stored, revision=revision(), seen=Seen(document=rejection()))
        )

        assert answer is None
        assert any_ledger.document("in/a.txt", "v1") == stored

    def test_takes_a_text_that_was_never_there(self, any_ledger: Ledger) -> None:
        unread = rejection(data=None)
        any_ledger.commit(Change(document=unread, revision=None, seen=Seen()))
        read = rejection(acts=(act("reprocess"),))

        answer = any_ledger.commit(Change(document=read, revision=None, seen=Seen(document=unread)))

        assert answer is None
        assert any_ledger.document("in/a.txt", "v1") == read

    def test_refuses_to_change_a_document_that_is_not_there(self, any_ledger: Ledger) -> None:
        change = Change(document=document(), revision=None, seen=Seen(document=rejection()))

        assert any_ledger.commit(change) == Seen(document=None, invoice=None)
        assert any_ledger.document("in/a.txt", "v1") is None

    def test_makes_an_accepted_rejection_the_next_revision(self, any_ledger: Ledger) -> None:
        store(any_ledger)
        conflicting = rejection(source_key="in/b.txt")
        any_ledger.commit(Change(document=conflicting, revision=None, seen=Seen(invoice=revision())))
        accepted = document(source_key="in/b.txt", rev=2, acts=(act("accept"),))
        second = revision(rev=2, source_key="in/b.txt", act=act("accept"))

        answer = any_ledger.commit(
            Change(document=accepted, revision=second, seen=Seen(document=conflicting, invoice=revision()))
        )

        assert answer is None
        assert any_ledger.document("in/b.txt", "v1") == accepted
        assert any_ledger.revision("ACME", "INV-1") == second
        assert any_ledger.revision("ACME", "INV-1", 1) == revision()

    def test_changes_neither_when_only_the_document_changed(self, any_ledger: Ledger) -> None:
        store(any_ledger)
        seen = rejection(source_key="in/b.txt")
        closed = replace(seen, is_open=False, acts=(act("close"),))
        any_ledger.commit(Change(document=closed, revision=None, seen=Seen()))
        change = Change(
            document=document(source_key="in/b.txt", rev=2, acts=(act("accept"),)),
            revision=revision(rev=2, source_key="in/b.txt"),
            seen=Seen(document=seen, invoice=revision()),
        )

        answer = any_ledger.commit(change)

        assert answer == Seen(document=closed, invoice=revision())
        assert any_ledger.revision("ACME", "INV-1") == revision()
        assert any_ledger.revision("ACME", "INV-1", 2) is None

    def test_does_nothing_when_there_is_nothing_to_do(self, any_ledger: Ledger) -> None:
        assert any_ledger.commit(Change(document=None, revision=None, seen=Seen())) is None

    def test_fills_a_rejection_without_position(self, any_ledger: Ledger) -> None:
        rejected = rejection(reason=Reason(code="internal-error", message=""), data=None)

        any_ledger.commit(Change(document=rejected, revision=None, seen=Seen()))

        assert any_ledger.document("in/a.txt", "v1") == rejected


NASTY_BYTES = {
    "none": b"",
    "a NUL": b"a\0b",
    "every byte": bytes(range(256)) * 4,
    "emoji": "Rechnung 😀 über €5".encode(),
    "broken UTF-8": b"abc\xff\xfe\xc3\x28",
    "a surrogate as UTF-8": b"\xed\xa0\x80",
    "UTF-8 with a mark": b"\xef\xbb\xbfInv-ID: 1\r\n",
    "UTF-16 LE": "Inv-ID: 1 ü".encode("utf-16-le").join((b"\xff\xfe", b"")),
    "UTF-16 BE": "Inv-ID: 1 ü".encode("utf-16-be").join((b"\xfe\xff", b"")),
    "half a UTF-16": b"\xff\xfea\0b",
    "cp1252": "Müller & Söhne · 5 €".encode("cp1252"),
    "only a mark": b"\xff\xfe",
    "quotes": b"'\"\\%s:x?`\x1a\n\r\n",
    "256 KiB of text": "ä".encode() * 131_072,
    "256 KiB of cp1252": b"\xe4" * 262_144,
    "256 KiB of noise": random.Random(5).randbytes(262_144),
}


class TestExactness:
    @pytest.mark.parametrize("data", NASTY_BYTES.values(), ids=NASTY_BYTES)
    def test_gives_back_the_very_bytes(self, ledger: RealLedger, data: bytes) -> None:
        rejected, first = rejection(source_key="in/b.txt", data=data), revision(data=data)

        ledger.commit(Change(document=rejected, revision=None, seen=Seen()))
        ledger.commit(Change(document=document(), revision=first, seen=Seen()))
        known = ledger.commit(Change(document=rejected, revision=first, seen=Seen()))
        second = revision(rev=2)
        ledger.commit(Change(document=None, revision=second, seen=Seen(invoice=first)))

        assert ledger.document("in/b.txt", "v1") == rejected
        assert known == Seen(document=rejected, invoice=first)
        assert ledger.revision("ACME", "INV-1", 1) == first

    @pytest.mark.parametrize("row", [data for data in NASTY_BYTES.values() if 0 < len(data) < 10_000])
    def test_gives_back_the_very_row(self, ledger: RealLedger, row: bytes) -> None:
        ledger.commit(Change(document=None, revision=revision(row=row), seen=Seen()))

        assert ledger.revision("ACME", "INV-1") == revision(row=row)

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("INV-1", "inv-1"),
            ("INV", "INV "),
            ("INV", " INV"),
            ("INV ", "INV  "),
            ("É", "E\u0301"),
            ("ß", "ss"),
            ("É", "E"),
            ("😀", "😁"),
            ("1", "01"),
            ("A", "A#r000001"),
            ("A#r000001", "A#r000001#"),
            ("A#r000001#", "A#r000001##"),
            ("A", "A#r"),
            ("A", "A%"),
            ("A\\", "A"),
        ],
    )
    def test_tells_apart_what_differs_at_all(self, ledger: RealLedger, one: str, other: str) -> None:
        pairs = [(one, one), (other, one), (one, other)]

        for customer_id, invoice_id in pairs:
            names = {"source_key": customer_id, "version_id": invoice_id}
            store(ledger, customer_id=customer_id, invoice_id=invoice_id, **names)

        for customer_id, invoice_id in pairs:
            names = {"source_key": customer_id, "version_id": invoice_id}
            expected = revision(customer_id=customer_id, invoice_id=invoice_id, **names)
            assert ledger.revision(customer_id, invoice_id) == expected
            assert ledger.history(customer_id, invoice_id) == (expected,)
            assert ledger.document(customer_id, invoice_id) == document(
                customer_id=customer_id, invoice_id=invoice_id, **names
            )
        assert ledger.revision(other, other) is None
        assert ledger.document(other, other) is None
        assert sorted(each.invoice_id for each in ledger.current_revisions(customer_id=one)) == sorted(
            (one, other)
        )

    def test_does_not_run_names_into_each_other(self, ledger: RealLedger) -> None:
        store(ledger, customer_id="AB", invoice_id="C", source_key="AB", version_id="C")

        assert ledger.revision("A", "BC") is None
        assert ledger.document("A", "BC") is None
        store(ledger, customer_id="A", invoice_id="BC", source_key="A", version_id="BC")

    def test_does_not_take_an_invoice_for_the_revision_that_it_is_called_like(
        self, ledger: RealLedger
    ) -> None:
        names = {"invoice_id": "INV-1#r000001", "source_key": "in/c.txt"}
        store(ledger)
        store(ledger, **names)
        replace_once(ledger)
        ledger.commit(
            Change(
                document=None,
                revision=revision(rev=2, **names),
                seen=Seen(invoice=revision(**names)),
            )
        )

        assert ledger.revision("ACME", "INV-1", 1) == revision()
        assert ledger.revision("ACME", "INV-1#r000001", 1) == revision(**names)
        assert [each.rev for each in ledger.history("ACME", "INV-1")] == [2, 1]
        assert ledger.history("ACME", "INV-1#r000001") == (
            revision(rev=2, **names),
            revision(**names),
        )

    @pytest.mark.parametrize("letter", ["k", "ü", "€", "😀"])
    def test_takes_names_as_long_as_s3_does(self, ledger: RealLedger, letter: str) -> None:
        count = 1024 // len(letter.encode()) - 1
        keys = [letter * count + end for end in ("a", "b")]

        ids = [key[-480 // len(letter.encode()) :] for key in keys]

        for key, invoice_id in zip(keys, ids, strict=True):
            store(ledger, source_key=key, version_id="v" * 1024, invoice_id=invoice_id)

        for key, invoice_id in zip(keys, ids, strict=True):
            names = {"source_key": key, "version_id": "v" * 1024, "invoice_id": invoice_id}
            assert ledger.document(key, "v" * 1024) == document(**names)
            assert ledger.revision("ACME", invoice_id) == revision(**names)

    def test_keeps_times_to_the_microsecond(self, ledger: RealLedger) -> None:
        at = AT.replace(microsecond=1)

        ledger.commit(Change(document=document(recorded_at=at), revision=revision(stored_at=at), seen=Seen()))

        assert ledger.document("in/a.txt", "v1") == document(recorded_at=at)
        assert ledger.revision("ACME", "INV-1") == revision(stored_at=at)

    def test_keeps_times_of_another_zone_as_the_same_instant(self, ledger: RealLedger) -> None:
        at = AT.astimezone(timezone(timedelta(hours=5, minutes=30)))

        ledger.commit(Change(document=document(recorded_at=at), revision=revision(stored_at=at), seen=Seen()))

        found = ledger.revision("ACME", "INV-1")
        assert found == revision()
        assert found.stored_at.utcoffset() == timedelta(0)


THREADS = 8


class TestRace:
    def test_lets_one_of_many_copies_of_a_document_win(self, ledger: RealLedger) -> None:
        changes = [
            Change(
                document=document(message_id=f"m{number}"),
                revision=revision(sequencer=str(number)),
                seen=Seen(),
            )
            for number in range(THREADS)
        ]

        answers = race([partial(ledger.commit, change) for change in changes])

        winner = answers.index(None)
        seen = Seen(document=changes[winner].document, invoice=changes[winner].revision)
        assert answers == [None if number == winner else seen for number in range(THREADS)]
        assert ledger.document("in/a.txt", "v1") == changes[winner].document
        assert ledger.revision("ACME", "INV-1") == changes[winner].revision

    def test_lets_one_of_many_documents_make_an_invoice(self, ledger: RealLedger) -> None:
        names = [f"in/{number}.txt" for number in range(THREADS)]
        changes = [
            Change(document=document(source_key=name), revision=revision(source_key=name), seen=Seen())
            for name in names
        ]

        answers = race([partial(ledger.commit, change) for change in changes])

        winner = answers.index(None)
        seen = Seen(document=None, invoice=revision(source_key=names[winner]))
        assert answers == [None if number == winner else seen for number in range(THREADS)]
        assert [name for name in names if ledger.document(name, "v1")] == [names[winner]]

    def test_lets_one_of_many_replace_a_revision(self, ledger: RealLedger) -> None:
        store(ledger)
        changes = [
            Change(
                document=document(version_id=f"n{number}", rev=2),
                revision=revision(rev=2, version_id=f"n{number}"),
                seen=Seen(invoice=revision()),
            )
            for number in range(THREADS)
        ]

        answers = race([partial(ledger.commit, change) for change in changes])

        winner = answers.index(None)
        seen = Seen(document=None, invoice=changes[winner].revision)
        assert answers == [None if number == winner else seen for number in range(THREADS)]
        assert ledger.history("ACME", "INV-1") == (changes[winner].revision, revision())
        assert [n for n in range(THREADS) if ledger.document("in/a.txt", f"n{n}")] == [winner]

    def test_lets_one_of_many_change_a_document(self, ledger: RealLedger) -> None:
        ledger.commit(Change(document=rejection(), revision=None, seen=Seen()))
        changes = [
            Change(
                document=rejection(acts=(act("close", why=str(number)),), is_open=False),
                revision=None,
                seen=Seen(document=rejection()),
            )
            for number in range(THREADS)
        ]

        answers = race([partial(ledger.commit, change) for change in changes])

        winner = answers.index(None)
        seen = Seen(document=changes[winner].document, invoice=None)
        assert answers == [None if number == winner else seen for number in range(THREADS)]
        assert ledger.document("in/a.txt", "v1") == changes[winner].document

    def test_never_finds_a_document_without_its_invoice(self, ledger: RealLedger) -> None:
        def write() -> int:
            for number in range(20):
                store(ledger, source_key=f"in/{number}", invoice_id=f"INV-{number}")
            return 0

        def read() -> int:
            return sum(
                ledger.document(f"in/{number}", "v1") is not None
                and ledger.revision("ACME", f"INV-{number}") is None
                for number in range(20)
            )

        assert race([write, read, read, read]) == [0, 0, 0, 0]

    def test_keeps_a_growing_history_whole(self, ledger: RealLedger) -> None:
        store(ledger)

        def grow() -> int:
            made = 0
            while made < 5:
                current = ledger.revision("ACME", "INV-1")
                assert current is not None
                following = replace(current, rev=current.rev + 1)
                change = Change(document=None, revision=following, seen=Seen(invoice=current))
                made += ledger.commit(change) is None
            return made

        def count_gaps() -> int:
            histories = [[each.rev for each in ledger.history("ACME", "INV-1")] for _ in range(20)]
            return sum(revs != list(range(len(revs), 0, -1)) for revs in histories)

        assert race([grow, grow, grow, count_gaps]) == [5, 5, 5, 0]
        assert [each.rev for each in ledger.history("ACME", "INV-1")] == list(range(16, 0, -1))
