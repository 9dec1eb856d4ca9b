"""The service as a child process under its production server, tethered to this one."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import requests

from infra.local.loopback import session

ROOT = Path(__file__).resolve().parents[2]
TETHER = Path(__file__).with_name("tether.py")
HOST = "127.0.0.1"
START_SECONDS = 60.0
LOG_TAIL_LINES = 15
# As in production: infra/ec2 starts the same.
COMMAND = (sys.executable, "-m", "gunicorn", "-c", "docproc/gunicorn.py", "docproc.wsgi")


class PortTaken(Exception):  # noqa: N818 - it names what is wrong
    """Another program listens on the port."""


class ServiceFailed(Exception):  # noqa: N818 - it names what is wrong
    """The service did not start, or a command of it failed; the message has the end of its log."""


def free_port(wanted: int) -> int:
    """Return the port, or any free one for 0. Raises PortTaken."""
    try:
        with socket.create_server((HOST, wanted)) as probe:
            port: int = probe.getsockname()[1]
            return port
    except OSError as error:
        raise PortTaken(f"port {wanted} of {HOST} is in use; name another with --port") from error


class Service:
    """gunicorn on a port of this machine; what it says goes to the log file."""

    def __init__(self, environ: Mapping[str, str], *, port: int, log_path: Path) -> None:
        self.url = f"http://{HOST}:{port}"
        self._environ = {**environ, "DOCPROC_BIND": f"{HOST}:{port}"}
        self._log_path = log_path
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; returns before it is ready. Needs a `stop` or `kill` before the next start."""
        with self._log_path.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own command
                [sys.executable, "-S", "-E", str(TETHER), *COMMAND],
                cwd=ROOT,
                env=self._environ,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for the parent, which ends things in order
            )

    def wait_ready(self) -> None:
        """Return when it can reach its ledger and bucket. Raises ServiceFailed."""
        deadline = time.monotonic() + START_SECONDS
        with session() as http:
            while time.monotonic() < deadline and self.is_alive:
                try:
                    if http.get(f"{self.url}/readyz", timeout=5).ok:
                        return
                except requests.RequestException:
                    pass  # not listening yet
                time.sleep(0.05)
        raise ServiceFailed(
            f"the service did not become ready; the end of {self._log_path}:\n{self.log_tail()}"
        )

    @property
    def is_alive(self) -> bool:
        """Whether its process runs."""
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        """Let what is in flight finish, then end it. Safe to repeat."""
        if self._process and self._process.stdin:
            self._process.stdin.close()
            self._process.wait()

    def kill(self) -> None:
        """End it and its workers at once, as a power cut does."""
        if self._process and self._process.stdin:
            os.killpg(self._process.pid, signal.SIGKILL)
            self.stop()

    def manage(self, *arguments: str) -> None:
        """Run one of its commands in its environment. Raises ServiceFailed."""
        done = subprocess.run(  # noqa: S603 - our own command
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self._environ,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise ServiceFailed(f"manage.py {' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")

    def log_tail(self) -> str:
        """Return the last lines of its log but for the frames of stack traces."""
        lines = self._log_path.read_text(encoding="utf-8", errors="replace").splitlines()
        telling = [line for line in lines if line and not line.startswith((" ", "Traceback"))]
        return "\n".join(f"  {line}" for line in telling[-LOG_TAIL_LINES:])
