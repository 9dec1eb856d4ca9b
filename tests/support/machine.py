"""A machine to install on: this one's files under an overlay, booted by a systemd of its own.

To be used inside `unshare --net --mount --pid --fork --kill-child`, as root: then nothing of it
touches this machine, its loopback is its own, and all of it ends with the process.
"""

import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

BOOT_SECONDS = 60
# Of this machine's services the new one starts none; of its programs it has these replaced.
_WANTS = "etc/systemd/system"
_STAND_INS = {
    # What the installer wants is here already, and the machine has no network.
    "apt-get": '#!/bin/sh\necho "$*" >>/var/log/apt-get-calls\n',
    # A loop device has no serial number; the volume's is the one that EC2 would give it.
    "lsblk": "#!/bin/sh\necho /dev/docproc-volume vol0123456789abcdef0\n",
}


class NoMachine(Exception):  # noqa: N818 - it names what is wrong
    """None can be booted inside this one: it may not make namespaces, mounts or devices, say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """One that runs; `root` is its file system as seen from here."""

    root: Path
    leader: int

    def run(
        self, *command: str, environ: Mapping[str, str] | None = None, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run a command on it as root; raises RuntimeError with its output if it fails and `check`."""
        enter = ("nsenter", f"--target={self.leader}", "--mount", "--uts", "--ipc", "--pid", "--root")
        path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        done = subprocess.run(
            (*enter, "env", "--chdir=/", *command),
            env={"PATH": path, "LANG": "C.UTF-8", "HOME": "/root", **(environ or {})},
            capture_output=True,
            text=True,
            check=False,
        )
        if check and done.returncode:
            raise RuntimeError(f"{' '.join(command)}\n{done.stdout[-6000:]}\n{done.stderr[-6000:]}")
        return done


@contextmanager
def booted(folder: Path, volume: Path) -> Iterator[Machine]:
    """Yield a fresh machine with the file `volume` as its second disk. Raises NoMachine."""
    try:
        root = _overlay(folder)
        device = subprocess.run(
            ("losetup", "--find", "--show", str(volume)), capture_output=True, text=True, check=True
        ).stdout.strip()
    except subprocess.CalledProcessError as error:
        raise NoMachine(f"{error} {error.stderr or ''}") from error
    nspawn = ("systemd-nspawn", "--quiet", "--boot", "--register=no", "--keep-unit", "--machine=docproc-test")
    with (folder / "console").open("wb") as console:
        process = subprocess.Popen(
            (*nspawn, f"--directory={root}", f"--bind={device}:/dev/docproc-volume"),
            stdin=subprocess.DEVNULL,
            stdout=console,
            stderr=console,
        )
    try:
        machine = Machine(root=root, leader=_leader(process))
        _wait_booted(machine, folder / "console")
        yield machine
    finally:
        process.terminate()
        process.wait(timeout=90)
        subprocess.run(("losetup", "--detach", device), check=False)
        # Before anybody clears the folder away: this machine's files shine through the overlay.
        subprocess.run(("umount", "--recursive", str(folder)), check=True)


def _overlay(folder: Path) -> Path:
    subprocess.run(("mount", "-t", "tmpfs", "tmpfs", str(folder)), check=True)
    upper, work, root = (folder / name for name in ("upper", "work", "root"))
    for path in (upper, work, root):
        path.mkdir()
    options = f"lowerdir=/,upperdir={upper},workdir={work}"
    subprocess.run(("mount", "-t", "overlay", "overlay", "-o", options, str(root)), check=True)
    for wants in (root / _WANTS).glob("*.wants"):
        shutil.rmtree(wants)
    for name in ("etc/docproc", "opt/docproc", "var/lib/docproc", "var/log/journal"):
        shutil.rmtree(root / name, ignore_errors=True)
    for name, script in _STAND_INS.items():
        path = root / "usr/local/sbin" / name
        path.write_text(script, encoding="utf-8")
        path.chmod(0o755)
    (root / "usr/sbin/policy-rc.d").unlink(missing_ok=True)
    return root


def _leader(process: "subprocess.Popen[bytes]") -> int:
    """Return the process id of the machine's init, as seen from here."""
    deadline = time.monotonic() + BOOT_SECONDS
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    while time.monotonic() < deadline:
        for child in children.read_text(encoding="utf-8").split():
            if Path(f"/proc/{child}/comm").read_text(encoding="utf-8").strip() == "systemd":
                return int(child)
        time.sleep(0.1)
    raise NoMachine("systemd-nspawn started no machine")


def _wait_booted(machine: Machine, console: Path) -> None:
    deadline = time.monotonic() + BOOT_SECONDS
    while time.monotonic() < deadline:
        state = machine.run("systemctl", "is-system-running", check=False).stdout.strip()
        if state in {"running", "degraded"}:
            return
        time.sleep(0.3)
    raise NoMachine("the machine did not boot:\n" + console.read_text(errors="replace")[-3000:])
