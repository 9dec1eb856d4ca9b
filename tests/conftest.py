"""What every test has: no test reads ../shared unless it is there."""

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder of genuine documents and messages; skips where it is not there."""
    if not SHARED.is_dir():
        pytest.skip("the folder of genuine samples and messages is not beside this checkout")
    return SHARED
