"""What every test has: no test reads ../shared unless it is there, and none depends on luck."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.support.moto_wire import moto_on_the_wire

# The same examples each time, since a suite that fails by chance teaches people to run it again;
# no deadline, since a shared machine is slow at times. The slow proofs draw anew.
settings.register_profile("docproc", deadline=None, derandomize=True)
settings.load_profile("docproc")

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder of genuine documents and messages; skips where it is not there."""
    if not SHARED.is_dir():
        pytest.skip("the folder of genuine samples and messages is not beside this checkout")
    return SHARED


@pytest.fixture(scope="session", autouse=True)
def _moto_on_the_wire() -> Iterator[None]:
    with moto_on_the_wire():
        yield
