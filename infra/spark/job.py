"""`spark-submit job.py s3://BUCKET/PREFIX … | --inventory s3://BUCKET/…/manifest.json`: import on Spark.

Exit status 0; 1 when some documents failed for now (run it again); 2 when it cannot begin.
"""

import argparse
import logging
import math
import os
import sys
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from functools import partial
from typing import TypeVar

from botocore.exceptions import ClientError
from django.conf import settings
from pyspark import StorageLevel
from pyspark.sql import DataFrame, SparkSession

from api.maintenance.importing import Imported
from api.maintenance.lease import Lease, LeaseTaken, held
from api.ports import TemporaryFailure
from infra.spark.archive import BadManifest, Inventory, parse_manifest
from infra.spark.worker import Work, import_keys, keys_of, start

_Answer = TypeVar("_Answer")
SCHEMA = "key string, version_id string, etag string, size_bytes long, place string"
FAILED, CANNOT_BEGIN = 1, 2
PROGRESS_SECONDS = 10


class NotImportable(Exception):  # noqa: N818 - it names what is wrong
    """What the arguments name is no archive."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Import the archive; returns the exit status."""
    options = _parser().parse_args(arguments)
    variables = tuple(sorted(each for each in os.environ.items() if each[0].startswith("DOCPROC_")))
    start(variables)
    logging.getLogger("py4j").setLevel(logging.WARNING)  # it tells of each connection that it closes
    from api import wiring  # noqa: PLC0415 - models need Django set up
    from api.management.operator import holder, now  # noqa: PLC0415 - the same

    try:
        work, units = _archive(options, variables)
        with held(wiring.ledger(), "import", holder(), now) as lease:
            spark = SparkSession.builder.appName("docproc import").getOrCreate()
            done = run(spark, work, units, lease)
            spark.stop()
    except (BadManifest, LeaseTaken, NotImportable) as error:
        print(f"import: {error}", file=sys.stderr)
        return CANNOT_BEGIN
    print(done)
    if done.failed:
        print("import: some failed for now; run it again", file=sys.stderr)
    return FAILED if done.failed else 0


def run(spark: SparkSession, work: Work, units: Sequence[str], lease: Lease) -> Imported:
    """Import what the units name, in tasks of about `work.batch` documents; returns the counts."""
    keys = find(spark, work, units).persist(StorageLevel.DISK_ONLY)
    done = Imported()
    with ThreadPoolExecutor(1) as pool:
        # The number of tasks must be known before; the keys are found once and kept on disk.
        tasks = math.ceil(_with_lease(spark, pool.submit(keys.count), lease) / work.batch)
        if tasks:
            parts = shared_out(keys, tasks).rdd.mapPartitions(partial(import_keys, work=work))
            for part in _with_lease(spark, pool.submit(parts.collect), lease):
                done.add(part)
    return done


def find(spark: SparkSession, work: Work, units: Sequence[str]) -> DataFrame:
    """Return the keys of the archive, each unit found by a task of its own."""
    context = spark.sparkContext
    rows = context.parallelize(units, max(1, len(units))).flatMap(partial(keys_of, work=work))
    return spark.createDataFrame(rows, SCHEMA, verifySchema=False)


def shared_out(keys: DataFrame, tasks: int) -> DataFrame:
    """Return the keys in so many partitions, every version of a key in one of them, oldest first.

    By the hash of the key and nothing that is drawn: a partition that must be made again is the same.
    """
    return keys.repartition(tasks, "key").sortWithinPartitions("key", "place")


def _with_lease(spark: SparkSession, future: Future[_Answer], lease: Lease) -> _Answer:
    """Return the answer; tells of progress and keeps the lease meanwhile."""
    try:
        while not wait((future,), PROGRESS_SECONDS).done:
            with suppress(TemporaryFailure):  # it is tried again before the lease is over
                lease.keep()
            _tell_progress(spark)
    except BaseException:
        spark.sparkContext.cancelAllJobs()
        raise
    return future.result()


def _tell_progress(spark: SparkSession) -> None:
    tracker = spark.sparkContext.statusTracker()
    for number in tracker.getActiveStageIds():
        if stage := tracker.getStageInfo(number):
            print(f"import: {stage.numCompletedTasks} of {stage.numTasks} tasks done", file=sys.stderr)


def _archive(
    options: argparse.Namespace, variables: tuple[tuple[str, str], ...]
) -> tuple[Work, tuple[str, ...]]:
    """Return what the tasks must know, and the prefixes or files in which the keys are found.

    Raises BadManifest or NotImportable.
    """
    inventory = _inventory(options.inventory) if options.inventory else None
    if inventory is not None:
        bucket, units = inventory.bucket, inventory.files
    else:
        places = [_split(name) for name in options.archive]
        if len({bucket for bucket, _ in places}) != 1:
            raise NotImportable("name an --inventory, or prefixes of one bucket: s3://BUCKET/PREFIX")
        bucket, units = places[0][0], tuple(prefix for _, prefix in places)
    if bucket == settings.DOCPROC_SOURCE_BUCKET:
        raise NotImportable("that is the source bucket; `reconcile` brings in what is missing of it")
    work = Work(
        settings=variables, bucket=bucket, inventory=inventory, batch=options.batch, threads=options.threads
    )
    return work, units


def _inventory(name: str) -> Inventory:
    from api import wiring  # noqa: PLC0415 - models need Django set up

    bucket, key = _split(name)
    try:
        answer = wiring.clients().make("s3").get_object(Bucket=bucket, Key=key)
    except ClientError as error:
        raise NotImportable(f"{name} cannot be read: {error}") from error
    return parse_manifest(answer["Body"].read())


def _split(name: str) -> tuple[str, str]:
    bucket, _, key = name.removeprefix("s3://").partition("/")
    if not name.startswith("s3://") or not bucket:
        raise NotImportable(f"{name} is no place in S3; write s3://BUCKET/PREFIX")
    return bucket, key


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Import an archive on Spark. Run it again to resume.")
    parser.add_argument("archive", nargs="*", help="s3://BUCKET/PREFIX; several are listed at once")
    parser.add_argument("--inventory", help="s3://BUCKET/…/manifest.json of an S3 Inventory (CSV)")
    parser.add_argument("--batch", type=int, default=10_000, help="documents of a task, rows of its object")
    parser.add_argument("--threads", type=int, default=16, help="documents that a task has under way at once")
    return parser


if __name__ == "__main__":
    sys.exit(main())
