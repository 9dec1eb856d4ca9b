"""What the tests in a browser share; each module has a `system` of its own."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from infra.local.system import LocalSystem
from tests.support.browsing import CHROMIUM, OFFLINE, Complaints, sign_in

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page, StorageState


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - only these tests need it

    with sync_playwright() as started:
        made = started.chromium.launch(executable_path=CHROMIUM, args=list(OFFLINE))
        yield made
        made.close()


@pytest.fixture(scope="module")
def session(system: LocalSystem, browser: "Browser") -> "StorageState":
    """Return an operator's cookies."""
    return sign_in(system, browser)


@pytest.fixture(params=[True, False], ids=["script", "no-script"])
def has_script(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def context(
    system: LocalSystem, browser: "Browser", session: "StorageState", *, has_script: bool
) -> "Iterator[BrowserContext]":
    """Yield an operator's browser, once with and once without JavaScript."""
    made = browser.new_context(
        base_url=system.service.url, storage_state=session, java_script_enabled=has_script
    )
    yield made
    made.close()


@pytest.fixture
def complaints(context: "BrowserContext") -> "Iterator[Complaints]":
    """Yield what the browser complains of; at the end that must be nothing."""
    made = Complaints(context)
    yield made
    assert made.said == []


@pytest.fixture
def page(context: "BrowserContext", complaints: Complaints) -> "Page":
    """Return an operator's page."""
    del complaints
    return context.new_page()
