import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

TETHER = Path(__file__).resolve().parents[3] / "infra" / "local" / "tether.py"
CHILD = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
PARENT = f"""
import subprocess, sys, time
child = subprocess.Popen([sys.executable, {str(TETHER)!r}, sys.executable, "-c", {CHILD!r}],
                         stdin=subprocess.PIPE, start_new_session=True)
time.sleep(60)
"""


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


class TestTether:
    @pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
    def test_ends_the_command_however_its_parent_ends(self, number: signal.Signals) -> None:
        with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE) as parent:
            assert parent.stdout is not None
            pid = int(parent.stdout.readline())
            was_running = is_running(pid)

            parent.send_signal(number)
            deadline = time.monotonic() + 10
            while is_running(pid) and time.monotonic() < deadline:
                time.sleep(0.02)

        assert was_running
        assert not is_running(pid)

    def test_returns_the_command_s_status(self) -> None:
        command = [sys.executable, str(TETHER), sys.executable, "-c", "raise SystemExit(7)"]
        with subprocess.Popen(command, stdin=subprocess.PIPE) as tether:
            status = tether.wait(10)

        assert status == 7
