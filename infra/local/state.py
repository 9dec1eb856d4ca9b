"""The demo's folder: one demo at a time owns it, and finds it empty."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

INBOX = "inbox"
# The service's secret key and its accounts lie in it.
_OWN = 0o700


class NoFolder(Exception):  # noqa: N818 - it names what is wrong
    """The folder can be neither made nor used."""


class AlreadyRunning(Exception):  # noqa: N818 - it names what is wrong
    """Another demo owns the folder."""


@contextmanager
def owned(folder: Path) -> Iterator[Path]:
    """Yield the folder, emptied but for its inbox, while this process owns it.

    Raises AlreadyRunning or NoFolder.
    The system itself gives the lock back when the process ends, however it ends, so what a
    killed run leaves behind is never in the way.
    """
    try:
        # One that somebody else made for more than a demo, like /tmp, keeps its rights.
        is_own = not folder.exists() or (folder / "lock").exists()
        (folder / INBOX).mkdir(parents=True, exist_ok=True)
        if is_own:
            folder.chmod(_OWN)
        lock_file = (folder / "lock").open("a+", encoding="ascii")
    except OSError as error:
        raise NoFolder(
            f"{folder} cannot be the demo's folder ({error.strerror}); name another with --state"
        ) from error
    with lock_file as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            pid = lock.read().strip()
            raise AlreadyRunning(
                f"a demo is already running in {folder} (process {pid}). "
                f"Stop it with Ctrl-C in its terminal, or: kill {pid}"
            ) from error
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        for entry in folder.iterdir():
            if entry.name not in {"lock", INBOX}:
                shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
        yield folder
