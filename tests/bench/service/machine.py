"""Where a benchmark ran, and how fast that was just then."""

import hashlib
import os
import platform
import re
import shutil
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from time import process_time

from infra.local.service import ROOT

_OURS = ("django", "boto3", "botocore", "gunicorn", "cryptography")
_PEERS = ("aws-lambda-powertools", "granian")


def cores() -> int:
    """Return the cores that this process may use."""
    return len(os.sched_getaffinity(0))


def calibrate() -> float:
    """Return the CPU milliseconds of a fixed piece of work, half of it Python's and half of it OpenSSL's."""
    began, total = process_time(), 0
    for number in range(400_000):
        total += number % 7
    for _ in range(25):
        hashlib.sha256(b"x" * 1_000_000).digest()
    return (process_time() - began) * 1000


def facts() -> dict[str, str]:
    """Return the machine, the versions, the date and how busy the machine is, each as a text."""
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    locked = (ROOT / "requirements-bench.txt").read_text()
    peers = [f"{name} {_locked(name, locked)}" for name in _PEERS]
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "machine": f"{cores()} cores, {model[1] if model else platform.machine()}",
        "system": f"Linux {platform.release()}, Python {platform.python_version()}",
        "versions": ", ".join([*(f"{name} {version(name)}" for name in _OURS), *peers]),
        "commit": _commit(),
        "load": f"{os.getloadavg()[0]:.1f}",
    }


def _locked(name: str, lock: str) -> str:
    found = re.search(rf"^{name}==(\S+)", lock, re.MULTILINE)
    return found[1] if found else "?"


def _commit() -> str:
    describe = ["git", "describe", "--always", "--dirty"]
    if not shutil.which(describe[0]):
        return "?"
    return subprocess.run(describe, cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()
