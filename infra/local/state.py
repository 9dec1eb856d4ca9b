"""The demo's folder: one demo at a time owns it, and finds it empty."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

INBOX = "inbox"
# Commands may have made a table here before the first demo.
DEFAULT = ".demo"
# The service's secret key and its accounts lie in it.
_OWN = 0o700


class NoFolder(Exception):  # noqa: N818 - it names what is wrong
    """The folder can be neither made nor used."""


class AlreadyRunning(Exception):  # noqa: N818 - it names what is wrong
    """Another demo owns the folder."""


@contextmanager
def owned(folder: Path) -> Iterator[Path]:
    """Yield the folder, emptied but for its inbox, while this process owns it.

    Raises AlreadyRunning, or NoFolder, also for a folder with anything in it that no demo had before.
    The system itself gives the lock back when the process ends, however it ends, so what a
    killed run leaves behind is never in the way.
    """
    try:
        is_own = not folder.exists() or folder.name == DEFAULT or (folder / "lock").exists()
        if not is_own and any(entry.name != INBOX for entry in folder.iterdir()):
            raise NoFolder(f"{folder} is not empty and no demo's; name another with --state")
        (folder / INBOX).mkdir(parents=True, exist_ok=True)
        if is_own:  # a folder that somebody made keeps its rights
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
