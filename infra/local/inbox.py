"""A watched folder: a file that comes, or changes, is a document to upload."""

from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

_Stamp: TypeAlias = tuple[int, int]


class Inbox:
    """Remembers which files it has handed out, by name, size and time of change."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen: dict[Path, _Stamp] = {}
        self._handed_out: dict[Path, _Stamp] = {}

    def new_files(self) -> Iterator[tuple[str, bytes]]:
        """Yield the name and content of each file that is new or changed since it was handed out.

        A file counts once it has stayed the same from one call to the next, so that no half
        copied one goes out; names that editors use for their own files do not count.
        """
        seen: dict[Path, _Stamp] = {}
        for path in sorted(self._folder.rglob("*")):
            name = path.relative_to(self._folder).as_posix()
            if path.name.startswith(".") or path.name.endswith("~"):
                continue
            try:
                if not path.is_file():
                    continue
                stat = path.stat()
                seen[path] = stamp = stat.st_size, stat.st_mtime_ns
                if stamp == self._seen.get(path) and stamp != self._handed_out.get(path):
                    content = path.read_bytes()
                    self._handed_out[path] = stamp
                    yield name, content
            except OSError:
                continue  # gone again, or not ours to read
        self._seen = seen
