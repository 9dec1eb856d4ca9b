"""What runs in Spark's Python workers: keys in, a batch through the importer, counts out."""

import logging
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from itertools import islice

import django

from api import logs
from api.maintenance.importing import Imported, Importer
from api.ports import TemporaryFailure
from api.s3_event import ObjectRef
from infra.spark.archive import Inventory, KeyRow, inventory_rows, listed_rows

logger = logging.getLogger(__name__)

# A new table of DynamoDB throttles for minutes while it grows. Together this stays far below the
# 20 minutes after which a task puts no object any more (REPAIR_IN_PLACE in api/pipeline.py).
WAITS_SECONDS = (1.0, 5.0, 20.0, 60.0, 120.0)
# The files of an inventory are hundreds of megabytes, and read while they are parsed.
INVENTORY_TIMEOUT_SECONDS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What every task of a job must know; it travels with the task.

    `settings` are the environment's DOCPROC_… variables of the driver. `inventory` is None when
    the keys are listed.
    """

    settings: tuple[tuple[str, str], ...]
    bucket: str
    inventory: Inventory | None
    batch: int
    threads: int


@cache
def start(settings: tuple[tuple[str, str], ...]) -> None:
    """Make this process one of docproc's, once however many tasks it runs."""
    os.environ.update(settings)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "docproc.settings")
    django.setup()


def keys_of(unit: str, work: Work) -> Iterator[KeyRow]:
    """Yield what there is to import below a prefix, or by a file of the inventory."""
    start(work.settings)
    from api import wiring  # noqa: PLC0415 - models need Django set up

    archive = wiring.bucket_archive(work.bucket)
    if work.inventory is None:
        yield from listed_rows(archive.refs(unit))
        return
    # boto3's own client, which hands the file out while it comes.
    clients = replace(wiring.clients(), is_fast=False)
    client = clients.make("s3", read_timeout_seconds=INVENTORY_TIMEOUT_SECONDS)
    file = client.get_object(Bucket=work.inventory.files_bucket, Key=unit)["Body"]
    for row in inventory_rows(file, work.inventory.columns):
        yield archive.imported(ObjectRef(bucket=work.bucket, key=row[0])).key, *row[1:]


def import_keys(rows: Iterable[KeyRow], work: Work) -> Iterator[Imported]:
    """Import the documents of one task, which come sorted; yields the counts of each object."""
    start(work.settings)
    from api import wiring  # noqa: PLC0415 - the same

    importer = wiring.importer(wiring.bucket_archive(work.bucket), lambda: datetime.now(UTC))
    yield from import_batches(replace(importer, waits=WAITS_SECONDS), rows, work)


def import_batches(importer: Importer, rows: Iterable[KeyRow], work: Work) -> Iterator[Imported]:
    """Take the rows through the importer in batches; a task has one, unless keys are very uneven."""
    refs = (
        ObjectRef(bucket=work.bucket, key=key, version_id=version_id, etag=etag, size_bytes=size_bytes)
        for key, version_id, etag, size_bytes, _ in rows
    )
    with ThreadPoolExecutor(work.threads) as pool:
        # Tasks get so many on average; twice as many at once are no harm.
        while batch := list(islice(refs, 2 * work.batch)):
            yield _patient(importer, batch, pool.map)


def _patient(importer: Importer, batch: list[ObjectRef], each: Callable[..., Iterable[object]]) -> Imported:
    try:
        return importer.run_batch(batch, each)
    except TemporaryFailure as failure:
        # Spark would try the task again at once and soon give the whole job up.
        logger.warning(logs.BATCH_FAILED, extra={"documents": len(batch), "failure": str(failure)})
        return Imported(failed=len(batch))
