"""The overview and the reports."""

from datetime import UTC, datetime, timedelta

import pytest

from api import wiring
from api.ports import TemporaryFailure
from api.reports.queries import REPORTS
from tests.support.invoices import invoice_text
from tests.support.pages import Queries, World, client_of


class TestOverview:
    def test_says_what_to_do_when_nothing_came_yet(self, world: World) -> None:
        del world
        content = client_of("operator").get("/").content.decode()

        assert "Nothing came in since <time" in content
        assert "manage.py reconcile" in content

    def test_counts_the_last_documents_by_outcome(self, world: World) -> None:
        world.upload("a", invoice_text())
        world.upload("b", invoice_text())
        world.upload("c", b"nothing")

        beat = client_of("viewer").get("/").context["pulse"]

        assert (beat.received, beat.stored, beat.rejected, beat.superseded) == (3, 1, 2, 0)

    def test_counts_a_day_and_says_since_when(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        for key in "abc":
            world.upload(key, invoice_text(invoice_id=key))
        viewer = client_of("viewer")

        day = viewer.get("/").context["pulse"]
        monkeypatch.setattr("api.pages.overview.SAMPLE", 2)
        cut = viewer.get("/")

        hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
        assert (day.received, day.is_cut, day.since) == (3, False, hour - timedelta(hours=23))
        assert (cut.context["pulse"].received, cut.context["pulse"].is_cut) == (2, True)
        assert "the last ones, since <time" in cut.content.decode()

    def test_counts_a_busy_day_again_only_after_some_seconds(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("api.pages.overview._FEW", 1)
        viewer = client_of("viewer")
        received, listed = [], []
        for key in "abc":
            world.upload(key, invoice_text(invoice_id=key))
            context = viewer.get("/").context
            received.append(context["pulse"].received)
            listed.append(context["documents"][0].source_key)

        assert received == [1, 2, 2]
        assert listed == ["a", "b", "c"]

    def test_shows_the_last_balance(self, world: World) -> None:
        at = datetime(2026, 11, 21, 10, tzinfo=UTC)
        world.ledger.save_checkpoint(
            "balance",
            f'{{"at": "{at.isoformat()}", "versions": 12, "earlier": 0, "stored": 9, "superseded": 1,'
            ' "rejected": 1, "pending": 1, "processed": 0, "repaired": 0, "failures": 0}',
        )

        content = client_of("viewer").get("/").content.decode()

        assert "1 wait for their outcome" in content
        assert "2026-11-21 10:00:00 UTC" in content

    @pytest.mark.parametrize(
        ("waiting", "state", "word"),
        [(0, "good", "empty"), (3, "warn", "3 waiting"), (None, "bad", "no answer")],
    )
    def test_tells_the_health_of_the_queue(
        self, world: World, waiting: int | None, state: str, word: str
    ) -> None:
        world.letters.waiting = waiting

        health = {part.name: part for part in client_of("viewer").get("/").context["health"]}

        assert (health["Dead-letter queue"].state, health["Dead-letter queue"].word) == (state, word)

    @pytest.mark.parametrize(
        ("age", "state"), [(timedelta(minutes=31), "good"), (timedelta(hours=3), "warn")]
    )
    def test_tells_the_age_of_compaction(
        self, world: World, monkeypatch: pytest.MonkeyPatch, age: timedelta, state: str
    ) -> None:
        del world
        # Athena gives times as texts.
        at = (datetime.now(UTC) - age).replace(tzinfo=None).isoformat(sep=" ", timespec="milliseconds")
        queries = Queries(state="done", rows=((at, "2026-11-21-00"),))
        monkeypatch.setattr(wiring, "background_reports", lambda: queries)
        monkeypatch.setattr("api.pages.overview._spending", lambda *_: {"spending": None})

        health = {part.name: part for part in client_of("viewer").get("/").context["health"]}

        assert health["Compaction"].state == state

    def test_is_a_page_that_says_so_when_the_ledger_is_out_of_reach(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(**_: object) -> None:
            raise TemporaryFailure("dynamodb", "Query", "ThrottlingException", "wait a little")

        monkeypatch.setattr(world.ledger.__class__, "recent_documents", lambda *_, **__: fail())

        answer = client_of("viewer").get("/")

        assert (answer.status_code, answer["Retry-After"]) == (503, "5")
        assert "dynamodb Query: ThrottlingException (wait a little)" in answer.content.decode()


class TestReports:
    def test_are_all_listed(self, world: World) -> None:
        del world
        content = client_of("viewer").get("/reports").content.decode()

        assert len(REPORTS) > 10
        for name in REPORTS:
            assert f'href="/reports/{name}"' in content

    @pytest.mark.parametrize("name", REPORTS)
    def test_are_shown_and_downloaded(self, world: World, name: str) -> None:
        world.upload("a", invoice_text())
        viewer = client_of("viewer")

        page, file = viewer.get(f"/reports/{name}"), viewer.get(f"/reports/{name}.csv")

        assert page.status_code == 200
        assert page.context["answer"].state == "done"
        header = b"".join(file).decode().splitlines()[0]
        assert header == ",".join(column.name for column in REPORTS[name].columns)

    def test_take_their_parameters(self, world: World) -> None:
        world.upload("a", invoice_text(invoice_id="A"))
        world.upload("b", invoice_text(customer_id="C-2", invoice_id="B"))

        context = client_of("viewer").get("/reports/invoices?customer=C-2&limit=5").context

        assert [row[2] for row in context["answer"].rows] == ["B"]

    def test_say_that_they_are_cut(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("api.pages.reports.ROWS_PER_PAGE", 2)
        for key in "abcd":
            world.upload(key, invoice_text(invoice_id=key))
        viewer = client_of("viewer")

        cut = viewer.get("/reports/invoices?limit=3").content.decode()
        whole = viewer.get("/reports/invoices?limit=5").content.decode()
        places = viewer.get("/reports/top-invoices?limit=4").content.decode()

        said = "3 rows: cut at the limit, there may be more. The files stop there too; raise the limit"
        assert said in cut
        assert "2 of the first 3<" in cut
        assert "<small>at most 3 rows</small>" in cut
        assert "cut at" not in whole + places
        assert "2 of 4<" in whole
        assert "2 of 4<" in places
        assert "at most 5 rows" in whole
        assert "<small>at most" not in places

    def test_say_that_the_files_of_a_long_one_are_cut(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("api.pages.reports.ROWS_PER_PAGE", 1)
        monkeypatch.setattr("api.pages.answers.MAX_ROWS", 2)
        for key in "abcd":
            world.upload(key, invoice_text(invoice_id=key))

        content = client_of("viewer").get("/reports/invoices?limit=3").content.decode()

        assert "Only the first 2 rows are shown; the files have more, up to the limit of 3." in content
        assert "1 of the first 2<" in content

    def test_name_the_limit_that_holds_if_none_is_given(self, world: World) -> None:
        del world
        content = client_of("viewer").get("/reports/line-items").content.decode()

        assert "<label>At most so many rows, 1000 if not given<input" in content
        assert "<small>at most 1,000 rows</small>" in content

    @pytest.mark.parametrize(("currency", "ids"), [("", ["A", "B"]), ("none", ["A"]), ("INR", ["B"])])
    def test_take_a_currency_or_none_or_all(self, world: World, currency: str, ids: list[str]) -> None:
        world.upload("a", invoice_text(invoice_id="A"))
        world.upload("b", invoice_text(invoice_id="B", amount="INR 100.00"))

        answer = client_of("viewer").get("/reports/invoices", {"currency": currency})

        assert [row[2] for row in answer.context["answer"].rows] == ids
        assert (
            "<label>The currency; &quot;none&quot; for invoices that name none"
            f'<input name="currency" value="{currency}"' in answer.content.decode()
        )

    def test_lead_to_the_invoice(self, world: World) -> None:
        world.upload("a", invoice_text(invoice_id="A/1"))

        content = client_of("viewer").get("/reports/top-invoices").content.decode()

        assert 'href="/invoice?customer=C-1&amp;invoice=A%2F1"' in content

    @pytest.mark.parametrize(
        ("address", "status"),
        [("/reports/none", 404), ("/reports/invoices?limit=x", 400), ("/reports/tax-summary.exe", 404)],
    )
    def test_are_not_there(self, world: World, address: str, status: int) -> None:
        del world

        assert client_of("viewer").get(address).status_code == status
