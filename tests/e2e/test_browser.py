"""The pages in a browser over the whole local system, as people use them, with and without JavaScript."""

import csv
import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from infra.local.provision import SOURCE_BUCKET
from infra.local.system import LocalSystem, running
from tests.support import showcase
from tests.support.browsing import CHROMIUM, MODULES, barriers, html_errors
from tests.support.invoices import invoice_text

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, StorageState

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
ROOT = Path(__file__).resolve().parents[2]
PAGES = {
    "overview": "/",
    "expenses": "/expenses?from=&to=",
    "expenses of a month": "/expenses?from=2026-11-01&to=2026-11-30",
    "expenses by seller": "/expenses?from=&to=&group=seller",
    "no expenses": "/expenses?from=2001-01-01&to=2001-01-02",
    "invoices": "/invoices",
    "an invoice": "/invoice?customer=sm-LK0080145&invoice=inv-00001",
    "a hostile invoice": "/invoice?customer=C-666&invoice=EVIL-1",
    "rejections": "/rejections",
    "upload": "/upload",
    "reports": "/reports",
    "a report": "/reports/tax-summary",
    "line items": "/reports/line-items",
    "the account": "/account",
}
SAMPLES = ROOT / "infra" / "local" / "samples"

pytestmark = [
    pytest.mark.proof,
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed: apt-get install chromium"),
    pytest.mark.xdist_group("browser"),
]


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalSystem]:
    """Yield a system with a few dozen invoices, a correction, a conflict, broken ones and a hostile one."""
    with running(tmp_path_factory.mktemp("system")) as made:
        uploads = [
            *showcase.invoices(datetime(2026, 11, 21, tzinfo=UTC).date(), 40),
            ("space-mechanics/march.txt", (SAMPLES / "01-canonical.txt").read_bytes()),
            ("vega/catering.txt", (SAMPLES / "04-catering.txt").read_bytes()),
            ("malabar/scan.pdf", (SAMPLES / "12-scan.pdf").read_bytes()),
            ("malabar/crates.txt", (SAMPLES / "11-unreadable-amount.txt").read_bytes()),
            ("evil/<script>alert(1)</script>.txt", showcase.hostile()),
            ("vega/catering.txt", (SAMPLES / "05-catering-corrected.txt").read_bytes()),
            ("space-mechanics/march-changed.txt", (SAMPLES / "08-changed.txt").read_bytes()),
        ]
        for key, data in uploads:
            made.aws.client("s3").put_object(Bucket=SOURCE_BUCKET, Key=key, Body=data)
        deadline = time.monotonic() + 120
        while _documents(made) < len(uploads):
            assert time.monotonic() < deadline, "the documents did not all get their outcome"
            time.sleep(0.2)
        yield made


def _documents(system: LocalSystem) -> int:
    table = system.settings["DOCPROC_DOCUMENT_TABLE"]
    return int(system.aws.client("dynamodb").scan(TableName=table, Select="COUNT")["Count"])


class TestUpload:
    def test_shows_a_good_and_a_bad_file_land(self, page: "Page", *, has_script: bool) -> None:
        number = time.time_ns()
        good = invoice_text(invoice_id=f"U-{number}")
        files: list[Any] = [
            {"name": "good.txt", "mimeType": "text/plain", "buffer": good},
            {"name": "bad.txt", "mimeType": "text/plain", "buffer": b"Inv-ID: only\n"},
        ]
        page.goto("/upload")

        for some in [files] if has_script else [files[:1], files[1:]]:
            page.set_input_files("#file", some)
            if not has_script:
                page.click("[data-send]")

        _see(page, "#fates", "stored", has_script=has_script)
        _see(page, "#fates", "missing-field", has_script=has_script)
        page.click(f"text=U-{number}")
        assert page.locator("h1").inner_text() == f"U-{number}"

    def test_takes_the_sample_as_it_is(self, page: "Page", *, has_script: bool) -> None:
        page.goto("/upload")
        page.click("summary")
        page.click("text=Upload this text")

        _see(page, "#fates", "stored", has_script=has_script)
        page.click("#fates a")
        page.locator("#checks").wait_for()
        assert page.locator("#checks .warn").count() == 0

    def test_says_why_a_file_is_not_taken(self, page: "Page", *, has_script: bool) -> None:
        if not has_script:
            pytest.skip("without JavaScript the bucket itself refuses the file")
        page.goto("/upload")
        page.set_input_files("#file", {"name": "empty.txt", "mimeType": "text/plain", "buffer": b""})

        _see(page, "#upload-notes", "empty.txt: It is empty.", has_script=True)


def _see(page: "Page", selector: str, text: str, *, has_script: bool) -> None:
    """Wait until the text is there; without JavaScript a person reloads the page."""
    found = page.locator(selector).filter(has_text=text)
    deadline = time.monotonic() + 60
    while not found.count():
        assert time.monotonic() < deadline, page.locator(selector).inner_text()
        page.wait_for_timeout(300)
        if not has_script:
            page.goto(page.url)


class TestExpenses:
    def test_lead_from_a_bar_to_the_raw_text(self, page: "Page") -> None:
        page.goto("/expenses?from=2026-11-01&to=2026-11-21&currency=INR")
        bar = page.locator(".plot a").filter(has=page.locator(".bar:not([height='0%'])")).first
        day = bar.get_attribute("href") or ""

        page.goto(day)
        page.locator("tbody th a").first.click()

        source = page.locator(".source").first.inner_text()
        assert "Dated: " in source
        assert page.locator("h1").inner_text() in source

    def test_give_a_file_with_the_numbers_of_the_table(self, page: "Page") -> None:
        page.goto("/expenses?from=&to=&group=seller&currency=INR&sort=-total")
        shown = [
            (row.locator("th").inner_text(), row.locator("td.amount").last.inner_text().replace(",", ""))
            for row in page.locator("tbody tr").all()
        ]

        with page.expect_download() as download:
            page.click("text=CSV")
        lines = list(csv.DictReader(download.value.path().read_text(encoding="utf-8").splitlines()))

        assert len(shown) > 3
        assert [(line["seller_name"], line["total_amount"]) for line in lines] == shown

    def test_keep_their_state_in_the_address(self, page: "Page", *, has_script: bool) -> None:
        page.goto("/expenses?from=&to=")
        page.select_option("select[name=group]", "customer")
        if not has_script:
            page.click("text=Show")
        page.wait_for_url("**group=customer**")
        heading = page.locator("thead th").first.inner_text()

        page.goto(page.url)

        assert heading == page.locator("thead th").first.inner_text() == "Customer"


class TestRejections:
    def test_lets_an_operator_accept_a_conflict(self, system: LocalSystem, page: "Page") -> None:
        number = f"clash-{time.time_ns()}"
        first = (SAMPLES / "01-canonical.txt").read_bytes().replace(b"inv-00001", number.encode())
        for key, data in ((f"{number}/a.txt", first), (f"{number}/b.txt", first.replace(b"8150", b"9150"))):
            system.aws.client("s3").put_object(Bucket=SOURCE_BUCKET, Key=key, Body=data)
            page.goto("/")
            _see(page, "#documents", key, has_script=False)

        page.goto("/rejections")
        page.click(f"text={number}/b.txt")
        playwright.expect(page.locator(".differs")).to_have_count(2)
        page.fill("textarea[name=why]", "the seller confirmed the higher total")
        page.click("text=Accept this document")

        assert "accepted as revision 2" in page.locator(".messages").inner_text()
        page.goto(f"/invoice?customer=sm-LK0080145&invoice={number}")
        assert "the seller confirmed the higher total" in page.locator(".history-card").inner_text()

    def test_deals_with_many_at_once(self, system: LocalSystem, page: "Page") -> None:
        folder = f"many-{time.time_ns()}"
        for name in ("a", "b"):
            key = f"{folder}/{name}.txt"
            system.aws.client("s3").put_object(Bucket=SOURCE_BUCKET, Key=key, Body=b"no invoice")
            page.goto("/")
            _see(page, "#documents", key, has_script=False)

        page.goto("/rejections")
        for name in ("a", "b"):
            page.check(f"[aria-label='Choose {folder}/{name}.txt']")
        page.fill("input[name=why]", "test files")
        page.click("text=Close chosen")

        said = page.locator(".messages").inner_text()
        assert f"{folder}/a.txt: closed." in said
        assert f"{folder}/b.txt: closed." in said


class TestEveryPage:
    @pytest.mark.parametrize("name", PAGES)
    def test_stays_small_and_asks_nobody_else(self, system: LocalSystem, page: "Page", name: str) -> None:
        given: list[Any] = []
        page.on("response", lambda response: given.append(response))  # noqa: PLW0108 - it wants a function

        answer = page.goto(PAGES[name], wait_until="load")

        assert answer is not None
        assert answer.status == 200
        sizes = {each.url: len(each.body()) for each in given if each.status == 200}
        assert len(answer.body()) <= 50 * 1024
        assert sum(sizes.values()) <= 100 * 1024
        assert {urlsplit(url).netloc for url in sizes} == {urlsplit(system.service.url).netloc}
        assert page.title().endswith("docproc")

    @pytest.mark.parametrize("width", [360, 2560])
    @pytest.mark.parametrize("name", PAGES)
    def test_fits_narrow_and_wide_screens(
        self, system: LocalSystem, browser: "Browser", session: "StorageState", name: str, width: int
    ) -> None:
        context = browser.new_context(
            base_url=system.service.url, storage_state=session, viewport={"width": width, "height": 900}
        )
        page = context.new_page()
        page.goto(PAGES[name])

        wide = page.evaluate("document.documentElement.scrollWidth")
        context.close()

        assert wide <= width

    @pytest.mark.skipif(not MODULES, reason="DOCPROC_TEST_NODE_MODULES does not name axe-core's folder")
    @pytest.mark.parametrize("scheme", ["light", "dark"])
    @pytest.mark.parametrize("name", [*PAGES, "the login", "nothing"])
    def test_has_no_barrier_that_axe_finds(
        self, system: LocalSystem, browser: "Browser", session: "StorageState", name: str, scheme: Any
    ) -> None:
        state = None if name == "the login" else session
        context = browser.new_context(
            base_url=system.service.url, storage_state=state, color_scheme=scheme, reduced_motion="reduce"
        )
        page = context.new_page()
        page.goto({"the login": "/login", "nothing": "/nothing"}.get(name) or PAGES[name])

        found = barriers(page)
        context.close()

        assert found == []


@pytest.mark.skipif(not MODULES, reason="DOCPROC_TEST_NODE_MODULES does not name vnu-jar's folder")
@pytest.mark.skipif(shutil.which("java") is None, reason="the validator needs Java")
def test_every_page_is_valid_html(
    system: LocalSystem, browser: "Browser", session: "StorageState", tmp_path: Path
) -> None:
    context = browser.new_context(
        base_url=system.service.url, storage_state=session, java_script_enabled=False
    )
    for number, address in enumerate([*PAGES.values(), "/nothing"]):
        answer = context.new_page().goto(address)
        assert answer is not None
        (tmp_path / f"{number:02d}.html").write_bytes(answer.body())
    context.close()

    assert html_errors(tmp_path) == []


class TestHostileInvoice:
    def test_runs_nothing_and_reaches_nobody(self, page: "Page", system: LocalSystem) -> None:
        asked: list[str] = []
        page.on("request", lambda request: asked.append(urlsplit(request.url).netloc))

        for address in (
            "/",
            "/invoices?text=EVIL",
            "/invoice?customer=C-666&invoice=EVIL-1",
            "/reports/line-items",
        ):
            page.goto(address)
            assert "pwned" not in page.title()
            assert page.locator("main img, main script, main svg[onload]").count() == 0

        assert set(asked) == {urlsplit(system.service.url).netloc}

    def test_is_stopped_by_the_policy_even_if_it_were_markup(
        self, system: LocalSystem, browser: "Browser", session: "StorageState"
    ) -> None:
        context = browser.new_context(base_url=system.service.url, storage_state=session)
        page = context.new_page()
        page.goto("/invoices")

        page.evaluate(
            "document.querySelector('main').innerHTML = "
            "'<img src=x onerror=\"document.title=1234\"><style>body{display:none}</style>'"
        )
        page.wait_for_timeout(300)
        title, display = page.title(), page.evaluate("getComputedStyle(document.body).display")
        context.close()

        assert title == "Invoices · docproc"
        assert display == "grid"
