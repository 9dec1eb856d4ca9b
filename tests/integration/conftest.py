"""What the tests of the pages share."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.cache import caches

from tests.support.pages import World


@pytest.fixture
def world(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    db: None,  # noqa: ARG001 - the accounts' database
) -> Iterator[World]:
    """Return an empty world behind the pages."""
    made = World()
    made.install(monkeypatch, tmp_path)
    caches["default"].clear()
    yield made
    caches["default"].clear()
