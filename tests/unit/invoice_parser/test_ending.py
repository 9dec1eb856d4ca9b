"""How a program ends, from outside."""

import errno
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from invoice_parser.ending import ended_well

ROOT = Path(__file__).parents[3]
SLEEPER = """
import sys, time
from invoice_parser.ending import ended_well

def main():
    try:
        print("begun", flush=True)
        time.sleep(60)
    finally:
        print("cleaned up")

sys.exit(ended_well(main))
"""


def test_ends_without_a_trace_on_ctrl_c() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SLEEPER],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # Whoever runs the tests in the background ignores SIGINT, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - no locks in it
    ) as program:
        assert program.stdout is not None
        begun = program.stdout.readline()
        program.send_signal(signal.SIGINT)
        out, err = program.communicate(timeout=30)

    assert (begun, out, err, program.returncode) == (b"begun\n", b"cleaned up\n", b"", 130)


def test_names_the_file_that_a_full_disk_has_no_room_for(tmp_path: Path) -> None:
    script = f"""
import sys
from invoice_parser.ending import ended_well

def main():
    raise OSError({errno.ENOSPC}, "No space left on device", "{tmp_path}/a.csv")

sys.exit(ended_well(main))
"""

    result = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, check=False)

    assert result.returncode == 1
    assert result.stderr.decode() == f"{tmp_path}/a.csv: cannot be written: No space left on device\n"


def test_lets_other_errors_rise() -> None:
    def main() -> int:
        raise PermissionError(errno.EACCES, "Permission denied")

    with pytest.raises(PermissionError):
        ended_well(main)
