"""The rejections, one of them, and the acts on one or many."""

import json
from dataclasses import replace
from urllib.parse import urlencode

import pytest
from django.test import Client

from tests.support.invoices import invoice_text
from tests.support.pages import World, client_of

BAD = invoice_text().replace(b"Amount: 100.00", b"Amount: 7,65")


def address(world: World, key: str, path: str = "/rejection") -> str:
    document = world.document(key)
    return f"{path}?{urlencode({'key': key, 'version': document.version_id})}"


def act(
    client: Client, world: World, name: str, *keys: str, why: str = "dealt with", rev: int | None = None
) -> str:
    names = [json.dumps([key, world.document(key).version_id, rev]) for key in keys]
    answer = client.post("/rejections/act", {"act": name, "document": names, "why": why}, follow=True)
    return answer.content.decode()


def upload_unread(world: World, monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    """Upload an invoice that cannot be read when it comes."""

    def unreadable(*_: object) -> None:
        raise RuntimeError("yesterday's bug")

    with monkeypatch.context() as patch:
        patch.setattr(type(world.source), "read", unreadable)
        world.upload(key, invoice_text())


class TestRejections:
    def test_list_the_open_ones_and_count_them_everywhere(self, world: World) -> None:
        world.upload("a.txt", BAD)
        world.upload("b.txt", b"%PDF-1.7")
        operator = client_of("operator")
        act(operator, world, "close", "b.txt")

        opened = operator.get("/rejections").context["rows"]
        every = operator.get("/rejections?which=all").context["rows"]

        assert [document.source_key for document, _ in opened] == ["a.txt"]
        assert sorted(document.source_key for document, _ in every) == ["a.txt", "b.txt"]
        assert 'id="open-rejections">1<' in operator.get("/expenses").content.decode()

    def test_show_a_page_at_a_time(self, world: World) -> None:
        for number in range(30):
            world.upload(f"{number}.txt", BAD)
        viewer = client_of("viewer")

        first = viewer.get("/rejections")
        second = viewer.get(f"/rejections?before={first.context['next_token']}")

        shown = [document.source_key for page in (first, second) for document, _ in page.context["rows"]]
        assert [len(page.context["rows"]) for page in (first, second)] == [25, 5]
        assert sorted(shown) == sorted(f"{number}.txt" for number in range(30))

    def test_say_when_there_is_nothing_to_deal_with(self, world: World) -> None:
        del world
        content = client_of("viewer").get("/rejections").content.decode()

        assert "Nothing to deal with" in content
        assert 'id="open-rejections"' not in content

    def test_offer_a_viewer_no_act(self, world: World) -> None:
        world.upload("a.txt", BAD)
        viewer = client_of("viewer")

        assert 'name="act"' not in viewer.get("/rejections").content.decode()
        assert 'name="act"' not in viewer.get(address(world, "a.txt")).content.decode()


class TestRejection:
    def test_can_be_reprocessed_while_its_bytes_may_still_be_somewhere(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        upload_unread(world, monkeypatch, "unread.txt")
        world.upload("dropped.txt", BAD)
        key = ("dropped.txt", world.document("dropped.txt").version_id)
        world.ledger.documents_by_id[key] = replace(world.document("dropped.txt"), data=None)
        operator = client_of("operator")

        pages = [
            operator.get(address(world, name)).content.decode() for name in ("unread.txt", "dropped.txt")
        ]
        act(operator, world, "reprocess", "unread.txt")

        assert ['value="reprocess"' in page for page in pages] == [True, False]
        assert world.document("unread.txt").outcome == "stored"

    @pytest.mark.parametrize("key", ["message:june.txt", "folder:june.txt", "s3://old/june.txt"])
    def test_of_a_key_that_looks_like_one_of_docprocs_own_can_be_reprocessed(
        self, world: World, monkeypatch: pytest.MonkeyPatch, key: str
    ) -> None:
        upload_unread(world, monkeypatch, key)

        act(client_of("operator"), world, "reprocess", key)

        assert world.document(key).outcome == "stored"

    def test_shows_the_fault_in_its_line(self, world: World) -> None:
        world.upload("a.txt", BAD)

        answer = client_of("viewer").get(address(world, "a.txt"))

        (fault,) = [line for line in answer.context["source"].lines if line.is_fault]
        assert (fault.number, fault.text, fault.before) == (6, "Amount: 7,65", "Amount: ")
        assert "The fault is in column 9." in answer.content.decode()

    def test_shows_a_dump_of_what_is_no_text(self, world: World) -> None:
        world.upload("scan.pdf", b"%PDF-1.7\n\x00\xff")

        (line,) = client_of("viewer").get(address(world, "scan.pdf")).context["source"].lines

        assert line.text == "0000  25 50 44 46 2d 31 2e 37 0a 00 ff" + 17 * " " + "%PDF-1.7..."

    def test_shows_a_conflict_side_by_side(self, world: World) -> None:
        world.upload("a.txt", invoice_text(amount="100.00"))
        world.upload("b.txt", invoice_text(amount="200.00"))

        context = client_of("viewer").get(address(world, "b.txt")).context

        mine = [line.text for line in context["source"].lines if line.is_different]
        theirs = [line.text for line in context["against"].source.lines if line.is_different]
        assert mine == ["Amount: 200.00", "Total: 200.00", "1) Thing, 200.00"]
        assert theirs == ["Amount: 100.00", "Total: 100.00", "1) Thing, 100.00"]
        assert context["can_accept"] is True

    def test_shows_a_newer_version_that_was_stored(self, world: World) -> None:
        world.upload("a.txt", BAD)
        rejected = address(world, "a.txt")
        world.upload("a.txt", invoice_text())

        answer = client_of("viewer").get(rejected)

        assert answer.context["newer"].rev == 1
        assert "A newer version of this key was stored" in answer.content.decode()

    def test_shows_no_older_version_as_newer(self, world: World) -> None:
        world.upload("a.txt", invoice_text())
        world.upload("a.txt", BAD)
        (rejected,) = [each for each in world.ledger.documents_by_id.values() if each.outcome == "rejected"]

        query = urlencode({"key": "a.txt", "version": rejected.version_id})

        assert client_of("viewer").get(f"/rejection?{query}").context["newer"] is None

    def test_gives_the_very_bytes(self, world: World) -> None:
        world.upload("a.txt", b"\x00\xff<script>")

        answer = client_of("viewer").get(address(world, "a.txt", "/rejection/text"))

        assert answer.content == b"\x00\xff<script>"
        assert answer["Content-Disposition"] == 'attachment; filename="rejected.txt"'

    @pytest.mark.parametrize(
        "query",
        ["", "?key=a.txt", "?key=a.txt&version=other", "?key=%00&version=x", f"?key={'k' * 2049}&version=x"],
    )
    def test_is_not_there(self, world: World, query: str) -> None:
        world.upload("a.txt", BAD)

        assert client_of("viewer").get(f"/rejection{query}").status_code == 404


class TestActs:
    def test_accept_lets_a_conflicting_document_win(self, world: World) -> None:
        world.upload("a.txt", invoice_text(amount="100.00"))
        world.upload("b.txt", invoice_text(amount="200.00"))
        operator = client_of("operator")

        content = act(operator, world, "accept", "b.txt", why="the seller confirmed it")

        assert "b.txt: accepted as revision 2 of INV-1." in content
        current = world.ledger.current["C-1", "INV-1"]
        assert (current.rev, current.source_key) == (2, "b.txt")
        assert current.act is not None
        assert (current.act.who, current.act.why) == ("operator-person", "the seller confirmed it")

    def test_accept_is_refused_when_the_page_showed_an_older_revision(self, world: World) -> None:
        world.upload("a.txt", invoice_text(amount="100.00"))
        world.upload("b.txt", invoice_text(amount="200.00"))
        world.upload("c.txt", invoice_text(amount="300.00"))
        act(client_of("operator"), world, "accept", "b.txt", rev=1)

        content = act(client_of("operator"), world, "accept", "c.txt", rev=1)

        assert "somebody else changed this meanwhile" in content
        assert world.ledger.current["C-1", "INV-1"].source_key == "b.txt"

    def test_accept_is_for_conflicts_only(self, world: World) -> None:
        world.upload("a.txt", BAD)

        content = act(client_of("operator"), world, "accept", "a.txt")

        assert "a rejection for bad-amount cannot be accepted" in content
        assert world.document("a.txt").is_open

    def test_many_are_dealt_with_at_once_each_with_its_outcome(self, world: World) -> None:
        world.upload("a.txt", BAD)
        world.upload("b.txt", b"nothing")
        world.upload("c.txt", b"%PDF")
        operator = client_of("operator")

        reprocessed = act(operator, world, "reprocess", "a.txt", "b.txt")
        closed = act(operator, world, "close", "a.txt", "c.txt")

        assert "a.txt: still rejected (bad-amount)." in reprocessed
        assert "b.txt: still rejected (missing-field)." in reprocessed
        assert "a.txt: closed." in closed
        assert [key for key in ("a.txt", "b.txt", "c.txt") if world.document(key).is_open] == ["b.txt"]
        assert world.document("a.txt").attempts == 2

    def test_a_closed_one_is_closed(self, world: World) -> None:
        world.upload("a.txt", BAD)
        operator = client_of("operator")
        act(operator, world, "close", "a.txt")

        content = act(operator, world, "reprocess", "a.txt")

        assert "this rejection is closed already" in content

    def test_want_something_to_act_on(self, world: World) -> None:
        assert "Choose at least one rejection." in act(client_of("operator"), world, "close")

    def test_lead_back_to_their_page_and_nowhere_else(self, world: World) -> None:
        world.upload("a.txt", BAD)
        operator, form = client_of("operator"), {"act": "close", "why": "x"}

        there = operator.post("/rejections/act", form | {"back": "/rejections?which=all"})
        elsewhere = operator.post("/rejections/act", form | {"back": "//evil.example/"})

        assert there["Location"] == "/rejections?which=all"
        assert elsewhere["Location"] == "/rejections"

    @pytest.mark.parametrize(
        "name",
        ["", "x", "[]", '["a"]', "{}", "1", "[" * 200_000, '["","v",null]', f'["{"k" * 2049}","v",null]'],
        ids=lambda name: name[:12],
    )
    def test_refuse_a_form_that_names_no_document(self, world: World, name: str) -> None:
        del world
        answer = client_of("operator").post("/rejections/act", {"act": "close", "document": name, "why": "x"})

        assert answer.status_code == 400
