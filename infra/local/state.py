"""The demo's folder: one demo at a time owns it, and finds it empty."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

INBOX = "inbox"


class AlreadyRunning(Exception):  # noqa: N818 - it names what is wrong
    """Another demo owns the folder."""


@contextmanager
def owned(folder: Path) -> Iterator[Path]:
    """Yield the folder, emptied but for its inbox, while this process owns it. Raises AlreadyRunning.

    The system itself gives the lock back when the process ends, however it ends, so what a
    killed run leaves behind is never in the way.
    """
    (folder / INBOX).mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("a+", encoding="ascii") as lock:
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
