"""Pictures of every page over a believable month: `python -m tests.screenshots [FOLDER]`.

Starts the whole local system, fills it, and looks at each page in both schemes and on a telephone,
a laptop and a wide screen; then at a query that Athena takes its time for, in each of its states.
Needs chromium and the package playwright. The two of the README are made with `--readme`, into
docs/images; `--states` makes those of the query alone.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, sync_playwright

from infra.local.provision import SOURCE_BUCKET
from infra.local.system import LocalSystem, running
from tests.support import showcase
from tests.support.browsing import CHROMIUM, OFFLINE, sign_in
from tests.support.slow_athena import HELD, Plan, with_athena

ROOT: Final = Path(__file__).resolve().parents[1]
SAMPLES: Final = ROOT / "infra" / "local" / "samples"
INVOICES: Final = 260
BROKEN: Final = (
    ("space-mechanics/march.txt", "01-canonical.txt"),
    ("vega/catering.txt", "04-catering.txt"),
    ("malabar/scan.pdf", "12-scan.pdf"),
    ("vega/catering.txt", "05-catering-corrected.txt"),
    ("malabar/crates.txt", "11-unreadable-amount.txt"),
    ("space-mechanics/march-changed.txt", "08-changed.txt"),
    ("vega/coffee.txt", "10-no-total.txt"),
)
PAGES: Final = {
    "overview": "/",
    "expenses": "/expenses",
    "expenses-by-seller": "/expenses?group=seller",
    "invoices": "/invoices",
    "invoice": "/invoice?customer=vg-CAT0007&invoice=2018-11",
    "rejections": "/rejections",
    "upload": "/upload",
    "reports": "/reports",
    "report": "/reports/tax-summary",
    "account": "/account",
}
STATES: Final = {
    "running": HELD,
    "cancelled": HELD,
    "failed": Plan(running_seconds=0, fault="Query cancelled! : Bytes scanned limit was exceeded"),
    "finished": Plan(running_seconds=0),
}
SIZES: Final = {"telephone": (360, 780), "laptop": (1280, 860), "wide": (2560, 1440)}


@contextmanager
def filled(folder: Path) -> Iterator[LocalSystem]:
    """Yield a running system with the showcase in it, swept and compacted."""
    with running(folder) as system:
        put = system.aws.client("s3").put_object
        uploads = [*showcase.invoices(datetime.now(UTC).date(), INVOICES)]
        uploads += [(key, (SAMPLES / name).read_bytes()) for key, name in BROKEN]
        for key, data in uploads:
            put(Bucket=SOURCE_BUCKET, Key=key, Body=data)
            time.sleep(0.02)
        system.service.manage("reconcile")
        system.service.manage("compact")
        yield system


def shoot(system: LocalSystem, browser: Browser, folder: Path, *, is_readme: bool) -> None:
    """Write a picture of each page."""
    state = sign_in(system, browser, "olga")
    names = ("overview", "expenses") if is_readme else tuple(PAGES)
    for scheme in ("light",) if is_readme else ("light", "dark"):
        for size, (width, height) in SIZES.items():
            if is_readme and size != "laptop":
                continue
            context = browser.new_context(
                base_url=system.service.url,
                storage_state=state,
                color_scheme="dark" if scheme == "dark" else "light",
                viewport={"width": width, "height": height},
            )
            for name in names:
                page = context.new_page()
                page.goto(PAGES[name], wait_until="networkidle")
                path = folder / (f"{name}.png" if is_readme else f"{name}-{size}-{scheme}.png")
                page.screenshot(path=path, full_page=size == "telephone")
                page.close()
                print(path)  # noqa: T201 - a command's output is its answer
            context.close()


def shoot_states(browser: Browser, folder: Path) -> None:
    """Write a picture of each state of a query."""
    with tempfile.TemporaryDirectory() as made, with_athena(Path(made)) as (system, athena):
        for key, data in showcase.invoices(datetime.now(UTC).date(), 60, days=30):
            system.aws.client("s3").put_object(Bucket=SOURCE_BUCKET, Key=key, Body=data)
        system.service.manage("reconcile")
        state = sign_in(system, browser, "olga")
        for scheme in ("light", "dark"):
            for size, (width, height) in SIZES.items():
                context = browser.new_context(
                    base_url=system.service.url,
                    storage_state=state,
                    color_scheme="dark" if scheme == "dark" else "light",
                    viewport={"width": width, "height": height},
                )
                page = context.new_page()
                for name, plan in STATES.items():
                    athena.plan = plan
                    page.goto(f"/expenses?seller={name[0]}&again={scheme}{size}{name}&file=csv")
                    page.wait_for_timeout(1_500)
                    if name == "cancelled":
                        page.click("text=Cancel")
                        page.locator("h2", has_text="Cancelled").wait_for()
                    if name == "finished":
                        page.locator(".figure").first.wait_for()
                        page.click("details summary")
                    path = folder / f"query-{name}-{size}-{scheme}.png"
                    page.screenshot(path=path, full_page=size == "telephone")
                    print(path)  # noqa: T201 - a command's output is its answer
                context.close()


def main() -> None:
    """Read the arguments, take the pictures."""
    parser = argparse.ArgumentParser(description="Pictures of every page.")
    parser.add_argument("folder", nargs="?", type=Path, default=Path("screenshots"))
    parser.add_argument("--readme", action="store_true", help="only those of the README, into docs/images")
    parser.add_argument("--states", action="store_true", help="only those of a query's states")
    arguments = parser.parse_args()
    folder: Path = ROOT / "docs" / "images" if arguments.readme else arguments.folder
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=list(OFFLINE))
        if not arguments.states:
            with tempfile.TemporaryDirectory() as state, filled(Path(state)) as system:
                shoot(system, browser, folder, is_readme=arguments.readme)
        if not arguments.readme:
            shoot_states(browser, folder)
        browser.close()


if __name__ == "__main__":
    main()
