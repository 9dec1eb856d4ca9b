"""A release: the program and its wheels in one archive, named by its hash.

The same commit and locked requirements give the same bytes, so a deploy that changes nothing
changes nothing. Instances ask no package index: each wheel comes along and must have its locked hash.
"""

import gzip
import io
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("docproc", "api", "invoice_parser", "infra", "manage.py", "requirements.txt")
# Ubuntu 24.04 has Python 3.12, and so does Amazon Linux 2023 by a package of its own.
PYTHON_VERSION = "3.12"
PLATFORMS = ("manylinux2014_x86_64", "manylinux_2_28_x86_64", "manylinux_2_34_x86_64")


class ReleaseFailed(Exception):  # noqa: N818 - it names what is wrong
    """The release cannot be made; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """One archive."""

    version: str
    data: bytes

    @property
    def sha256(self) -> str:
        """Return the hash that instances insist on."""
        return sha256(self.data).hexdigest()

    @property
    def key(self) -> str:
        """Return its key in the bucket of releases."""
        return f"releases/docproc-{self.version}-{self.sha256[:16]}.tar.gz"


def build(*, python_version: str = PYTHON_VERSION, root: Path = ROOT) -> Release:
    """Return the release of the checkout. Raises ReleaseFailed."""
    version = _run("git", "describe", "--tags", "--always", "--dirty", root=root).strip()
    files = sorted(filter(None, _run("git", "ls-files", "-z", "--", *PARTS, root=root).split("\0")))
    with tempfile.TemporaryDirectory() as folder:
        _download_wheels(Path(folder), python_version, root)
        wheels = [(f"wheels/{wheel.name}", wheel) for wheel in sorted(Path(folder).iterdir())]
        return Release(version=version, data=_archive([(name, root / name) for name in files] + wheels))


def _download_wheels(folder: Path, python_version: str, root: Path) -> None:
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "download")
    target = ("--only-binary=:all:", "--implementation=cp", f"--python-version={python_version}")
    platforms = [f"--platform={platform}" for platform in PLATFORMS]
    locked = ("--require-hashes", "-r", "requirements.txt", "--dest", str(folder))
    _run(*pip, *target, *platforms, *locked, root=root)


def _archive(members: list[tuple[str, Path]]) -> bytes:
    """Return a tar.gz of the files whose bytes depend on nothing but their names, modes and contents."""
    buffer = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0, filename="") as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for name, path in members:
            info = tarfile.TarInfo(name)
            info.size = path.stat().st_size
            info.mode = 0o755 if path.stat().st_mode & 0o100 else 0o644
            with path.open("rb") as file:
                tar.addfile(info, file)
    return buffer.getvalue()


def _run(*command: str, root: Path) -> str:
    try:
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)  # noqa: S603 - our own
    except FileNotFoundError as error:
        raise ReleaseFailed(f"{command[0]} is missing; a release is made from a git checkout") from error
    except subprocess.CalledProcessError as error:
        raise ReleaseFailed(f"{' '.join(command[:4])} … failed:\n{error.stderr.strip()}") from error
    return done.stdout
