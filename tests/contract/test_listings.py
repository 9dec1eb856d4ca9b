"""What the ledgers list: rejections, recent documents, revisions of an hour, all current ones."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from api.records import Change, Document, Page, Revision, Seen
from tests.support.ledgers import RealLedger
from tests.support.records import AT, act, document, rejection, revision

NO_TOKENS = [
    "",
    " ",
    "x",
    "None",
    "9",
    "2026-01-27T10:11:12",
    "2026-13-45T99:99:99.000000Z",
    "2026-13-45T99:99:99.000000+00:00#1",
    "'; DROP TABLE document; --",
    "\0",
    "😀" * 2_000,
]


def put(ledger: RealLedger, *documents: Document) -> None:
    for each in documents:
        assert ledger.commit(Change(document=each, revision=None, seen=Seen())) is None


def grow(ledger: RealLedger, *revisions: Revision) -> None:
    seen = Seen()
    for each in revisions:
        assert ledger.commit(Change(document=None, revision=each, seen=seen)) is None
        seen = Seen(invoice=each)


def names(page: Page) -> list[str]:
    return [each.source_key for each in page.documents]


def all_pages(turn: Callable[[str | None], Page], most: int) -> list[str]:
    """Return the names of every page in order; no page may be longer than `most`."""
    token, found = None, list[str]()
    for _ in range(200):
        page = turn(token)
        assert len(page.documents) <= most
        found += names(page)
        token = page.next_token
        if token is None:
            return found
    pytest.fail("the pages do not end")


class TestRejections:
    def test_come_newest_first_without_their_texts(self, ledger: RealLedger) -> None:
        old, new = rejection(), rejection(source_key="in/b.txt", recorded_at=AT + timedelta(hours=30))
        put(ledger, new, old)

        page = ledger.rejections(limit=10, token=None)

        assert page == Page(documents=(replace(new, data=None), replace(old, data=None)), next_token=None)

    def test_come_in_pages(self, ledger: RealLedger) -> None:
        put(
            ledger,
            *(rejection(source_key=f"{n:02}", recorded_at=AT + timedelta(minutes=n)) for n in range(25)),
        )

        found = all_pages(lambda token: ledger.rejections(limit=4, token=token), 4)

        assert found == [f"{n:02}" for n in range(24, -1, -1)]

    def test_of_one_instant_come_once_each(self, ledger: RealLedger) -> None:
        put(ledger, *(rejection(source_key=f"{n:02}") for n in range(25)))

        found = all_pages(lambda token: ledger.rejections(limit=1, token=token), 1)

        assert sorted(found) == [f"{n:02}" for n in range(25)]

    def test_end_where_the_last_page_is_full(self, ledger: RealLedger) -> None:
        put(ledger, rejection(source_key="1"), rejection(source_key="2"))

        assert ledger.rejections(limit=2, token=None).next_token is None

    def test_are_not_what_was_stored_or_superseded(self, ledger: RealLedger) -> None:
        put(ledger, document(), document(source_key="in/b.txt", outcome="superseded", data=b"x"))

        assert ledger.rejections(limit=10, token=None).documents == ()
        assert ledger.rejections(limit=10, token=None, open_only=False).documents == ()
        assert ledger.open_rejection_count(10) == 0

    def test_leave_the_open_ones_when_closed(self, ledger: RealLedger) -> None:
        put(ledger, rejection(), rejection(source_key="in/b.txt", recorded_at=AT + timedelta(seconds=1)))
        closed = rejection(is_open=False, acts=(act("close"),))

        ledger.commit(Change(document=closed, revision=None, seen=Seen(document=rejection())))

        assert names(ledger.rejections(limit=10, token=None)) == ["in/b.txt"]
        everything = ledger.rejections(limit=10, token=None, open_only=False)
        assert names(everything) == ["in/b.txt", "in/a.txt"]
        assert everything.documents[1] == replace(closed, data=None)

    def test_are_none_any_more_when_accepted(self, ledger: RealLedger) -> None:
        put(ledger, rejection())
        accepted = document(acts=(act("accept"),))

        ledger.commit(Change(document=accepted, revision=revision(), seen=Seen(document=rejection())))

        assert ledger.rejections(limit=10, token=None, open_only=False).documents == ()

    def test_mix_open_and_closed_ones_in_the_order_of_time(self, ledger: RealLedger) -> None:
        put(
            ledger,
            *(
                rejection(source_key=f"{n:02}", recorded_at=AT + timedelta(minutes=n), is_open=n % 2 == 0)
                for n in range(9)
            ),
        )

        found = all_pages(lambda token: ledger.rejections(limit=2, token=token, open_only=False), 2)

        assert found == [f"{n:02}" for n in range(8, -1, -1)]

    def test_begin_anew_with_a_token_that_is_none(self, ledger: RealLedger) -> None:
        put(ledger, rejection())

        pages = [ledger.rejections(limit=10, token=token) for token in NO_TOKENS]

        assert [names(page) for page in pages] == [["in/a.txt"]] * len(NO_TOKENS)

    @pytest.mark.parametrize(("limit", "count"), [(1, 1), (6, 6), (7, 7), (8, 7), (1_000, 7)])
    def test_are_counted_up_to_a_limit(self, ledger: RealLedger, limit: int, count: int) -> None:
        put(ledger, *(rejection(source_key=str(n)) for n in range(7)), rejection(is_open=False))

        assert ledger.open_rejection_count(limit) == count


NOW = datetime(2026, 1, 27, 10, 30, tzinfo=UTC)


class TestRecentDocuments:
    def test_come_newest_first_whatever_became_of_them(self, ledger: RealLedger) -> None:
        stored = document(recorded_at=NOW)
        rejected = rejection(source_key="in/b.txt", recorded_at=NOW - timedelta(hours=1))
        superseded = rejection(
            source_key="in/c.txt", recorded_at=NOW - timedelta(hours=2), outcome="superseded", is_open=False
        )
        put(ledger, rejected, stored, superseded)

        page = ledger.recent_documents(now=NOW, limit=3, token=None)

        assert page.documents == (stored, replace(rejected, data=None), replace(superseded, data=None))

    def test_come_in_pages_over_hours_and_days(self, ledger: RealLedger) -> None:
        hours = [0, 0.1, 0.2, 1, 1.1, 2, 23, 24, 25, 26, 73, 73.1, 100, 167]
        put(
            ledger,
            *(document(source_key=str(hour), recorded_at=NOW - timedelta(hours=hour)) for hour in hours),
        )

        found = all_pages(lambda token: ledger.recent_documents(now=NOW, limit=3, token=token), 3)

        assert found == [str(hour) for hour in hours]

    def test_of_one_instant_come_once_each(self, ledger: RealLedger) -> None:
        put(ledger, *(document(source_key=f"{n:02}", recorded_at=NOW) for n in range(25)))

        found = all_pages(lambda token: ledger.recent_documents(now=NOW, limit=2, token=token), 2)

        assert sorted(found) == [f"{n:02}" for n in range(25)]

    def test_end_a_week_ago(self, ledger: RealLedger) -> None:
        edge = datetime(2026, 1, 20, 10, 0, tzinfo=UTC)
        put(
            ledger,
            document(source_key="in", recorded_at=edge),
            document(source_key="out", recorded_at=edge - timedelta(microseconds=1)),
        )

        assert all_pages(lambda token: ledger.recent_documents(now=NOW, limit=3, token=token), 3) == ["in"]

    def test_of_a_clock_that_is_ahead_within_the_hour_are_there(self, ledger: RealLedger) -> None:
        put(ledger, document(recorded_at=NOW + timedelta(minutes=1)))

        assert names(ledger.recent_documents(now=NOW, limit=3, token=None)) == ["in/a.txt"]

    def test_begin_anew_with_a_token_that_is_none(self, ledger: RealLedger) -> None:
        put(ledger, document(recorded_at=NOW))

        pages = [ledger.recent_documents(now=NOW, limit=1, token=token) for token in NO_TOKENS]

        assert [names(page) for page in pages] == [["in/a.txt"]] * len(NO_TOKENS)


class TestDocuments:
    def test_are_found_in_one_go_without_their_texts(self, ledger: RealLedger) -> None:
        put(ledger, rejection(), document(source_key="in/b.txt"))
        ids = [("in/a.txt", "v1"), ("in/b.txt", "v1"), ("in/a.txt", "v1"), ("in/a.txt", "v2")]

        assert ledger.documents(ids) == {
            ("in/a.txt", "v1"): rejection(data=None),
            ("in/b.txt", "v1"): document(source_key="in/b.txt"),
        }
        assert ledger.documents([]) == {}

    def test_are_found_by_the_hundred(self, ledger: RealLedger) -> None:
        ids = [(f"in/{n}.txt", "v1") for n in range(205)]
        put(ledger, *(document(source_key=key) for key, _ in ids[::5]))

        assert sorted(ledger.documents(ids)) == sorted(ids[::5])


class TestRevisionsStored:
    def test_are_all_of_the_hour_current_and_replaced(self, ledger: RealLedger) -> None:
        first, second = revision(), revision(rev=2, stored_at=AT + timedelta(minutes=1))
        later = revision(rev=3, stored_at=AT + timedelta(hours=1))
        other = revision(invoice_id="INV-2", stored_at=datetime(2026, 1, 27, 10, tzinfo=UTC))
        earlier = revision(invoice_id="INV-3", stored_at=datetime(2026, 1, 27, 9, 59, 59, 999_999, UTC))
        grow(ledger, first, second, later)
        grow(ledger, other)
        grow(ledger, earlier)

        found = {(each.invoice_id, each.rev): each for each in ledger.revisions_stored(AT)}

        assert found == {("INV-1", 1): first, ("INV-1", 2): second, ("INV-2", 1): other}
        assert list(ledger.revisions_stored(AT + timedelta(hours=1))) == [later]
        assert list(ledger.revisions_stored(AT + timedelta(hours=2))) == []


class TestNewestStoredAt:
    def test_is_the_time_of_the_hours_last_revision(self, ledger: RealLedger) -> None:
        grow(ledger, revision(), revision(rev=2, stored_at=AT + timedelta(minutes=9)))
        for minute in range(6):  # over every shard
            grow(ledger, revision(invoice_id=f"INV-{minute + 2}", stored_at=AT + timedelta(minutes=minute)))

        assert ledger.newest_stored_at(AT) == AT + timedelta(minutes=9)

    def test_is_none_in_an_hour_without_revisions(self, ledger: RealLedger) -> None:
        grow(ledger, revision())

        assert ledger.newest_stored_at(AT + timedelta(hours=1)) is None
        assert ledger.newest_stored_at(AT - timedelta(hours=1)) is None


class TestCurrentRevisions:
    def test_are_the_highest_of_every_invoice(self, ledger: RealLedger) -> None:
        second = revision(rev=2, status="withdrawn")
        elsewhere = revision(customer_id="BETA")
        grow(ledger, revision(), second)
        grow(ledger, elsewhere)

        found = sorted(ledger.current_revisions(), key=lambda each: each.customer_id)

        assert found == [second, elsewhere]
        assert list(ledger.current_revisions(customer_id="BETA")) == [elsewhere]
        assert list(ledger.current_revisions(customer_id="nobody")) == []

    def test_come_once_each_by_the_hundred_as_do_those_of_an_hour(self, ledger: RealLedger) -> None:
        numbers = [str(number) for number in range(205)]
        for number in numbers:
            grow(ledger, revision(invoice_id=number))

        current = [each.invoice_id for each in ledger.current_revisions()]
        stored = [each.invoice_id for each in ledger.revisions_stored(AT)]

        assert sorted(current) == sorted(numbers)
        assert sorted(stored) == sorted(numbers)


class TestHistory:
    def test_is_newest_first(self, ledger: RealLedger) -> None:
        chain = [revision()] + [revision(rev=rev, act=act("withdraw")) for rev in range(2, 13)]
        grow(ledger, *chain)
        grow(ledger, revision(invoice_id="INV-10"))

        assert ledger.history("ACME", "INV-1") == tuple(reversed(chain))

    def test_is_empty_for_an_unknown_invoice(self, ledger: RealLedger) -> None:
        assert ledger.history("ACME", "INV-1") == ()
