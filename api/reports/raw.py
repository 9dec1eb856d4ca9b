"""The raw CSV objects as one Arrow table; each is downloaded once, for it never changes."""

import csv
import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Lock
from typing import Protocol

import pyarrow as pa
import pyarrow.compute as pc

from api.reports.tables import tail_start
from invoice_parser import CSV_COLUMNS

PREFIX = "csv/v1/ingest="
HOUR_LENGTH = len("YYYY-MM-DD-HH")
DOWNLOADS = 16
# A row holds at most a document's text and its items as JSON; Python's own limit is 128 KiB.
MAX_FIELD_CHARACTERS = 1 << 21
SCHEMA = pa.schema([(column, pa.string()) for column in (*CSV_COLUMNS, "ingest")])


class Objects(Protocol):
    """What is needed of the destination bucket."""

    def list_keys(self, prefix: str, start_after: str) -> Iterator[str]:
        """Yield the keys that begin with the prefix and sort after the other, in order."""

    def get(self, key: str) -> bytes:
        """Return the object's bytes."""


class RawObjects:
    """The objects read so far. Safe to use from several threads."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._lock = Lock()
        self._compacted_at: object = None
        self._begin("")

    def since(self, first_hour: str, compacted_at: object = None) -> pa.Table:
        """Return the rows of all objects of that hour and later: CSV_COLUMNS and `ingest`, all text.

        After each compaction all is read anew: an erasure takes objects away, and ends in one.
        """
        with self._lock:
            if first_hour < self._first_hour or compacted_at != self._compacted_at:
                self._begin(first_hour)
                self._compacted_at = compacted_at
            elif first_hour > self._first_hour:
                self._forget_before(first_hour)
            self._read_new()
            return self._table

    def _begin(self, first_hour: str) -> None:
        self._first_hour = first_hour
        self._keys: list[str] = []
        self._table = SCHEMA.empty_table()

    def _forget_before(self, first_hour: str) -> None:
        self._table = self._table.filter(pc.field("ingest") >= first_hour)
        self._keys = [key for key in self._keys if _hour(key) >= first_hour]
        self._first_hour = first_hour

    def _read_new(self) -> None:
        # Objects come only into the last hours, and the newest one tells the time.
        settled = tail_start(_time(self._keys[-1])) if self._keys else ""
        start = max(self._first_hour, settled)
        known = set(self._keys)
        new = [key for key in self._objects.list_keys(PREFIX, PREFIX + start) if key not in known]
        if new:
            with ThreadPoolExecutor(DOWNLOADS) as pool:
                rows = to_arrow(zip(new, pool.map(self._objects.get, new), strict=True))
            self._table = pa.concat_tables([self._table, rows]).combine_chunks()
            self._keys = sorted(key for key in [*self._keys, *new] if _hour(key) >= start)


def to_arrow(objects: Iterator[tuple[str, bytes]]) -> pa.Table:
    """Return the rows of objects given as (key, bytes). Columns that an older row lacks are null."""
    csv.field_size_limit(MAX_FIELD_CHARACTERS)
    width = len(CSV_COLUMNS)
    rows = [
        [*row[:width], *[None] * (width - len(row)), _hour(key)]
        for key, data in objects
        for row in csv.reader(io.StringIO(data.decode("utf-8", "replace"), newline=""))
    ]
    columns = zip(*rows, strict=True) if rows else [[]] * len(SCHEMA)
    return pa.table([pa.array(column, pa.string()) for column in columns], schema=SCHEMA)


def _hour(key: str) -> str:
    return key[len(PREFIX) : len(PREFIX) + HOUR_LENGTH]


def _time(key: str) -> datetime:
    return datetime.strptime(_hour(key), "%Y-%m-%d-%H").replace(tzinfo=UTC)
