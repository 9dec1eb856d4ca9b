"""The raw CSV objects as one Arrow table, downloaded once each: they never change."""

import csv
import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Protocol

import pyarrow as pa

from api.reports.tables import CSV_COLUMNS

PREFIX = "csv/v1/ingest="
HOUR_LENGTH = len("YYYY-MM-DD-HH")
DOWNLOADS = 16
# A row holds at most a document's text and its JSON; Python's own limit of 128 KiB is less.
MAX_FIELD_CHARACTERS = 1 << 20


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
        self._rows: dict[str, pa.Table] = {}

    def since(self, first_hour: str) -> pa.Table:
        """Return the rows of all objects of that hour and later: CSV_COLUMNS and `ingest`, all text."""
        with self._lock:
            keys = list(self._objects.list_keys(PREFIX, PREFIX + first_hour))
            new = [key for key in keys if key not in self._rows]
            with ThreadPoolExecutor(DOWNLOADS) as pool:
                for key, data in zip(new, pool.map(self._objects.get, new), strict=True):
                    self._rows[key] = to_arrow(key, data)
            return pa.concat_tables([SCHEMA.empty_table(), *(self._rows[key] for key in keys)])


SCHEMA = pa.schema([(column, pa.string()) for column in (*CSV_COLUMNS, "ingest")])


def to_arrow(key: str, data: bytes) -> pa.Table:
    """Return an object's rows. Columns that an older row lacks are null, as in Athena."""
    csv.field_size_limit(MAX_FIELD_CHARACTERS)
    width = len(CSV_COLUMNS)
    reader = csv.reader(io.StringIO(data.decode(), newline=""), strict=True)
    rows = [[*row[:width], *[None] * (width - len(row))] for row in reader]
    hour = key[len(PREFIX) : len(PREFIX) + HOUR_LENGTH]
    columns = [*zip(*rows, strict=True), [hour] * len(rows)] if rows else [[]] * len(SCHEMA)
    return pa.table([pa.array(column, pa.string()) for column in columns], schema=SCHEMA)
