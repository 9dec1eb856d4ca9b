"""What the ledgers keep for the recovery commands, and what retention and erasure take out of them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, cast

import pytest

from api.acts import Acts, Operator
from api.pipeline import Pipeline
from api.ports import Ledger
from api.records import Change, Document, Erased, Reason, Revision, Seen
from tests.support.ledgers import RealLedger, race
from tests.support.memory import MemoryBucket, MemorySink
from tests.support.records import AT, TEXT, act, document, rejection, revision

ERASE = act("erase", at=datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC), why="asked to, letter of 1 February")


def commit(
    ledger: RealLedger,
    document: Document | None = None,
    revision: Revision | None = None,
    *,
    known: Document | None = None,
    current: Revision | None = None,
) -> None:
    change = Change(document=document, revision=revision, seen=Seen(document=known, invoice=current))
    assert ledger.commit(change) is None


class TestLease:
    def test_has_one_holder_until_it_expires(self, ledger: RealLedger) -> None:
        assert ledger.acquire_lease("reconcile", "one", now=AT, seconds=60)
        assert not ledger.acquire_lease("reconcile", "two", now=AT + timedelta(seconds=59), seconds=60)
        assert ledger.acquire_lease("reconcile", "two", now=AT + timedelta(seconds=60), seconds=60)
        assert not ledger.acquire_lease("reconcile", "one", now=AT + timedelta(seconds=61), seconds=60)

    def test_is_prolonged_by_its_holder(self, ledger: RealLedger) -> None:
        ledger.acquire_lease("reconcile", "one", now=AT, seconds=60)

        assert ledger.acquire_lease("reconcile", "one", now=AT + timedelta(seconds=30), seconds=60)
        assert not ledger.acquire_lease("reconcile", "two", now=AT + timedelta(seconds=61), seconds=60)

    def test_is_free_when_given_back(self, ledger: RealLedger) -> None:
        ledger.acquire_lease("reconcile", "one", now=AT, seconds=60)

        ledger.release_lease("reconcile", "one")

        assert ledger.acquire_lease("reconcile", "two", now=AT, seconds=60)

    def test_is_not_given_back_by_another(self, ledger: RealLedger) -> None:
        ledger.acquire_lease("reconcile", "one", now=AT, seconds=60)

        ledger.release_lease("reconcile", "two")
        ledger.release_lease("unknown", "two")

        assert not ledger.acquire_lease("reconcile", "two", now=AT, seconds=60)

    def test_is_one_for_each_name(self, ledger: RealLedger) -> None:
        assert ledger.acquire_lease("reconcile", "one", now=AT, seconds=60)
        assert ledger.acquire_lease("redrive", "two", now=AT, seconds=60)

    def test_goes_to_one_of_many_who_want_it_at_once(self, ledger: RealLedger) -> None:
        takers = [partial(ledger.acquire_lease, "reconcile", str(n), now=AT, seconds=60) for n in range(8)]

        assert sorted(race(takers)) == [False] * 7 + [True]

    def test_goes_to_one_of_many_who_take_it_over_at_once(self, ledger: RealLedger) -> None:
        ledger.acquire_lease("reconcile", "dead", now=AT, seconds=60)
        later = AT + timedelta(seconds=61)
        takers = [partial(ledger.acquire_lease, "reconcile", str(n), now=later, seconds=60) for n in range(8)]

        assert sorted(race(takers)) == [False] * 7 + [True]


class TestCheckpoint:
    def test_is_none_before_it_is_saved(self, ledger: RealLedger) -> None:
        assert ledger.checkpoint("reconcile") is None

    def test_is_what_was_saved_last(self, ledger: RealLedger) -> None:
        ledger.save_checkpoint("reconcile", "2026-01-27")
        ledger.save_checkpoint("reconcile", "ünïcode 😀")
        ledger.save_checkpoint("redrive", "")

        assert ledger.checkpoint("reconcile") == "ünïcode 😀"
        assert ledger.checkpoint("redrive") == ""

    def test_is_saved_by_many_at_once(self, ledger: RealLedger) -> None:
        race([partial(ledger.save_checkpoint, "reconcile", str(n)) for n in range(8)])

        assert ledger.checkpoint("reconcile") in set(map(str, range(8)))

    def test_is_no_document(self, ledger: RealLedger) -> None:
        ledger.save_checkpoint("reconcile", "2026-01-27")
        ledger.acquire_lease("reconcile", "one", now=AT, seconds=60)

        assert ledger.recent_documents(now=AT, limit=5, token=None).documents == ()
        assert list(ledger.current_revisions()) == []


class TestExpireTexts:
    def test_drops_texts_and_nothing_else(self, ledger: RealLedger) -> None:
        rejected = rejection(source_key="in/b.txt", acts=(act("close"),))
        superseded = rejection(source_key="in/c.txt", outcome="superseded", is_open=False)
        commit(ledger, document(), revision())
        commit(ledger, None, revision(rev=2, act=act()), current=revision())
        commit(ledger, rejected)
        commit(ledger, superseded)

        count = ledger.expire_texts(since=AT - timedelta(days=1), before=AT + timedelta(microseconds=1))

        assert count == 4
        assert ledger.history("ACME", "INV-1") == (
            revision(rev=2, act=act(), data=None),
            revision(data=None),
        )
        assert ledger.document("in/a.txt", "v1") == document()
        assert ledger.document("in/b.txt", "v1") == replace(rejected, data=None)
        assert ledger.document("in/c.txt", "v1") == replace(superseded, data=None)
        assert ledger.rejections(limit=5, token=None).documents == (replace(rejected, data=None),)

    def test_keeps_what_lies_outside(self, ledger: RealLedger) -> None:
        since, before = AT, AT + timedelta(minutes=10)
        for number, at in enumerate((since - timedelta(microseconds=1), since, before)):
            commit(ledger, rejection(source_key=str(number), recorded_at=at))
            commit(ledger, None, revision(invoice_id=str(number), stored_at=at))

        count = ledger.expire_texts(since=since, before=before)

        assert count == 2
        texts = [ledger.document(str(number), "v1") for number in range(3)]
        assert [each.data if each else "gone" for each in texts] == [TEXT, None, TEXT]
        revisions = [ledger.revision("ACME", str(number)) for number in range(3)]
        assert [each.data if each else "gone" for each in revisions] == [TEXT, None, TEXT]

    def test_is_safe_to_repeat(self, ledger: RealLedger) -> None:
        commit(ledger, document(), revision())

        counts = [ledger.expire_texts(since=AT, before=AT + timedelta(hours=1)) for _ in range(2)]

        assert counts == [1, 0]

    def test_is_not_undone_by_a_change_on_its_way(self, ledger: RealLedger) -> None:
        seen = revision()
        commit(ledger, document(), seen)
        ledger.expire_texts(since=AT, before=AT + timedelta(hours=1))

        answer = ledger.commit(Change(document=None, revision=revision(rev=2), seen=Seen(invoice=seen)))
        if answer is not None:
            commit(ledger, None, revision(rev=2), current=answer.invoice)

        assert ledger.revision("ACME", "INV-1", 1) == revision(data=None)

    def test_is_not_undone_by_a_closing_at_the_same_moment(self, ledger: RealLedger) -> None:
        """`close` reads the rejection, retention drops its text, `close` writes what it has read."""
        commit(ledger, rejection())
        pipeline = Pipeline(
            source=MemoryBucket(), ledger=cast("Ledger", _Expiring(ledger)), sink=MemorySink()
        )
        olga = Operator(who="olga", why="dealt with", at=AT + timedelta(days=90))

        closed = Acts(pipeline=pipeline).close("in/a.txt", "v1", olga)

        found = ledger.document("in/a.txt", "v1")
        assert found == closed
        assert found is not None
        assert (found.data, found.is_open, [each.kind for each in found.acts]) == (None, False, ["close"])


class TestNothingBefore:
    def test_is_the_oldest_document_s_or_revision_s_time(self, ledger: RealLedger) -> None:
        early, earlier = AT - timedelta(hours=5), AT - timedelta(days=400, microseconds=1)
        ledger.save_checkpoint("reconcile", "2026-01-27")
        commit(ledger, rejection())
        commit(ledger, None, revision(invoice_id="1", stored_at=early))

        assert ledger.nothing_before() == early

        commit(ledger, rejection(source_key="old", recorded_at=earlier))

        assert ledger.nothing_before() == earlier

    def test_is_in_the_future_of_an_empty_ledger(self, ledger: RealLedger) -> None:
        assert ledger.nothing_before() == datetime.max.replace(tzinfo=UTC)


class _Expiring:
    """A ledger whose texts are dropped right before the first change is written."""

    def __init__(self, ledger: RealLedger) -> None:
        self._ledger = ledger

    def commit(self, change: Change) -> Seen | None:
        self._ledger.expire_texts(since=AT, before=AT + timedelta(hours=1))
        return self._ledger.commit(change)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)


BURIED = revision(
    rev=3, status="withdrawn", stored_at=ERASE.at, row=b"", csv_key="", data=None, sha256="", act=ERASE
)


def emptied(revision: Revision) -> Revision:
    return replace(revision, row=b"", data=None, sha256="")


class TestErase:
    def fill(self, ledger: RealLedger) -> None:
        """Store two revisions of INV-1, a superseded and a rejected document for it, and others'."""
        commit(ledger, document(), revision())
        commit(ledger, None, revision(rev=2, csv_key="csv/2", act=act()), current=revision())
        commit(ledger, rejection(source_key="in/b.txt"))
        commit(ledger, rejection(version_id="v0", outcome="superseded", is_open=False, reason=None))
        commit(ledger, rejection(source_key="in/c.txt", is_open=False, acts=(act("close"),)))
        commit(
            ledger,
            document(source_key="in/d.txt", invoice_id="INV-10"),
            revision(source_key="in/d.txt", invoice_id="INV-10", csv_key="csv/10"),
        )
        commit(ledger, rejection(source_key="in/e.txt", invoice_id="INV-10"))
        commit(ledger, rejection(source_key="in/f.txt", customer_id="ACME2"))
        commit(ledger, rejection(source_key="in/g.txt", customer_id="", invoice_id=""))

    def test_empties_every_revision_and_leaves_a_tombstone(self, ledger: RealLedger) -> None:
        self.fill(ledger)

        list(ledger.erase("ACME", "INV-1", ERASE))

        assert ledger.history("ACME", "INV-1") == (
            BURIED,
            emptied(revision(rev=2, csv_key="csv/2", act=act())),
            emptied(revision()),
        )
        assert ledger.revision("ACME", "INV-1") == BURIED

    def test_empties_every_document_that_names_it_and_keeps_it_known(self, ledger: RealLedger) -> None:
        self.fill(ledger)
        wordless = Reason(code="no-amount", message="", line=5, column=9)

        list(ledger.erase("ACME", "INV-1", ERASE))

        assert ledger.document("in/a.txt", "v1") == document(sha256="", acts=(ERASE,))
        assert ledger.document("in/b.txt", "v1") == rejection(
            source_key="in/b.txt", data=None, sha256="", is_open=False, reason=wordless, acts=(ERASE,)
        )
        assert ledger.document("in/a.txt", "v0") == rejection(
            version_id="v0",
            outcome="superseded",
            data=None,
            sha256="",
            is_open=False,
            reason=None,
            acts=(ERASE,),
        )
        assert ledger.document("in/c.txt", "v1") == rejection(
            source_key="in/c.txt",
            data=None,
            sha256="",
            is_open=False,
            reason=wordless,
            acts=(act("close"), ERASE),
        )

    def test_yields_what_the_caller_has_to_delete(self, ledger: RealLedger) -> None:
        self.fill(ledger)

        found = set(ledger.erase("ACME", "INV-1", ERASE))

        of_invoice = partial(Erased, customer_id="ACME", invoice_id="INV-1")
        assert found == {
            of_invoice(source_key="in/a.txt", version_id="v1", rev=2, csv_key="csv/2"),
            of_invoice(source_key="in/a.txt", version_id="v1", rev=1, csv_key=revision().csv_key),
            of_invoice(source_key="in/a.txt", version_id="v0"),
            of_invoice(source_key="in/b.txt", version_id="v1"),
            of_invoice(source_key="in/c.txt", version_id="v1"),
        }

    def test_leaves_everything_else(self, ledger: RealLedger) -> None:
        self.fill(ledger)

        list(ledger.erase("ACME", "INV-1", ERASE))

        assert ledger.revision("ACME", "INV-10") == revision(
            source_key="in/d.txt", invoice_id="INV-10", csv_key="csv/10"
        )
        assert ledger.document("in/e.txt", "v1") == rejection(source_key="in/e.txt", invoice_id="INV-10")
        assert ledger.document("in/f.txt", "v1") == rejection(source_key="in/f.txt", customer_id="ACME2")
        assert ledger.open_rejection_count(10) == 3

    def test_takes_all_of_a_customer(self, ledger: RealLedger) -> None:
        self.fill(ledger)

        found = list(ledger.erase("ACME", None, ERASE))

        assert {(each.invoice_id, each.source_key, each.csv_key) for each in found} == {
            ("INV-1", "in/a.txt", "csv/2"),
            ("INV-1", "in/a.txt", revision().csv_key),
            ("INV-1", "in/a.txt", ""),
            ("INV-1", "in/b.txt", ""),
            ("INV-1", "in/c.txt", ""),
            ("INV-10", "in/d.txt", "csv/10"),
            ("INV-10", "in/e.txt", ""),
        }
        assert len(found) == 7
        assert [each.data for each in ledger.current_revisions(customer_id="ACME")] == [None, None]
        assert ledger.document("in/f.txt", "v1") == rejection(source_key="in/f.txt", customer_id="ACME2")

    def test_yields_the_same_and_changes_nothing_when_repeated(self, ledger: RealLedger) -> None:
        self.fill(ledger)
        first = set(ledger.erase("ACME", None, ERASE))
        history, known = ledger.history("ACME", "INV-1"), ledger.document("in/b.txt", "v1")

        second = set(ledger.erase("ACME", None, act("erase", why="again")))

        assert second == first
        assert ledger.history("ACME", "INV-1") == history
        assert ledger.document("in/b.txt", "v1") == known

    @pytest.mark.parametrize("done", range(8))
    def test_goes_on_where_it_was_interrupted(self, ledger: RealLedger, done: int) -> None:
        self.fill(ledger)
        interrupted = ledger.erase("ACME", None, ERASE)
        for _ in range(done):
            next(interrupted)
        del interrupted

        found = list(ledger.erase("ACME", None, ERASE))

        assert len(found) == 7
        assert ledger.history("ACME", "INV-1")[0] == BURIED
        everything = [*ledger.history("ACME", "INV-1"), *ledger.history("ACME", "INV-10")]
        assert {(each.row, each.data, each.sha256) for each in everything} == {(b"", None, "")}
        assert ledger.open_rejection_count(10) == 2

    def test_does_not_let_a_change_on_its_way_bring_the_text_back(self, ledger: RealLedger) -> None:
        commit(ledger, document(), revision())
        late = Change(
            document=document(version_id="v2", rev=2),
            revision=revision(rev=2, version_id="v2"),
            seen=Seen(invoice=revision()),
        )

        list(ledger.erase("ACME", "INV-1", ERASE))
        answer = ledger.commit(late)

        tombstone = replace(BURIED, rev=2)
        assert answer == Seen(document=None, invoice=tombstone)
        assert ledger.history("ACME", "INV-1") == (tombstone, emptied(revision()))

    def test_lets_no_act_make_a_revision_of_an_erased_rejection(self, ledger: RealLedger) -> None:
        commit(ledger, document(), revision())
        commit(ledger, rejection(source_key="in/b.txt"))
        erasing = ledger.erase("ACME", "INV-1", ERASE)
        next(erasing)  # whichever is first: what an operator has seen is no longer what the ledger says
        seen = Seen(document=rejection(source_key="in/b.txt"), invoice=ledger.revision("ACME", "INV-1"))
        assert seen.invoice is not None
        rev = seen.invoice.rev + 1
        accepted = Change(
            document=document(source_key="in/b.txt", rev=rev, acts=(act("accept"),)),
            revision=revision(source_key="in/b.txt", rev=rev, act=act("accept")),
            seen=seen,
        )

        answer = ledger.commit(accepted)
        list(erasing)

        assert answer is not None
        assert {(each.row, each.data) for each in ledger.history("ACME", "INV-1")} == {(b"", None)}

    def test_lets_a_redelivery_find_the_document(self, ledger: RealLedger) -> None:
        commit(ledger, rejection())
        list(ledger.erase("ACME", None, ERASE))

        answer = ledger.commit(Change(document=document(), revision=revision(), seen=Seen()))

        assert answer is not None
        assert answer.document is not None
        assert ledger.revision("ACME", "INV-1") is None

    def test_finds_nothing_to_do_for_a_stranger(self, ledger: RealLedger) -> None:
        self.fill(ledger)

        assert list(ledger.erase("nobody", None, ERASE)) == []
        assert list(ledger.erase("ACME", "INV-2", ERASE)) == []

    def test_wins_against_changes_that_go_on(self, ledger: RealLedger) -> None:
        commit(ledger, document(), revision())

        def reissue() -> int:
            made = 0
            for _ in range(30):
                current = ledger.revision("ACME", "INV-1")
                assert current is not None
                if not current.row:
                    break
                following = replace(current, rev=current.rev + 1)
                change = Change(document=None, revision=following, seen=Seen(invoice=current))
                made += ledger.commit(change) is None
            return made

        race([reissue, lambda: len(list(ledger.erase("ACME", "INV-1", ERASE))), reissue])

        assert {(each.row, each.data) for each in ledger.history("ACME", "INV-1")} == {(b"", None)}


class TestReady:
    def test_says_nothing_when_all_is_well(self, ledger: RealLedger) -> None:
        ledger.ready()
