"""The two pools of an instance behind nginx, from the units and the user data, without a systemd.

What systemd does for them is done here in small: it holds the sockets, hands them over by the
protocol of sd_listen_fds, starts what ExecStart says in what the user data writes, waits as
ExecStartPost does, and stops by SIGTERM. nginx runs the configuration of the instance.
https://www.freedesktop.org/software/systemd/man/latest/sd_listen_fds.html
"""

import configparser
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.support.template import CONFIGURATIONS, load, resolve

ROOT = Path(__file__).resolve().parents[2]
EC2 = ROOT / "infra" / "ec2"
START_SECONDS = 60
STOP_SECONDS = 45  # TimeoutStopSec of the unit
_PYTHON = "/opt/docproc/current/.venv/bin/python"


def environment_of_user_data() -> dict[str, str]:
    """Return what the user data writes into /etc/docproc/environment, for a small stack over http."""
    launch = resolve(load(), CONFIGURATIONS["small-http"]).properties("LaunchTemplate")
    text = launch["LaunchTemplateData"]["UserData"]
    block = text.split("cat > /etc/docproc/environment <<'END'\n")[1].split("\nEND\n")[0]
    return dict(line.split("=", 1) for line in block.splitlines())


def _command(key: str, pool: str) -> list[str]:
    unit = configparser.RawConfigParser(strict=False)
    unit.optionxform = str  # type: ignore[assignment,method-assign] # systemd's names have capitals
    unit.read(EC2 / "systemd" / "docproc-web@.service", encoding="utf-8")
    return shlex.split(unit["Service"][key].replace("%i", pool))


class Pool:
    """One unit docproc-web@POOL with its socket."""

    def __init__(self, name: str, folder: Path, environ: Mapping[str, str]) -> None:
        self._name, self._environ = name, dict(environ)
        self._path, self._log = folder / f"{name}.sock", folder / f"{name}.log"
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(str(self._path))
        self._socket.listen(4096)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; returns when one of its workers answers."""
        command = [part.replace(_PYTHON, sys.executable) for part in _command("ExecStart", self._name)]
        number = self._socket.fileno()
        handed = f'export LISTEN_PID=$$ LISTEN_FDS=1; exec "$@" 3<&{number}'
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                ("bash", "-c", handed, "bash", *command),
                cwd=ROOT,
                env=self._environ,
                pass_fds=(number,),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        asked = [part.replace("/run/docproc", str(self._path.parent)) for part in self._asking()]
        deadline = time.monotonic() + START_SECONDS
        while subprocess.run(asked, check=False).returncode:
            if time.monotonic() > deadline or self._process.poll() is not None:
                raise RuntimeError(f"{self._name} does not answer:\n{self._log.read_text()[-3000:]}")
            time.sleep(0.1)

    def stop(self) -> None:
        """Let it finish what it has in its hands."""
        if self._process and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(timeout=STOP_SECONDS)

    def restart(self) -> None:
        """Stop and start it, as systemctl restart does; the socket stays."""
        self.stop()
        self.start()

    def close(self) -> None:
        """End it and its socket."""
        self.stop()
        self._socket.close()

    def _asking(self) -> list[str]:
        return _command("ExecStartPost", self._name)


class WebServer:
    """nginx with the instance's configuration for a stack over http, on ports of this machine."""

    def __init__(self, folder: Path, port: int) -> None:
        self._configuration, self._log = folder / "nginx.conf", folder / "nginx.log"
        for name in ("machines.conf", "people.conf"):
            self._copy(EC2 / "nginx" / name, folder / name, folder, port)
        self._copy(EC2 / "nginx" / "edge-http.conf", folder / "edge.conf", folder, port)
        self._copy(EC2 / "nginx" / "nginx.conf", self._configuration, folder, port)
        self._port = port
        self._process: subprocess.Popen[bytes] | None = None

    def _copy(self, source: Path, target: Path, folder: Path, port: int) -> None:
        text = source.read_text(encoding="utf-8")
        for before, after in {
            "/etc/nginx/docproc": str(folder),
            "/run/docproc": str(folder),
            "/run/nginx.pid": str(folder / "nginx.pid"),
            "user docproc-web docproc": "user root",
            "listen 80 default_server": f"listen 127.0.0.1:{port} default_server",
            "listen 127.0.0.1:8000": f"listen unix:{folder}/people.sock",
            "error_log syslog:server=unix:/dev/log,nohostname warn": f"error_log {folder}/error.log warn",
            "ssl_certificate ": "# ",
            "ssl_certificate_key ": "# ",
        }.items():
            text = text.replace(before, after)
        target.write_text(text, encoding="utf-8")

    def start(self) -> None:
        """Start it; returns when it listens."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                ("nginx", "-c", self._configuration, "-g", "daemon off;"), stdout=log, stderr=log
            )
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", self._port), timeout=1).close()
            except OSError:
                if time.monotonic() > deadline or self._process.poll() is not None:
                    raise RuntimeError(f"nginx does not listen:\n{self._log.read_text()[-3000:]}") from None
                time.sleep(0.05)
            else:
                return

    def reload(self) -> None:
        """Take the configuration anew, as systemctl reload does."""
        if self._process:
            self._process.send_signal(signal.SIGHUP)

    def stop(self) -> None:
        """End it."""
        if self._process:
            self._process.terminate()
            self._process.wait(timeout=30)


@contextmanager
def running(folder: Path, environ: Mapping[str, str], port: int) -> Iterator[tuple[Pool, WebServer]]:
    """Yield the pool `sns` and the web server, with the pool `pages` beside them."""
    pools = [Pool(name, folder, environ) for name in ("sns", "pages")]
    server = WebServer(folder, port)
    try:
        for pool in pools:
            pool.start()
        server.start()
        yield pools[0], server
    finally:
        server.stop()
        for pool in pools:
            pool.close()
