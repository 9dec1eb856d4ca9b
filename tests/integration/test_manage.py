"""How commands end, from outside: stopped, or with nobody to take what they print."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ENVIRONMENT = os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"}
# A command that holds something, as the others hold a lease.
HOLDER = """
import sys, time
import manage

def hold(_):
    try:
        print("held", flush=True)
        time.sleep(60)
    finally:
        time.sleep(0.2)
        print("given back")

manage.execute_from_command_line = hold
sys.exit(manage.main())
"""


@pytest.mark.parametrize(
    ("signals", "status"),
    [((signal.SIGINT,), 130), ((signal.SIGTERM,), 143), ((signal.SIGTERM, signal.SIGTERM), 143)],
    ids=["Ctrl-C", "SIGTERM", "SIGTERM twice"],
)
def test_gives_back_what_it_holds_when_it_is_stopped(
    signals: tuple[signal.Signals, ...], status: int
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # Whoever runs the tests in the background ignores SIGINT, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - no locks in it
    ) as command:
        assert command.stdout is not None
        held = command.stdout.readline()
        for number in signals:
            command.send_signal(number)
        out, err = command.communicate(timeout=30)

    assert (held, out, err, command.returncode) == (b"held\n", b"given back\n", b"", status)


QUERY = """
import sys
import duckdb, manage

def ask(_):
    print("asked", flush=True)
    # One thread, the main one: DuckDB looks for signals only between that one's tasks.
    duckdb.connect(config={"threads": 1}).execute("SELECT sum(hash(range)) FROM range(20000000000)")

manage.execute_from_command_line = ask
sys.exit(manage.main())
"""


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_ends_amid_a_query_of_duckdb(number: signal.Signals, status: int) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", QUERY],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - the same
    ) as command:
        assert command.stdout is not None
        command.stdout.readline()
        time.sleep(0.5)
        command.send_signal(number)
        _, err = command.communicate(timeout=30)

    assert (err, command.returncode) == (b"", status)


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        ("help > /dev/full", 1, b"standard output: cannot be written: No space left on device\n"),
        ("help >&-", 1, b"standard output is closed; redirect it to a file or to /dev/null\n"),
    ],
)
def test_says_that_its_output_goes_nowhere(arguments: str, status: int, said: bytes) -> None:
    result = subprocess.run(
        ["sh", "-c", f"{sys.executable} manage.py {arguments}"],
        cwd=ROOT,
        env=ENVIRONMENT,
        capture_output=True,
        check=False,
    )

    assert (result.returncode, result.stderr) == (status, said)


def test_ends_quietly_when_nobody_reads_on() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    result = subprocess.run(
        [sys.executable, "manage.py", "help"],
        cwd=ROOT,
        env=ENVIRONMENT,
        stdout=writer,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writer)

    assert (result.returncode, result.stderr) == (141, b"")
