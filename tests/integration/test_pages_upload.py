"""Upload: what the form lets through, and the fates of the files."""

import re
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client

from api.pages.sample import sample_text
from invoice_parser import parse
from tests.support.invoices import invoice_text
from tests.support.pages import World, client_of


def batch_of(client: Client) -> str:
    return parse_qs(urlsplit(client.get("/upload")["Location"]).query)["batch"][0]


class TestUpload:
    def test_gives_each_visit_a_prefix_of_its_own(self, world: World) -> None:
        del world
        operator = client_of("operator")

        first, second = batch_of(operator), batch_of(operator)

        assert first != second
        assert re.fullmatch(r"\d{4}-\d\d-\d\d/[0-9a-f]{12}-operator-person", first)

    def test_signs_for_that_prefix_only(self, world: World) -> None:
        del world
        operator = client_of("operator")
        batch = batch_of(operator)

        context = operator.get("/upload", {"batch": batch}).context

        assert context["form"].fields["key"] == f"uploads/{batch}/${{filename}}"
        assert context["pasted"].fields["key"] == f"uploads/{batch}/pasted.txt"
        assert urlsplit(context["form"].fields["redirect"]).path == "/upload"
        assert context["script_form"].fields["redirect"] == ""

    @pytest.mark.parametrize(
        "batch",
        [
            "2026-11-21/0123456789ab-somebody-else",
            "../2026-11-21/0123456789ab-operator-person",
            "2026-11-21/0123456789ab/x-operator-person",
            "x-operator-person",
        ],
    )
    def test_shows_nobody_elses_files(self, world: World, batch: str) -> None:
        del world
        answer = client_of("operator").get("/upload", {"batch": batch})

        assert answer.status_code == 302
        assert batch not in answer["Location"]

    def test_shows_what_became_of_each_file(self, world: World) -> None:
        operator = client_of("operator")
        batch = batch_of(operator)
        now = datetime.now(UTC)
        world.upload(f"uploads/{batch}/good.txt", invoice_text())
        world.upload(f"uploads/{batch}/bad.txt", b"nothing")
        world.source.put(f"uploads/{batch}/new.txt", invoice_text(invoice_id="NEW"), at=now)
        world.source.put(
            f"uploads/{batch}/old.txt", invoice_text(invoice_id="OLD"), at=now - timedelta(minutes=6)
        )
        world.upload("elsewhere/other.txt", invoice_text(invoice_id="OTHER"))

        answer = operator.get("/upload", {"batch": batch})

        fates = {fate.name: fate.state for fate in answer.context["fates"]}
        assert fates == {"good.txt": "stored", "bad.txt": "rejected", "new.txt": "waiting", "old.txt": "late"}
        assert answer.context["is_waiting"] is True
        assert 'data-hx-trigger="every 1s"' in answer.content.decode()

    def test_stops_asking_when_every_file_has_its_outcome(self, world: World) -> None:
        operator = client_of("operator")
        batch = batch_of(operator)
        world.upload(f"uploads/{batch}/good.txt", invoice_text())

        content = operator.get("/upload", {"batch": batch}).content.decode()

        assert 'data-hx-trigger="every 1s"' not in content
        assert "http-equiv" not in content


class TestSample:
    def test_passes_every_check(self) -> None:
        invoice = parse(sample_text("0123456789ab", datetime(2026, 11, 21, tzinfo=UTC).date()).encode())

        assert invoice.findings == ()
        assert (invoice.invoice_id, str(invoice.total_amount)) == ("sample-0123456789ab", "8150.00")
