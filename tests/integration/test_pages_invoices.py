"""Search, one invoice, and the acts on it."""

from itertools import chain
from typing import Any

import pytest
from django.test import Client

from tests.support.invoices import invoice_text
from tests.support.pages import World, client_of

FULL = b"""\
Invoice
Customer-ID: C-1
Inv-ID: INV/2026/1
Dated: 2 Nov 2026
From: Acme Ltd
To: Buyer GmbH
Amount: INR 100.00
CGST: INR 9.00
SGST: INR 9.00
Total: INR 119.00

Items
1) Thing, 60.00, 10.80
2) Other thing, 40.00, 7.20
"""
ADDRESS = "/invoice?customer=C-1&invoice=INV%2F2026%2F1"


def found(client: Client, query: str) -> list[str]:
    return [row[2] for row in client.get(f"/invoices?{query}").context["answer"].rows]


class TestSearch:
    @pytest.fixture
    def viewer(self, world: World) -> Client:
        world.upload("a", FULL)
        world.upload("b", invoice_text("C-2", "B-7", "5.00"))
        world.upload("c", invoice_text("C-1", "B-8", "70.00"))
        return client_of("viewer")

    @pytest.mark.parametrize(
        ("query", "ids"),
        [
            ("", ["B-8", "INV/2026/1", "B-7"]),
            ("text=inv%2F2026", ["INV/2026/1"]),
            ("text=gmbh&customer=C-2", ["B-7"]),
            ("customer=c-2", []),
            ("seller=LTD&least=6", ["B-8", "INV/2026/1"]),
            ('seller="Acme"', []),
            ('seller="Acme Ltd"&most=5.00', ["B-7"]),
            ("finding=*", ["INV/2026/1"]),
            ("finding=total-mismatch", ["INV/2026/1"]),
            ("finding=no-items", []),
            ("from=2026-11-03", []),
            ("currency=INR", ["INV/2026/1"]),
            ("sort=total", ["B-7", "B-8", "INV/2026/1"]),
            ("sort=-total", ["INV/2026/1", "B-8", "B-7"]),
            ("text=%27%3B+DROP+TABLE+expenses+--", []),
        ],
    )
    def test_finds(self, viewer: Client, query: str, ids: list[str]) -> None:
        assert found(viewer, query) == ids

    def test_pages_through_all_of_them_once(self, world: World) -> None:
        for number in range(85):
            world.upload(f"k{number}", invoice_text("C-1", f"N-{number:03d}", "1.00"))
        viewer = client_of("viewer")

        pages = [found(viewer, f"page={page}") for page in (1, 2, 3)]

        assert [len(each) for each in pages] == [40, 40, 5]
        assert sorted(chain(*pages)) == [f"N-{number:03d}" for number in range(85)]
        assert "1\N{EN DASH}40 of 85" in viewer.get("/invoices").content.decode()

    def test_leads_back_from_a_page_beyond_the_last(self, viewer: Client) -> None:
        answer = viewer.get("/invoices?text=B&page=9")

        assert (answer.status_code, answer["Location"]) == (302, "/invoices?text=B")

    def test_says_what_to_do_when_nothing_fits(self, viewer: Client) -> None:
        assert "No invoice fits" in viewer.get("/invoices?text=zebra").content.decode()

    def test_says_what_to_do_when_there_are_none_at_all(self, world: World) -> None:
        del world

        assert "No invoices yet" in client_of("operator").get("/invoices").content.decode()


class TestInvoice:
    def test_shows_each_field_with_the_line_that_it_came_from(self, world: World) -> None:
        world.upload("a", FULL)

        read = client_of("viewer").get(ADDRESS).context["reading"]

        assert {(field.title, field.text, field.line) for field in read.fields} == {
            ("Customer", "C-1", 2),
            ("Invoice", "INV/2026/1", 3),
            ("Issued", "2026-11-02", 4),
            ("Seller", "Acme Ltd", 5),
            ("Buyer", "Buyer GmbH", 6),
            ("Net", "100.00", 7),
            ("CGST", "9.00", 8),
            ("SGST", "9.00", 9),
            ("Taxes", "18.00", 0),
            ("Total", "119.00", 10),
            ("Currency", "INR", 0),
            ("In words", "", 0),
        }
        assert [(item.description, item.line) for item in read.items] == [("Thing", 13), ("Other thing", 14)]

    def test_shows_the_checks_with_what_failed(self, world: World) -> None:
        world.upload("a", FULL)

        checked = client_of("viewer").get(ADDRESS).context["reading"].checked

        outcomes = {check.title: check.outcome for check in checked}
        assert outcomes["Net and taxes make the total"] == "finding"
        assert outcomes["CGST equals SGST and UTGST"] == "pass"
        assert outcomes["IGST stands alone"] == "none"
        assert [f.code for check in checked for f in check.findings] == ["total-mismatch"]

    def test_shows_what_a_later_upload_changed(self, world: World) -> None:
        world.upload("a", FULL)
        world.upload("a", FULL.replace(b"119.00", b"118.00"))

        answer = client_of("viewer").get(ADDRESS)

        newest, first = answer.context["steps"]
        assert (newest.revision.rev, first.revision.rev) == (2, 1)
        assert [(each.title, each.before, each.after) for each in newest.differences] == [
            ("Total", "119.00", "118.00"),
            ("Findings", "total-mismatch", ""),
        ]

    def test_shows_an_earlier_revision(self, world: World) -> None:
        world.upload("a", FULL)
        world.upload("a", FULL.replace(b"119.00", b"118.00"))

        content = client_of("operator").get(ADDRESS + "&rev=1").content.decode()

        assert "This is an earlier revision" in content
        assert "119.00" in content
        assert 'id="act"' not in content

    def test_gives_the_very_bytes(self, world: World) -> None:
        world.upload("a", b"\xef\xbb\xbf" + FULL.replace(b"\n", b"\r\n"))

        answer = client_of("viewer").get("/invoice/text?customer=C-1&invoice=INV%2F2026%2F1")

        assert answer.content == b"\xef\xbb\xbf" + FULL.replace(b"\n", b"\r\n")
        assert answer["Content-Type"] == "application/octet-stream"
        assert answer["Content-Disposition"] == 'attachment; filename="invoice-r000001.txt"'
        assert answer["Content-Security-Policy"] == "sandbox; default-src 'none'"

    @pytest.mark.parametrize(
        ("address", "status"),
        [
            ("/invoice?customer=C-1&invoice=nothing", 404),
            (ADDRESS + "&rev=2", 404),
            (ADDRESS + "&rev=x", 400),
            ("/invoice", 400),
            ("/invoice/text?customer=C-1&invoice=INV%2F2026%2F1&rev=9", 404),
        ],
    )
    def test_is_not_there(self, world: World, address: str, status: int) -> None:
        world.upload("a", FULL)

        assert client_of("viewer").get(address).status_code == status


def act(client: Client, name: str, rev: int = 1, why: str = "sent twice") -> Any:
    form = {"act": name, "customer": "C-1", "invoice": "INV/2026/1", "rev": str(rev), "why": why}
    return client.post("/invoice/act", form, follow=True)


class TestActs:
    def test_withdraw_and_restore_with_who_and_why(self, world: World) -> None:
        world.upload("a", FULL)
        operator = client_of("operator")

        withdrawn = act(operator, "withdraw").content.decode()
        gone = found(operator, "")
        restored = act(operator, "restore", rev=2, why="  it was\nright after all ").content.decode()

        assert "Withdrawn: since revision 2 this invoice is no expense any more." in withdrawn
        assert gone == []
        assert "Restored: revision 3 counts as an expense again." in restored
        assert found(operator, "") == ["INV/2026/1"]
        kept = [each.act for each in world.ledger.history("C-1", "INV/2026/1")]
        assert [(each.kind, each.who, each.why) for each in kept if each] == [
            ("restore", "operator-person", "it was right after all"),
            ("withdraw", "operator-person", "sent twice"),
        ]

    def test_are_refused_on_a_revision_that_is_no_longer_the_current_one(self, world: World) -> None:
        world.upload("a", FULL)
        world.upload("a", FULL.replace(b"119.00", b"118.00"))

        content = act(client_of("operator"), "withdraw", rev=1).content.decode()

        assert "Somebody else changed this meanwhile" in content
        assert world.ledger.current["C-1", "INV/2026/1"].status == "active"

    @pytest.mark.parametrize("why", ["", "   "])
    def test_want_a_reason(self, world: World, why: str) -> None:
        world.upload("a", FULL)

        content = act(client_of("operator"), "withdraw", why=why).content.decode()

        assert "Write down why" in content
        assert world.ledger.current["C-1", "INV/2026/1"].rev == 1

    def test_reprocess_says_when_nothing_changed(self, world: World) -> None:
        world.upload("a", FULL)

        content = act(client_of("operator"), "reprocess").content.decode()

        assert "Today&#x27;s parser reads the same, so nothing changed." in content

    def test_know_no_others(self, world: World) -> None:
        world.upload("a", FULL)

        assert act(client_of("operator"), "burn").status_code == 400

    @pytest.mark.parametrize("name", ["", "x" * 201])
    def test_want_an_invoice(self, world: World, name: str) -> None:
        del world
        form = {"act": "withdraw", "customer": name, "invoice": "A", "rev": "1", "why": "x"}

        assert client_of("operator").post("/invoice/act", form).status_code == 400

    def test_are_not_by_link(self, world: World) -> None:
        del world

        assert client_of("operator").get("/invoice/act").status_code == 405
