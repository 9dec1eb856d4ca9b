"""The job on Spark as a program of its own, on embedded AWS whose requests a test can watch."""

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from infra.local.credentials import PLACEHOLDERS
from infra.local.embedded_aws import REGION, EmbeddedAws
from infra.local.provision import DESTINATION_BUCKET, DOCUMENT_TABLE, INVOICE_TABLE
from infra.local.system import inherited

PYTHON = os.environ.get("DOCPROC_TEST_SPARK_PYTHON", "")
ROOT = Path(__file__).resolve().parents[2]
# Two Python workers; a task that dies is tried again, as on a cluster.
SUBMIT = (
    "--master local[2,4] --driver-memory 1g --conf spark.ui.enabled=false"
    " --conf spark.driver.host=127.0.0.1 --conf spark.driver.bindAddress=127.0.0.1"
    " --conf spark.ui.showConsoleProgress=false"
    " --driver-java-options '-XX:TieredStopAtLevel=1 -XX:+UseSerialGC' pyspark-shell"
)
needs_spark = pytest.mark.skipif(
    not PYTHON or not shutil.which("java"),
    reason="DOCPROC_TEST_SPARK_PYTHON names no interpreter with pyspark, or there is no Java on the path;"
    " `make spark` makes one and runs this",
)


class Watch:
    """A WSGI application around embedded AWS that calls back before and after each request."""

    def __init__(self, application: Any) -> None:
        self._application = application
        self.before: Callable[[str], None] = lambda _: None
        self.after: Callable[[str], None] = lambda _: None

    def __call__(self, environ: Any, start_response: Any) -> Iterable[bytes]:
        """Serve the request between the two calls; they hear of `METHOD /path` or `Service.Operation`."""
        name = environ.get("HTTP_X_AMZ_TARGET") or f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}"
        self.before(name)
        answer: Iterable[bytes] = self._application(environ, start_response)
        self.after(name)
        return answer


@contextmanager
def watched(aws: EmbeddedAws) -> Iterator[Watch]:
    """Put a watch around embedded AWS."""
    inner = aws._moto
    watch = Watch(inner)
    aws._moto = watch
    try:
        yield watch
    finally:
        aws._moto = inner


def environ_of(aws: EmbeddedAws, **settings: str) -> dict[str, str]:
    """Return the environment of a job on embedded AWS."""
    return {
        **inherited(os.environ),
        **PLACEHOLDERS,
        "PYTHONPATH": f"{ROOT}:{ROOT}/tests/support/recording",
        "SPARK_LOCAL_IP": "127.0.0.1",
        "PYSPARK_PYTHON": PYTHON,
        "PYSPARK_DRIVER_PYTHON": PYTHON,
        "PYSPARK_SUBMIT_ARGS": SUBMIT,
        "DOCPROC_AWS_ENDPOINT_URL": aws.endpoint_url,
        "DOCPROC_AWS_REGION": REGION,
        "DOCPROC_DESTINATION_BUCKET": DESTINATION_BUCKET,
        "DOCPROC_DOCUMENT_TABLE": DOCUMENT_TABLE,
        "DOCPROC_INVOICE_TABLE": INVOICE_TABLE,
        **settings,
    }


class Job:
    """One run of the job."""

    def __init__(self, aws: EmbeddedAws, log_path: Path, *arguments: str, **settings: str) -> None:
        self.log_path = log_path
        with log_path.open("wb") as log:
            self.process = subprocess.Popen(
                [PYTHON, "-m", "infra.spark.job", *arguments],
                env=environ_of(aws, **settings),
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def wait(self, seconds: float = 240) -> int:
        """Return the exit status."""
        try:
            return self.process.wait(seconds)
        finally:
            self.kill()

    @property
    def log(self) -> str:
        """What it has said."""
        return self.log_path.read_text(errors="replace")

    def kill(self, *, workers_only: bool = False) -> int:
        """Kill all of it at once, or Python's workers; returns how many processes that were."""
        found = [pid for pid in descendants(self.process.pid) if not workers_only or _is_worker(pid)]
        if not workers_only and self.process.poll() is None:
            found.append(self.process.pid)
        for pid in found:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        return len(found)


def descendants(pid: int) -> list[int]:
    """Return the processes that a process has started, and those that they have."""
    children: dict[int, list[int]] = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(status.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        children.setdefault(parent, []).append(int(status.parent.name))
    found, waiting = [], [pid]
    while waiting:
        waiting += (some := children.get(waiting.pop(), []))
        found += some
    return found


def _is_worker(pid: int) -> bool:
    try:
        return b"pyspark.daemon" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
