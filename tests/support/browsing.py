"""A browser as people have it: Debian's Chromium, kept off the network, and what checks the pages in it.

The checkers come from npm into a folder that DOCPROC_TEST_NODE_MODULES names: axe-core, and vnu-jar,
which needs Java.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infra.local.service import ROOT
from infra.local.system import LocalSystem, inherited

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page, StorageState

CHROMIUM = shutil.which("chromium")
MODULES = os.environ.get("DOCPROC_TEST_NODE_MODULES", "")
OFFLINE = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def login_link(system: LocalSystem, name: str = "demo") -> str:
    """Return a link that logs an operator in, once."""
    return subprocess.run(
        [sys.executable, "manage.py", "loginlink", "--url", system.service.url, "--name", name],
        cwd=ROOT,
        env=inherited(os.environ) | system.settings,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()


def sign_in(system: LocalSystem, browser: "Browser", name: str = "demo") -> "StorageState":
    """Return an operator's cookies, won by the link that the demo prints."""
    context = browser.new_context()
    context.new_page().goto(login_link(system, name))
    state = context.storage_state()
    context.close()
    return state


class Complaints:
    """What a browser says that no page should make it say."""

    def __init__(self, context: "BrowserContext") -> None:
        self.said: list[str] = []
        context.on("console", self._hear)
        context.on("weberror", lambda error: self.said.append(str(error.error)))
        context.on("dialog", self._dismiss)

    def _dismiss(self, dialog: Any) -> None:
        self.said.append(dialog.message)
        dialog.dismiss()

    def _hear(self, message: Any) -> None:
        if message.type in {"error", "warning"}:
            self.said.append(message.text)


def barriers(page: "Page") -> list[tuple[str, list[str]]]:
    """Return what axe finds on the page: the rule, and some of the places."""
    page.evaluate((Path(MODULES) / "axe-core" / "axe.min.js").read_text(encoding="utf-8"))
    found = page.evaluate("async () => (await axe.run()).violations")
    return [(each["id"], [node["html"] for node in each["nodes"]][:3]) for each in found]


def html_errors(folder: Path) -> list[tuple[str, str | None]]:
    """Return what the validator finds in the folder's files: the message, and the place."""
    jar = Path(MODULES) / "vnu-jar" / "build" / "dist" / "vnu.jar"
    done = subprocess.run(
        ["java", "-jar", str(jar), "--format", "json", "--stdout", str(folder)],
        check=False,
        capture_output=True,
        text=True,
    )
    messages = json.loads(done.stdout)["messages"]
    return [(each["message"], each.get("extract")) for each in messages if each["type"] == "error"]
