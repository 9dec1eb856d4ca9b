"""The tasks of bench_spark.py on Spark: `spark_job.py MODE SOURCE COUNT OUT`. Not a benchmark by itself.

bench_spark.py starts it with an interpreter that has pyspark, since the service's own has not. Writes
JSON: the wall time of all tasks, and texts and seconds of CPU of each task's Python worker.
"""

import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from api.maintenance.archives import BucketArchive, FolderArchive
from api.maintenance.importing import Importer
from api.pipeline import Pipeline
from api.ports import ContentGone
from api.records import Change, Document, Revision
from api.s3_event import ObjectRef
from infra.spark.archive import KeyRow
from infra.spark.job import SCHEMA, find, shared_out
from infra.spark.worker import Work, import_batches, start

BUCKET, TASKS = "old", 8


class NoLedger:
    """Knows nothing and keeps nothing: what is left is reading, parsing and writing the row."""

    def commit(self, _change: Change) -> None:
        """Keep nothing."""

    def document(self, _source_key: str, _version_id: str) -> None:
        """Know none."""

    def documents(self, _ids: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Document]:
        """Know none."""
        return {}

    def revision(self, _customer_id: str, _invoice_id: str, _rev: int | None = None) -> Revision | None:
        """Know none."""


class NoSink:
    """Takes every object and keeps none."""

    def put_row(self, _key: str, _row: bytes) -> None:
        """Keep nothing."""

    def has(self, _key: str) -> bool:
        """Know none."""
        return False

    def keep_rejected(self, _ref: ObjectRef, _document: Document) -> bool:
        """Copy nothing."""
        return False

    def kept_rejected(self, _document: Document, _max_bytes: int) -> bytes:
        """Have no copies."""
        raise ContentGone("expired-before-processed")


def importer_of(mode: str, work: Work, source: str) -> Importer:
    """Return the importer that the mode measures: `files`, `reads` or `whole`."""
    from api import wiring  # noqa: PLC0415 - models need Django set up

    archive: BucketArchive | FolderArchive = wiring.bucket_archive(work.bucket)
    if mode == "files":
        archive = FolderArchive(folder=Path(source))
    importer = wiring.importer(archive, lambda: datetime.now(UTC))
    if mode != "whole":
        pipeline = Pipeline(source=archive, ledger=NoLedger(), sink=NoSink())
        importer = replace(importer, pipeline=pipeline, ledger=NoLedger())
    return importer


def measured(rows: Iterator[KeyRow], mode: str, work: Work, source: str) -> Iterator[tuple[int, float]]:
    """Import one task's rows; yields how many texts, and the seconds of CPU that they took."""
    start(work.settings)
    importer = importer_of(mode, work, source)
    given = list(rows)
    began = time.process_time()
    done = list(import_batches(importer, given, work))
    yield sum(part.stored + part.repeated for part in done), time.process_time() - began


def rows_of(folder: Path) -> list[KeyRow]:
    """Return the files of a folder as the importer names them."""
    return [
        (f"folder:{path.name}", f"name:{path.name}", "", path.stat().st_size, "") for path in folder.iterdir()
    ]


def main(mode: str, source: str, count: int, out: str) -> None:
    """Run the mode twice, since the first finds no Python worker that is ready; note the second."""
    variables = tuple(each for each in os.environ.items() if each[0].startswith("DOCPROC_"))
    work = Work(settings=variables, bucket=BUCKET, inventory=None, batch=count // TASKS, threads=4)
    spark = SparkSession.builder.getOrCreate()
    found: Any = (
        spark.createDataFrame(rows_of(Path(source)), SCHEMA) if mode == "files" else find(spark, work, [""])
    )
    keys = found.cache()
    keys.count()
    parts = shared_out(keys, TASKS).rdd
    for _ in range(2 if mode != "whole" else 1):
        began = time.perf_counter()
        tasks = parts.mapPartitions(partial(measured, mode=mode, work=work, source=source)).collect()
        wall = time.perf_counter() - began
    Path(out).write_text(json.dumps({"wall": wall, "tasks": tasks}))
    spark.stop()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4])
