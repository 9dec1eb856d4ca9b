"""Pictures of every page over a believable month: `python -m tests.screenshots [FOLDER]`.

Starts the whole local system, fills it, and looks at each page in both schemes and on a telephone,
a laptop and a wide screen. Needs chromium and the package playwright. The two of the README are
made with `--readme`, into docs/images.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, StorageState, sync_playwright

from infra.local.provision import SOURCE_BUCKET
from infra.local.system import LocalSystem, inherited, running
from tests.support import showcase

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
SIZES: Final = {"telephone": (360, 780), "laptop": (1280, 860), "wide": (2560, 1440)}
OFFLINE: Final = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking")


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


def sign_in(system: LocalSystem, browser: Browser) -> StorageState:
    """Return an operator's cookies."""
    link = subprocess.run(
        [sys.executable, "manage.py", "loginlink", "--url", system.service.url, "--name", "olga"],
        cwd=ROOT,
        env=inherited(os.environ) | system.settings,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    context = browser.new_context()
    context.new_page().goto(link)
    return context.storage_state()


def shoot(system: LocalSystem, browser: Browser, folder: Path, *, is_readme: bool) -> None:
    """Write a picture of each page."""
    state = sign_in(system, browser)
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


def main() -> None:
    """Read the arguments, take the pictures."""
    parser = argparse.ArgumentParser(description="Pictures of every page.")
    parser.add_argument("folder", nargs="?", type=Path, default=Path("screenshots"))
    parser.add_argument("--readme", action="store_true", help="only those of the README, into docs/images")
    arguments = parser.parse_args()
    folder: Path = ROOT / "docs" / "images" if arguments.readme else arguments.folder
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as state, filled(Path(state)) as system, sync_playwright() as started:
        browser = started.chromium.launch(executable_path=shutil.which("chromium"), args=list(OFFLINE))
        shoot(system, browser, folder, is_readme=arguments.readme)
        browser.close()


if __name__ == "__main__":
    main()
