"""The pages over an Athena that takes its time, in a browser, with and without JavaScript.

Real boto3 asks a stand-in that holds queries back, fails or stops them (tests/support/slow_athena.py).
"""

import csv
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests

from infra.local.provision import SOURCE_BUCKET
from infra.local.service import ROOT
from infra.local.system import LocalSystem
from tests.support import showcase
from tests.support.browsing import CHROMIUM, MODULES, Complaints, barriers, html_errors
from tests.support.receiver import wait_for
from tests.support.slow_athena import HELD, Execution, Plan, SlowAthena, with_athena

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Download, Page, StorageState

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
SAMPLES = ROOT / "infra" / "local" / "samples"
SHOT = Plan(queued_seconds=0, running_seconds=0)
BRIEF = Plan(queued_seconds=0.2, running_seconds=1.5)
TOO_MUCH = Plan(running_seconds=0, fault="Query cancelled! : Bytes scanned limit was exceeded")
PATIENCE_MS = 20_000
# The query is held for ever: a page that waits for it waits for minutes. What pages take without
# waiting is for bench_pages.py to measure, on a machine that does nothing else.
AT_ONCE_MS = 2_000
TITLES = {"running": "Athena is at work", "cancelled": "Cancelled", "failed": "No answer"}

pytestmark = [
    pytest.mark.proof,
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed: apt-get install chromium"),
    pytest.mark.xdist_group("browser"),
]
numbers = count(1)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[LocalSystem, SlowAthena]]:
    with with_athena(tmp_path_factory.mktemp("athena")) as (system, athena):
        put = system.aws.client("s3").put_object
        put(Bucket=SOURCE_BUCKET, Key="a.txt", Body=(SAMPLES / "01-canonical.txt").read_bytes())
        put(Bucket=SOURCE_BUCKET, Key="evil.txt", Body=showcase.hostile())
        system.service.manage("reconcile")
        yield system, athena


@pytest.fixture(scope="module")
def system(both: tuple[LocalSystem, SlowAthena]) -> LocalSystem:
    return both[0]


@pytest.fixture(autouse=True)  # a test that does not name it would find what the one before planned
def athena(both: tuple[LocalSystem, SlowAthena]) -> SlowAthena:
    both[1].plan = BRIEF
    return both[1]


@pytest.fixture
def query() -> str:
    """Return a query that nobody asked before; its answer is the canonical invoice, issued 2018-03-31."""
    first = date(2010, 1, 1) + timedelta(days=next(numbers))
    return f"from={first}&to=2018-03-31&group=month"


@pytest.fixture
def viewer(session: "StorageState") -> requests.Session:
    """Return the same person without a browser."""
    made = requests.Session()
    made.trust_env = False
    for cookie in session["cookies"]:
        made.cookies.set(cookie["name"], cookie["value"])
    return made


def see_progress(page: "Page") -> None:
    playwright.expect(page.locator("#result h2")).to_have_text(TITLES["running"])
    assert page.locator("progress").is_visible()


def see_answer(page: "Page", total: str = "8,150.00") -> None:
    """Wait until the answer has replaced the progress; nobody touches the page meanwhile."""
    playwright.expect(page.locator("tbody td.amount").last).to_have_text(total, timeout=PATIENCE_MS)
    assert page.locator("progress").count() == 0


def text_of(started: SlowAthena, query: str) -> list[Execution]:
    """Return the executions of the query."""
    return started.started(f"DATE '{query[5:15]}'")


def release(executions: list[Execution]) -> None:
    """Let held queries end now."""
    for each in executions:
        each.plan = Plan(queued_seconds=0, running_seconds=each.age)


class TestAQuery:
    def test_shows_progress_at_once_and_then_its_answer(
        self, athena: SlowAthena, page: "Page", query: str
    ) -> None:
        page.goto(f"/expenses?{query}")
        see_progress(page)
        see_answer(page)

        (execution,) = text_of(athena, query)
        assert execution.state == "SUCCEEDED"
        figures = page.locator(".figure dd").all_inner_texts()
        assert figures == ["8,150.00", "7,650.00", "500.00", "1"]

    def test_tells_what_it_read_and_cost_and_how_fresh_it_is(
        self, athena: SlowAthena, page: "Page", query: str, *, has_script: bool
    ) -> None:
        before = datetime.now(UTC)
        page.goto(f"/expenses?{query}")
        see_answer(page)

        summary = page.locator("details summary").inner_text()
        page.click("details summary")

        (execution,) = text_of(athena, query)
        # 34,603,008 bytes are billed as 35 MB, at 5 dollars a terabyte.
        assert summary.startswith("Show SQL · 33 MB read, about $0.000175 · fresh as of ")
        fresh = page.locator("details summary time").get_attribute("datetime") or ""
        assert before <= datetime.fromisoformat(fresh) + timedelta(seconds=1) <= datetime.now(UTC)
        assert page.locator("details code").inner_text() == execution.sql
        assert has_script != summary.endswith("UTC")

    def test_waits_for_nobody(self, athena: SlowAthena, page: "Page") -> None:
        athena.plan = HELD
        waits = {}
        for address in ("/", "/expenses", "/invoices", "/reports/tax-summary", "/reports/outliers"):
            answer = page.goto(f"{address}?from=2011-01-01&to=2011-12-31&limit={next(numbers)}")
            assert answer is not None
            timing = answer.request.timing
            waits[address] = timing["responseStart"] - timing["requestStart"]

        assert {address: wait for address, wait in waits.items() if wait >= AT_ONCE_MS} == {}
        assert {each.state for each in athena.started("2011-01-01")} <= {"QUEUED", "RUNNING"}

    def test_is_asked_after_while_the_page_is_open(
        self, athena: SlowAthena, page: "Page", query: str
    ) -> None:
        athena.plan = HELD
        page.goto(f"/expenses?{query}")
        see_progress(page)
        first = page.locator("#result p").nth(1).inner_text()

        page.wait_for_function("before => !document.body.innerText.includes(before)", arg=first)
        release(text_of(athena, query))

        see_answer(page)
        assert len(text_of(athena, query)) == 1

    def test_leaves_what_is_typed_meanwhile(
        self, athena: SlowAthena, page: "Page", query: str, *, has_script: bool
    ) -> None:
        if not has_script:
            pytest.skip("without JavaScript the page loads itself anew")
        athena.plan = HELD
        page.goto(f"/expenses?{query}")
        page.click("text=Show SQL")
        page.locator("input[name=seller]").press_sequentially("space")
        asked = athena.calls["GetQueryExecution"]
        wait_for(lambda: athena.calls["GetQueryExecution"] > asked + 1, 10)

        assert page.input_value("input[name=seller]") == "space"
        assert page.locator("#result details code").is_visible()

    def test_that_is_refused_leaves_the_page_and_says_why(
        self, page: "Page", query: str, complaints: Complaints, *, has_script: bool
    ) -> None:
        page.goto(f"/expenses?{query}")
        see_answer(page)
        page.fill("input[name=to]", "2009-12-31")
        page.locator("input[name=to]").press("Tab" if has_script else "Enter")

        said = page.locator("#fault" if has_script else "main p", has_text="nothing lies between; swap them.")
        said.wait_for()
        assert f"from is {query[5:15]} and to is 2009-12-31" in said.inner_text()
        assert page.locator("tbody tr").count() == has_script
        # The browser itself tells of the answer 400.
        complaints.said = [each for each in complaints.said if "400" not in each]

    def test_can_be_cancelled_and_run_again(self, athena: SlowAthena, page: "Page", query: str) -> None:
        athena.plan = HELD
        page.goto(f"/expenses?{query}")
        page.click("text=Cancel")
        playwright.expect(page.locator("#result h2")).to_have_text(TITLES["cancelled"], timeout=PATIENCE_MS)

        (execution,) = text_of(athena, query)
        (query_id,) = [name for name, each in athena.executions.items() if each is execution]
        assert query_id in athena.stopped
        assert execution.state == "CANCELLED"
        page.reload()
        assert page.locator("#result h2").inner_text() == TITLES["cancelled"]
        athena.plan = BRIEF
        page.click("text=Run it again")
        see_answer(page)
        assert [each.state for each in text_of(athena, query)] == ["CANCELLED", "SUCCEEDED"]

    def test_that_somebody_cancelled_is_asked_anew_by_others(
        self, athena: SlowAthena, page: "Page", query: str
    ) -> None:
        athena.plan = HELD
        page.goto(f"/expenses?{query}")
        page.click("text=Cancel")
        playwright.expect(page.locator("#result h2")).to_have_text(TITLES["cancelled"], timeout=PATIENCE_MS)

        athena.plan = BRIEF
        page.goto(f"/expenses?{query}")

        see_answer(page)

    def test_says_in_plain_words_why_it_failed_and_what_to_do(
        self, athena: SlowAthena, page: "Page", query: str
    ) -> None:
        athena.plan = TOO_MUCH
        page.goto(f"/reports/expenses-by-day?{query}")
        said = page.locator("#result .notice.error")
        playwright.expect(said).to_have_text(
            "The query would read more than the workgroup allows: take fewer days.", timeout=PATIENCE_MS
        )

        athena.plan = BRIEF
        page.click("text=Try again")

        see_answer(page)

    def test_is_kept_by_reload_and_by_going_back_and_forward(
        self, athena: SlowAthena, page: "Page", query: str, *, has_script: bool
    ) -> None:
        page.goto(f"/expenses?{query}")
        see_answer(page)
        page.select_option("select[name=group]", "customer")
        if not has_script:
            page.click("text=Show >> nth=0")
        playwright.expect(page.locator("thead th").first).to_have_text("Customer", timeout=PATIENCE_MS)
        see_answer(page)
        started = len(text_of(athena, query))

        page.reload()
        see_answer(page)
        assert page.locator("thead th").first.inner_text() == "Customer"
        for move in (page.go_back, page.go_forward):
            move()
            if not has_script:  # each look of a page that loads itself is a step of its own
                while "group=customer" in page.url and move == page.go_back:
                    move()
            heading = {page.go_back: "Month", page.go_forward: "Customer"}[move]
            playwright.expect(page.locator("thead th").first).to_have_text(heading)
            see_answer(page)

        assert len(text_of(athena, query)) == started == 2

    def test_is_shared_by_those_who_ask_the_same(
        self, athena: SlowAthena, page: "Page", viewer: requests.Session, system: LocalSystem, query: str
    ) -> None:
        athena.plan = HELD
        page.goto(f"/expenses?{query}")
        # Both processes of the service are asked, more than once.
        for _ in range(8):
            assert TITLES["running"] in viewer.get(f"{system.service.url}/expenses?{query}", timeout=10).text
        release(text_of(athena, query))
        see_answer(page)

        for _ in range(8):
            assert "8,150.00" in viewer.get(f"{system.service.url}/expenses?{query}", timeout=10).text
        assert len(text_of(athena, query)) == 1


def rows_of(download: "Download") -> list[list[str]]:
    return list(csv.reader(download.path().read_text(encoding="utf-8").splitlines()))


HEAD = ["month", "currency", "invoices", "net_amount", "tax_amount", "total_amount"]
MARCH = ["2018-03-01", "", "1", "7650.00", "500.00", "8150.00"]


class TestAFile:
    def test_of_what_is_shown_comes_at_once(self, athena: SlowAthena, page: "Page", query: str) -> None:
        page.goto(f"/expenses?{query}")
        see_answer(page)
        athena.plan = HELD

        with page.expect_download() as download:
            page.click("text=CSV")

        assert rows_of(download.value) == [HEAD, MARCH]
        assert len(text_of(athena, query)) == 1

    @pytest.mark.parametrize(
        ("kind", "page_path", "file_path"),
        [
            ("CSV", "/expenses", "/expenses.csv"),
            ("CSV", "/reports/expenses-by-month", "/reports/expenses-by-month.csv"),
            ("Excel", "/expenses", "/expenses.xlsx"),
        ],
    )
    def test_that_has_to_be_waited_for_is_offered_when_it_is_there(
        self,
        athena: SlowAthena,
        page: "Page",
        query: str,
        kind: str,
        page_path: str,
        file_path: str,
        *,
        has_script: bool,
    ) -> None:
        athena.plan = HELD
        query = query.replace("&group=month", "") if "reports" in page_path else query
        page.goto(f"{file_path}?{query}")
        see_progress(page)
        assert page.url.split("?")[0].endswith(page_path)

        with page.expect_download(timeout=PATIENCE_MS) as download:
            release(text_of(athena, query))
            if not has_script:
                page.locator("[data-file]").click(timeout=PATIENCE_MS)

        assert len(text_of(athena, query)) == 1
        see_answer(page)
        assert page.locator("[data-file]").inner_text() == kind
        if kind == "CSV":
            assert rows_of(download.value) == [HEAD, MARCH]
        else:
            assert download.value.path().read_bytes()[:2] == b"PK"

    def test_holds_no_worker_while_athena_is_at_work(
        self, athena: SlowAthena, system: LocalSystem, viewer: requests.Session
    ) -> None:
        # The service has 2 processes of 8 threads; each query would take an hour.
        athena.plan = HELD
        addresses = [
            f"{system.service.url}/expenses.{kind}?from=2012-01-{day:02}&to=2012-02-28"
            for day in range(1, 29)
            for kind in ("csv", "xlsx")
        ]
        started = time.monotonic()
        with ThreadPoolExecutor(24) as pool:
            answers = list(
                pool.map(lambda url: viewer.get(url, allow_redirects=False, timeout=30), addresses)
            )
        seconds = time.monotonic() - started

        assert {answer.status_code for answer in answers} == {302}
        assert all("file=" in answer.headers["Location"] for answer in answers)
        assert seconds < 20
        assert len(athena.started("2012-02-28")) == 28

    def test_cannot_act_as_a_formula(
        self, athena: SlowAthena, system: LocalSystem, viewer: requests.Session
    ) -> None:
        athena.plan = SHOT
        url = f"{system.service.url}/expenses.csv?from=2026-11-02&to=2026-11-02&group=seller"

        lines = list(csv.reader(viewer.get(url, timeout=10).text.splitlines()))

        assert [line[0] for line in lines] == [
            "seller_name",
            '\'=HYPERLINK("http://evil.example","x")<script>document.title="pwned"</script>',
        ]


def in_state(page: "Page", athena: SlowAthena, state: str, query: str) -> None:
    """Bring the page into one of the states of a query."""
    athena.plan = {"running": HELD, "cancelled": HELD, "failed": TOO_MUCH}.get(state, SHOT)
    page.goto(f"/expenses?{query}&file=csv" if state == "ready" else f"/expenses?{query}")
    if state == "cancelled":
        page.click("text=Cancel")
    if state in TITLES:
        playwright.expect(page.locator("#result h2")).to_have_text(TITLES[state], timeout=PATIENCE_MS)
    else:
        see_answer(page)


STATES = ("running", "cancelled", "failed", "ready")


class TestEveryState:
    @pytest.mark.skipif(not MODULES, reason="DOCPROC_TEST_NODE_MODULES does not name axe-core's folder")
    @pytest.mark.parametrize("scheme", ["light", "dark"])
    @pytest.mark.parametrize("state", STATES)
    def test_has_no_barrier_that_axe_finds(
        self,
        athena: SlowAthena,
        system: LocalSystem,
        browser: "Browser",
        session: "StorageState",
        query: str,
        state: str,
        scheme: Any,
    ) -> None:
        context = browser.new_context(
            base_url=system.service.url, storage_state=session, color_scheme=scheme, reduced_motion="reduce"
        )
        page = context.new_page()
        in_state(page, athena, state, query)

        found = barriers(page)
        context.close()

        assert found == []

    @pytest.mark.parametrize("state", STATES)
    def test_fits_a_telephone(
        self,
        athena: SlowAthena,
        system: LocalSystem,
        browser: "Browser",
        session: "StorageState",
        query: str,
        state: str,
    ) -> None:
        context = browser.new_context(
            base_url=system.service.url, storage_state=session, viewport={"width": 360, "height": 780}
        )
        page = context.new_page()
        in_state(page, athena, state, query)

        wide = page.evaluate("document.documentElement.scrollWidth")
        context.close()

        assert wide <= 360

    @pytest.mark.skipif(not MODULES, reason="DOCPROC_TEST_NODE_MODULES does not name vnu-jar's folder")
    @pytest.mark.skipif(shutil.which("java") is None, reason="the validator needs Java")
    def test_is_valid_html(
        self,
        athena: SlowAthena,
        system: LocalSystem,
        viewer: requests.Session,
        query: str,
        tmp_path: Path,
    ) -> None:
        base = f"{system.service.url}/expenses?{query}"
        athena.plan = HELD
        running = viewer.get(base, timeout=10).content
        (execution,) = text_of(athena, query)
        (query_id,) = [name for name, each in athena.executions.items() if each is execution]
        execution.stopped_at = 0
        wait_for(lambda: execution.state == "CANCELLED", 5)
        cancelled = viewer.get(f"{base}&q-expenses-by-month={query_id}", timeout=10).content
        athena.plan = replace(TOO_MUCH, queued_seconds=0)
        failed = viewer.get(f"{base}&seller=x", timeout=10).content
        athena.plan = SHOT
        ready = viewer.get(f"{base}&customer=sm-LK0080145&file=csv", timeout=10).content
        pages = {"running": running, "cancelled": cancelled, "failed": failed, "ready": ready}
        for name, content in pages.items():
            (tmp_path / f"{name}.html").write_bytes(content)

        assert [name for name in TITLES if TITLES[name].encode() not in pages[name]] == []
        assert b"data-file" in ready
        assert html_errors(tmp_path) == []
        assert max(map(len, pages.values())) <= 50 * 1024
