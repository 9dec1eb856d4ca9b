"""The demo's documents: what they hold is known from outside."""

import hashlib
from pathlib import Path

import pytest

SAMPLES = Path(__file__).resolve().parents[3] / "infra" / "local" / "samples"


class TestSamples:
    @pytest.mark.parametrize("name", ["01-canonical.txt", "07-resent.txt"])
    def test_have_the_canonical_invoice_byte_for_byte(self, name: str) -> None:
        data = (SAMPLES / name).read_bytes()

        assert len(data) == 572
        assert hashlib.md5(data).hexdigest() == "2fafdc4705f330664733b544dbcabc43"  # noqa: S324 - a published sum
