"""The expenses page and its files, against sums made by hand."""

import csv
import io
import zipfile
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from api import wiring
from api.pages import answers
from api.reports.report import ReportFailed
from tests.support.pages import Queries, World, client_of


def text(
    number: str, day: str, net: str, tax: str, total: str, seller: str = "Acme", sign: str = "INR"
) -> bytes:
    return (
        f"Customer-ID: C-1\nInv-ID: {number}\nDated: {day}\nFrom: {seller}\nTo: Buyer\n"
        f"Amount: {sign} {net}\nIGST: {sign} {tax}\nTotal: {sign} {total}\nItems\n1) Thing, {net}, {tax}\n"
    ).encode()


@pytest.fixture
def viewer(world: World) -> Client:
    """Return a viewer's browser; November 2026 has four invoices."""
    world.upload("a", text("A", "2026-11-02", "100.00", "18.00", "118.00"))
    world.upload("b", text("B", "2026-11-02", "200.00", "36.00", "236.00", "=Formula & Sons"))
    world.upload("c", text("C", "2026-11-10", "1234567.00", "0.10", "1234567.10"))
    world.upload("d", text("D", "2026-11-03", "50.00", "0.00", "50.00", sign="USD"))
    return client_of("viewer")


NOVEMBER = "from=2026-11-01&to=2026-11-30"


def page(client: Client, query: str, language: str = "en") -> Any:
    return client.get(f"/expenses?{query}", headers={"Accept-Language": language})


def rows(client: Client, query: str) -> list[list[str]]:
    answer = client.get(f"/expenses.csv?{query}")
    return list(csv.reader(io.StringIO(b"".join(answer).decode())))


class TestExpenses:
    def test_sum_up_the_currency_with_the_most_invoices(self, viewer: Client) -> None:
        context = page(viewer, NOVEMBER).context

        total = context["total"]
        assert context["shown"].currency == "INR"
        assert (total.invoices, total.net, total.tax, total.total) == (
            3,
            Decimal("1234867.00"),
            Decimal("54.10"),
            Decimal("1234921.10"),
        )
        assert [(line.label, line.invoices, line.total) for line in context["shown"].lines] == [
            ("2026-11-02", 2, Decimal("354.00")),
            ("2026-11-10", 1, Decimal("1234567.10")),
        ]

    def test_never_add_across_currencies(self, viewer: Client) -> None:
        context = page(viewer, NOVEMBER + "&currency=USD").context

        assert (context["total"].invoices, context["total"].total) == (1, Decimal("50.00"))

    @pytest.mark.parametrize(
        ("language", "shown"),
        [
            ("en", "1,234,567.10"),
            ("de", "1.234.567,10"),
            ("en-IN,en;q=0.5", "12,34,567.10"),
            ("hi", "12,34,567.10"),
            ("xx", "1,234,567.10"),
        ],
    )
    def test_group_amounts_as_the_readers_country_does(
        self, viewer: Client, language: str, shown: str
    ) -> None:
        assert f">{shown}</td>" in page(viewer, NOVEMBER, language).content.decode()

    def test_draw_a_bar_for_each_day_also_for_the_empty_ones(self, viewer: Client) -> None:
        chart = page(viewer, NOVEMBER).context["chart"]

        assert len(chart.bars) == 30
        second = chart.bars[1].point
        assert second.title == "2026-11-02: 354.00 INR, 2 invoices"
        assert second.href == "/invoices?from=2026-11-02&to=2026-11-02&currency=INR"

    def test_lead_from_a_sellers_bar_to_that_seller_alone(self, viewer: Client) -> None:
        context = page(viewer, NOVEMBER + "&group=seller").context

        hrefs = {line.label: href for line, href in context["rows"]}
        assert hrefs["=Formula & Sons"] == (
            "/invoices?from=2026-11-01&to=2026-11-30&seller=%22%3DFormula+%26+Sons%22&currency=INR"
        )
        found = viewer.get(hrefs["=Formula & Sons"]).context["answer"].rows
        assert [row[2] for row in found] == ["B"]

    def test_cut_a_week_at_the_ends_of_the_range(self, viewer: Client) -> None:
        context = page(viewer, "from=2026-11-03&to=2026-11-11&group=week").context

        assert [href for _, href in context["rows"]] == [
            "/invoices?from=2026-11-09&to=2026-11-11&currency=INR"
        ]

    def test_turn_days_into_weeks_and_weeks_into_months_when_there_are_too_many(self, viewer: Client) -> None:
        year = page(viewer, "from=2026-01-01&to=2026-12-31")
        decade = page(viewer, "from=2016-01-01&to=2026-12-31&group=week")

        assert year.context["asked"].group == "week"
        assert "So many days are too many" in year.content.decode()
        assert decade.context["asked"].group == "month"

    def test_sort_by_any_column_either_way(self, viewer: Client) -> None:
        up = page(viewer, NOVEMBER + "&sort=total").context["shown"].lines
        down = page(viewer, NOVEMBER + "&sort=-total").context["shown"].lines

        assert [line.label for line in up] == ["2026-11-02", "2026-11-10"]
        assert [line.label for line in down] == ["2026-11-10", "2026-11-02"]

    def test_show_the_last_thirty_days_unless_told_otherwise(self, viewer: Client) -> None:
        today = datetime.now(UTC).date()

        asked = page(viewer, "").context["asked"].range

        assert (asked.first, asked.last) == (today - timedelta(days=29), today)

    def test_say_what_to_do_when_there_is_nothing(self, viewer: Client) -> None:
        content = page(viewer, "from=2001-01-01&to=2001-01-31").content.decode()

        assert "No invoices here" in content
        assert 'href="?from=&amp;to="' in content

    def test_show_the_sql_and_when_it_was_asked(self, viewer: Client) -> None:
        content = page(viewer, NOVEMBER).content.decode()

        assert "issue_date BETWEEN DATE &#x27;2026-11-01&#x27; AND DATE &#x27;2026-11-30&#x27;" in content
        assert "fresh as of <time" in content

    @pytest.mark.parametrize(
        ("query", "sentence"),
        [
            (
                "from=2026-02-01&to=2026-01-01",
                "from is 2026-02-01 and to is 2026-01-01: nothing lies between; swap them.",
            ),
            ("from=2026-02-30", "from: &#x27;2026-02-30&#x27; is not a date: write YYYY-MM-DD."),
            ("group=galaxy", "group: &#x27;galaxy&#x27; is not one of"),
            ("page=0", "page: &#x27;0&#x27; is not a whole number"),
            ("sort=1%3BDROP", "sort: &#x27;1;DROP&#x27; is not one of"),
            ("customer=" + "x" * 201, "customer: more than 200 characters"),
            ("seller=" + "x" * 2001, "seller: more than 2000 characters"),
        ],
    )
    def test_say_what_is_wrong_with_an_address(self, viewer: Client, query: str, sentence: str) -> None:
        answer = page(viewer, query)

        assert answer.status_code == 400
        assert sentence in answer.content.decode()

    def test_lead_to_the_invoices_of_a_seller_with_a_long_name(self, world: World) -> None:
        name = "S" * 1_000
        world.upload("a", text("A", "2026-11-02", "100.00", "18.00", "118.00", name))
        viewer = client_of("viewer")

        ((_, address),) = page(viewer, NOVEMBER + "&group=seller").context["rows"]

        assert viewer.get(address).context["rows"][0][0][3] == name

    def test_say_that_the_engine_failed(self, viewer: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        class Broken:
            def run(self, sql: str) -> None:
                raise ReportFailed("The disk is full.", sql[:6])

        monkeypatch.setattr(wiring, "reports", Broken)

        assert "The disk is full." in page(viewer, NOVEMBER + "&seller=x").content.decode()
        assert viewer.get(f"/expenses.csv?{NOVEMBER}").status_code == 503


class TestDownload:
    def test_has_what_the_page_shows_in_its_order(self, viewer: Client) -> None:
        assert rows(viewer, NOVEMBER + "&sort=-total") == [
            ["issue_date", "currency", "invoices", "net_amount", "tax_amount", "total_amount"],
            ["2026-11-10", "INR", "1", "1234567.00", "0.10", "1234567.10"],
            ["2026-11-02", "INR", "2", "300.00", "54.00", "354.00"],
        ]

    def test_cannot_act_as_a_formula(self, viewer: Client) -> None:
        names = [row[0] for row in rows(viewer, NOVEMBER + "&group=seller")]

        assert names == ["seller_name", "Acme", "'=Formula & Sons"]

    def test_is_a_workbook_as_well(self, viewer: Client) -> None:
        answer = viewer.get(f"/expenses.xlsx?{NOVEMBER}&group=seller")

        book = zipfile.ZipFile(io.BytesIO(b"".join(answer)))
        strings = book.read("xl/worksheets/sheet1.xml") + b"".join(
            book.read(name) for name in book.namelist() if name.endswith("sharedStrings.xml")
        )

        assert b"'=Formula &amp; Sons" in strings
        assert b"<f>" not in strings
        assert answer["Content-Disposition"].startswith('attachment; filename="expenses-by-seller-')

    def test_has_no_other_form(self, viewer: Client) -> None:
        assert viewer.get("/expenses.exe").status_code == 404


class TestCaching:
    def test_asks_again_only_when_the_data_has_changed(
        self, world: World, viewer: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked: list[str] = []
        engine = wiring.reports()

        class Counting:
            def run(self, sql: str) -> Any:
                asked.append(sql)
                return engine.run(sql)

        monkeypatch.setattr(wiring, "reports", Counting)
        monkeypatch.setattr(wiring, "SETTLED", timedelta(0))

        first = [page(viewer, NOVEMBER).context["total"].invoices for _ in range(3)]
        world.upload("e", text("E", "2026-11-20", "1.00", "0.00", "1.00"))
        second = page(viewer, NOVEMBER).context["total"].invoices

        assert (first, second) == ([3, 3, 3], 4)
        assert len(asked) == 2

    def test_keeps_no_answer_while_a_csv_object_may_be_on_its_way(self, world: World, viewer: Client) -> None:
        # The row of a transaction that is through comes into the bucket after the question.
        key = next(key for key in world.sink.objects if "C-1_A-" in key)
        row = world.sink.objects.pop(key)
        without = page(viewer, NOVEMBER).context["total"].invoices
        world.sink.objects[key] = row

        assert (without, page(viewer, NOVEMBER).context["total"].invoices) == (2, 3)


class TestInTheBackground:
    @pytest.fixture
    def queries(self, monkeypatch: pytest.MonkeyPatch) -> Queries:
        made = Queries()
        monkeypatch.setattr(wiring, "background_reports", lambda: made)
        return made

    def test_shows_progress_and_where_to_ask_again(self, viewer: Client, queries: Queries) -> None:
        content = page(viewer, NOVEMBER).content.decode()

        assert "Athena is at work" in content
        assert "2 KB read so far" in content
        assert (
            f'data-hx-get="/expenses?{NOVEMBER.replace("&", "&amp;")}&amp;q-expenses-by-day=id-1"' in content
        )
        assert len(queries.started) == 1

    def test_asks_after_the_same_query_until_it_is_done(self, viewer: Client, queries: Queries) -> None:
        page(viewer, NOVEMBER)
        page(viewer, NOVEMBER + "&q-expenses-by-day=id-1")
        queries.state = "done"
        queries.rows = (
            (datetime(2026, 11, 2, tzinfo=UTC).date(), "INR", 2, Decimal(1), Decimal(2), Decimal(3)),
        )

        done = page(viewer, NOVEMBER + "&q-expenses-by-day=id-1")

        assert done.context["total"].total == Decimal(3)
        assert len(queries.started) == 1

    def test_takes_no_other_questions_answer(self, viewer: Client, queries: Queries) -> None:
        page(viewer, NOVEMBER)
        page(viewer, NOVEMBER + "&seller=x&q-expenses-by-day=id-1")

        assert len(queries.started) == 2
        assert queries.started["id-1"] != queries.started["id-2"]

    def test_starts_anew_for_an_id_that_is_gone(self, viewer: Client, queries: Queries) -> None:
        page(viewer, NOVEMBER + "&q-expenses-by-day=made-up")

        assert list(queries.started) == ["id-1"]

    def test_asks_anew_where_a_shared_query_has_ended_badly(self, viewer: Client, queries: Queries) -> None:
        queries.shares = True
        page(viewer, NOVEMBER)
        viewer.post("/queries/cancel", {"query": "id-1"})
        queries.state = "running"

        content = page(viewer, NOVEMBER).content.decode()

        assert "Athena is at work" in content
        assert list(queries.started) == ["id-1", "id-2"]

    def test_shares_a_query_for_a_minute(
        self, viewer: Client, queries: Queries, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        times: list[datetime] = []

        class Clock(datetime):
            @classmethod
            def now(cls, tz: tzinfo | None = None) -> Any:
                assert tz is UTC
                return times[-1]

        monkeypatch.setattr(answers, "datetime", Clock)
        queries.shares, shared = True, []
        # An import's object comes minutes after its revisions, and makes no new version of the data.
        for minute, second in ((10, 5), (10, 55), (11, 5)):
            times.append(datetime(2026, 11, 22, 9, minute, second, tzinfo=UTC))
            page(viewer, NOVEMBER)
            shared.append(len(queries.started))

        assert shared == [1, 1, 2]

    def test_waits_for_the_sum_of_more_lines_than_a_page_holds(
        self, viewer: Client, queries: Queries
    ) -> None:
        queries.shares = True
        seller = (Decimal(1), Decimal(0), Decimal(1), None, None)
        queries.state, queries.rows = "done", tuple((f"S{n}", "INR", 1, *seller) for n in range(10_001))
        address = f"{NOVEMBER}&group=seller"
        page(viewer, address + "&again=1")  # both are done, so each has its id
        queries.states["id-2"] = "running"

        content = page(viewer, address + "&again=1").content.decode()

        assert "Athena is at work" in content
        assert "q-totals=id-2" in content

    def test_gives_the_file_of_the_answer_that_is_shown(self, viewer: Client, queries: Queries) -> None:
        queries.state = "done"
        queries.rows = ((date(2026, 11, 2), "INR", 2, Decimal(1), Decimal(2), Decimal(3)),)
        shown = page(viewer, NOVEMBER)
        hrefs = dict(shown.context["files"])

        lines = list(csv.reader(io.StringIO(b"".join(viewer.get(hrefs["CSV"])).decode())))

        assert "q-expenses-by-day=id-1" in hrefs["CSV"]
        assert lines[1:] == [["2026-11-02", "INR", "2", "1", "2", "3"]]
        assert list(queries.started) == ["id-1"]

    @pytest.mark.parametrize(
        ("path", "page_path"),
        [("/expenses.csv", "/expenses"), ("/reports/tax-summary.csv", "/reports/tax-summary")],
    )
    def test_waits_for_a_file_on_its_page(
        self, viewer: Client, queries: Queries, path: str, page_path: str
    ) -> None:
        waiting = viewer.get(f"{path}?{NOVEMBER}")
        content = viewer.get(waiting["Location"]).content.decode()

        assert waiting.status_code == 302
        assert waiting["Location"].startswith(f"{page_path}?{NOVEMBER}&q-")
        assert waiting["Location"].endswith("=id-1&file=csv")
        assert "Athena is at work" in content
        assert f'<noscript><meta http-equiv="refresh" content="3; url={page_path}' in content
        assert list(queries.started) == ["id-1"]

    def test_offers_the_file_that_was_waited_for(self, viewer: Client, queries: Queries) -> None:
        address = viewer.get(f"/expenses.xlsx?{NOVEMBER}")["Location"]
        queries.state = "done"
        queries.rows = ((date(2026, 11, 2), "INR", 2, Decimal(1), Decimal(2), Decimal(3)),)

        title, href = viewer.get(address).context["ready"]
        answer = viewer.get(href)

        assert (title, answer.status_code) == ("Excel", 200)
        assert answer["Content-Disposition"].startswith("attachment")
        assert list(queries.started) == ["id-1"]

    def test_says_why_there_is_no_file(self, viewer: Client, queries: Queries) -> None:
        queries.state, queries.fault = "failed", "The query would read more than the workgroup allows."

        answer = viewer.get(f"/expenses.csv?{NOVEMBER}")

        assert answer.status_code == 503
        assert "would read more than the workgroup allows" in answer.content.decode()

    def test_can_be_cancelled_and_run_again(self, viewer: Client, queries: Queries) -> None:
        page(viewer, NOVEMBER)
        back = f"/expenses?{NOVEMBER}&q-expenses-by-day=id-1"
        answer = viewer.post("/queries/cancel", {"query": "id-1", "back": back})
        cancelled = viewer.get(answer["Location"]).content.decode()

        assert queries.stopped == ["id-1"]
        assert "The query was ended before it was done" in cancelled
        assert "again=" in cancelled
        assert len(queries.started) == 1

    def test_leads_nowhere_else_after_a_cancel(self, viewer: Client, queries: Queries) -> None:
        answer = viewer.post("/queries/cancel", {"query": "id-1", "back": "https://evil.example/"})

        assert answer["Location"] == "/expenses"
        assert queries.stopped == ["id-1"]

    def test_says_why_it_failed(self, viewer: Client, queries: Queries) -> None:
        queries.state, queries.fault = "failed", "The query would read more than the workgroup allows."

        content = page(viewer, NOVEMBER).content.decode()

        assert "would read more than the workgroup allows" in content
        assert "Try again" in content
