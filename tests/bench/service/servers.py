"""Servers under test, each a tree of processes whose CPU time and memory are read from /proc."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from infra.local.credentials import PLACEHOLDERS
from infra.local.embedded_aws import REGION
from infra.local.service import HOST, ROOT, TETHER, free_port
from infra.local.sns_messages import CERTIFICATE_NAME, Signer
from infra.local.system import inherited
from tests.bench.service.control import Control
from tests.bench.service.corpus import DESTINATION_BUCKET, SOURCE_BUCKET, TOPIC
from tests.bench.service.variants import Variant

START_SECONDS = 60.0
_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class NotReady(Exception):  # noqa: N818 - it names what is wrong
    """A server did not start; the message has the end of its log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stub:
    """The running stand-in for AWS, and who signs its messages."""

    port: int
    signer: Signer

    @property
    def url(self) -> str:
        """Its endpoint."""
        return f"http://{HOST}:{self.port}"

    @property
    def control(self) -> Control:
        """What asks it."""
        return Control(self.port)


class Server:
    """A running variant."""

    def __init__(self, pid: int, port: int, ready_seconds: float, log: Path) -> None:
        self.port, self.ready_seconds, self._pid, self._log = port, ready_seconds, pid, log

    def processes(self) -> list[int]:
        """Return its processes, but for the tether that starts them."""
        parents = {pid: int(fields[1]) for pid, fields in _all_stats()}
        found, tree = [self._pid], list[int]()
        while found:
            children = [pid for pid, parent in parents.items() if parent in found]
            tree, found = tree + children, children
        return tree

    def cpu_seconds(self) -> float:
        """Return user and system time of all its processes, and of those of them that have ended."""
        tree = {self._pid, *self.processes()}
        ticks = 0
        for pid, fields in _all_stats():
            if pid in tree:  # of the tether only what its children left
                own = fields[11:13] if pid != self._pid else ()
                ticks += sum(int(each) for each in (*own, *fields[13:15]))
        return ticks / _TICKS_A_SECOND

    def complaints(self) -> str:
        """Return the last lines of its log that are no plain news."""
        lines = [line for line in self._log.read_text(errors="replace").splitlines() if '"INFO"' not in line]
        return "".join(f"\n  {line}" for line in lines[-5:])

    def resident_bytes(self) -> list[int]:
        """Return the resident memory of each process, largest first."""
        tree = self.processes()
        return sorted((int(f[21]) * _PAGE_BYTES for pid, f in _all_stats() if pid in tree), reverse=True)


@contextmanager
def stub(scratch: Path, signer: Signer) -> Iterator[Stub]:
    """Yield the stand-in for AWS as a process of its own."""
    certificate = scratch / "certificate.pem"
    certificate.write_bytes(signer.certificate_pem)
    command = [sys.executable, "-m", "tests.bench.service.stub", "0", str(certificate)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            yield Stub(port=int(process.stdout.readline()), signer=signer)
        finally:
            process.terminate()


@contextmanager
def running(variant: Variant, aws: Stub, scratch: Path, *, workers: int) -> Iterator[Server]:
    """Yield the variant once it is ready. Raises NotReady."""
    port, log = free_port(0), scratch / f"{variant.name}.log"
    command = [part.format(port=port, workers=workers) for part in variant.command]
    environ = inherited(os.environ) | settings(aws, scratch, port, workers)
    began = time.perf_counter()
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-S", "-E", str(TETHER), *command],
            cwd=ROOT,
            env=environ,
            stdin=subprocess.PIPE,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
    try:
        _wait_ready(process, port, variant.ready_path, log)
        yield Server(process.pid, port, time.perf_counter() - began, log)
    finally:
        assert process.stdin
        process.stdin.close()
        process.wait()


def _wait_ready(process: "subprocess.Popen[bytes]", port: int, path: str, log: Path) -> None:
    deadline = time.perf_counter() + START_SECONDS
    while time.perf_counter() < deadline and process.poll() is None:
        connection = HTTPConnection(HOST, port, timeout=10)
        try:
            connection.request("GET", path, headers={"Host": HOST})
            if connection.getresponse().status < 500:
                return
        except (OSError, HTTPException):
            pass  # not listening yet
        finally:
            connection.close()
        time.sleep(0.01)
    raise NotReady(f"the end of its log:\n{log.read_text(errors='replace')[-2000:]}")


def settings(aws: Stub, scratch: Path, port: int, workers: int) -> dict[str, str]:
    """Return the environment of every variant: docproc's settings, from which the others take theirs."""
    return {
        **PLACEHOLDERS,
        "AWS_ENDPOINT_URL": aws.url,
        "AWS_DEFAULT_REGION": REGION,
        "PYTHONPATH": str(ROOT),
        "DOCPROC_BIND": f"{HOST}:{port}",
        "DOCPROC_WORKERS": str(workers),
        # Whichever process the load falls upon, it takes all of it.
        "DOCPROC_MAX_IN_FLIGHT": "64",
        "DOCPROC_THREADS": "72",
        "DOCPROC_SECRET_KEY": "a key for benchmarks only, never used elsewhere, 50 characters",
        "DOCPROC_ALLOWED_HOSTS": HOST,
        "DOCPROC_DATABASE_URL": f"sqlite:///{scratch / 'accounts.sqlite3'}",
        "DOCPROC_TOPIC_ARNS": TOPIC,
        "DOCPROC_SOURCE_BUCKET": SOURCE_BUCKET,
        "DOCPROC_DESTINATION_BUCKET": DESTINATION_BUCKET,
        "DOCPROC_AWS_REGION": REGION,
        "DOCPROC_AWS_ENDPOINT_URL": aws.url,
        "DOCPROC_SNS_CERTIFICATE_BASE_URL": aws.url,
        "DOCPROC_SNS_CERTIFICATE_NAME": CERTIFICATE_NAME,
    }


def _all_stats() -> Iterator[tuple[int, list[str]]]:
    """Yield each process with the fields of its stat, from the state on (fields[1] is the parent)."""
    for file in Path("/proc").glob("[0-9]*/stat"):
        try:
            yield int(file.parent.name), file.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # ended meanwhile
