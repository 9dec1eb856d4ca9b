"""What a user's first command shows, from outside."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "infra" / "local" / "samples" / "01-canonical.txt"
EXPENSES = [
    r"2018-03-31 +1 +7650\.00 +500\.00 +8150\.00",
    r"2018-04-02 +INR +1 +125000\.00 +22500\.00 +147500\.00",
    r"2018-04-09 +1 +2800\.00 +140\.00 +2940\.00",
    r"2018-04-09 +INR +1 +50000\.00 +9000\.00 +59000\.00",
    r"2018-04-16 +EUR +1 +12000\.00 +240\.00 +12340\.00",
]
REJECTIONS = [
    r"duplicate-invoice +space-mechanics/march-again\.txt",
    r"conflicting-invoice +space-mechanics/march-changed\.txt",
    r"ambiguous-date +kaveri/surge-arrester\.txt:6",
    r"missing-field +vega/coffee\.txt",
    r"bad-amount +malabar/crates\.txt:9",
    r"not-text +malabar/scan\.pdf",
]


def start(state: Path, *arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "manage.py", "demo", "--port", "0", "--state", str(state), *arguments],
        cwd=ROOT,
        env=os.environ | {"COLUMNS": "120", "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # A suite started in a shell's background ignores Ctrl-C, and would hand that down.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - no locks in it
    )


def read_until(stream: IO[str], pattern: str) -> str:
    """Return what came up to the first line that has the pattern."""
    text = ""
    for line in stream:
        text += line
        if re.search(pattern, line):
            return text
    raise AssertionError(f"no {pattern!r} in:\n{text}")


def assert_complete(shown: str) -> None:
    row = shown.replace("\n  ", "")
    assert (
        '"sm-LK0080145","inv-00001","2018-03-31","Space Mechanics Inc.","Starfleet Interplanatory HQ",'
        '"7650.00","500.00","8150.00","Space Rupees Eight thousand one hundred fifty only"'
    ) in row
    for pattern in (*EXPENSES, *REJECTIONS, r"data +572 bytes, byte for byte as uploaded"):
        assert re.search(pattern, shown), pattern
    assert "12 versions uploaded = 6 stored + 0 superseded + 6 rejected + 0 pending" in shown


@pytest.fixture
def demo(tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    with start(tmp_path) as process:
        yield process
        process.kill()


class TestDemo:
    def test_once_shows_every_document_to_its_end(self, tmp_path: Path) -> None:
        with start(tmp_path, "--once", "--ledger", "sqlite") as process:
            shown, _ = process.communicate(timeout=300)

        assert process.returncode == 0, shown
        assert "The SQL record" in shown
        assert_complete(shown)

    def test_goes_on_until_ctrl_c(self, demo: "subprocess.Popen[str]", tmp_path: Path) -> None:
        assert demo.stdout is not None
        shown = read_until(demo.stdout, "Ctrl-C stops everything")
        text = SAMPLE.read_text(encoding="utf-8").replace("inv-00001", "inv-90001")

        (tmp_path / "inbox" / "mine.txt").write_text(text, encoding="utf-8")
        read_until(demo.stdout, r"inbox/mine\.txt +stored +sm-LK0080145 +inv-90001 +2018-03-31 +8150\.00")
        demo.send_signal(signal.SIGINT)
        rest, _ = demo.communicate(timeout=120)

        assert "The DynamoDB record" in shown
        assert_complete(shown)
        assert demo.returncode == 0
        assert "Stopped; nothing is left running." in rest
        assert "Traceback" not in rest
        assert "Shutting down: Master" in (tmp_path / "service.log").read_text(encoding="utf-8")
