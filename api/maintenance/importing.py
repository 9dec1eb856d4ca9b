"""Import: an archive of texts through the same pipeline, many rows to a CSV object.

Resumable: what the ledger knows is not read again, only its row is made sure of. A row that was
committed but not yet written when the process died is put by the next run, or by reconcile.

`Importer.run_batch` is the whole of it for one object; `Importer.run` calls it from threads of one
machine, infra/spark from the tasks of many.
"""

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import chain, groupby, islice
from operator import attrgetter
from typing import Any, Protocol
from uuid import uuid4

from api import logs
from api.maintenance.archives import BucketArchive, FolderArchive
from api.maintenance.lease import Lease
from api.pipeline import REPAIR_IN_PLACE, Pipeline
from api.ports import Sink, TemporaryFailure
from api.records import IMPORT, Document
from api.s3_event import ObjectRef

logger = logging.getLogger(__name__)

BATCH = 500
# When nothing works any more, the rest of a batch would only make it worse.
MAX_FAILURES = 100


class KnownDocuments(Protocol):
    """What an import asks of the ledger beside what the pipeline does."""

    def documents(self, ids: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], Document]:
        """Return the records of those of the documents that are known."""


@dataclass(slots=True, kw_only=True)
class BatchSink:
    """Collects the rows of one batch; everything else goes to the destination as ever."""

    sink: Sink
    key: str
    archive: BucketArchive | FolderArchive
    rows: list[bytes] = field(default_factory=list)

    def put_row(self, key: str, row: bytes) -> None:
        """Collect a row of the batch, or make sure of another object."""
        if key == self.key:
            self.rows.append(row)
        else:
            self.sink.put_row(key, row)

    def has(self, key: str) -> bool:
        """Tell whether the object is there."""
        return self.sink.has(key)

    def keep_rejected(self, ref: ObjectRef, document: Document) -> bool:
        """Copy a rejection's bytes within S3; those of a folder are in the ledger and in the folder."""
        if isinstance(self.archive, FolderArchive):
            return False
        return self.sink.keep_rejected(self.archive.original(ref), document)

    def kept_rejected(self, document: Document, max_bytes: int) -> bytes:
        """Return the copy of a rejected document."""
        return self.sink.kept_rejected(document, max_bytes)

    def flush(self) -> None:
        """Put the batch's object."""
        if self.rows:
            self.sink.put_row(self.key, b"".join(self.rows))


@dataclass(slots=True, kw_only=True)
class Imported:
    """What an import did."""

    stored: int = 0
    superseded: int = 0
    rejected: int = 0
    repeated: int = 0
    failed: int = 0

    def add(self, part: "Imported") -> None:
        """Count what another did as well."""
        for name in ("stored", "superseded", "rejected", "repeated", "failed"):
            setattr(self, name, getattr(self, name) + getattr(part, name))

    def __str__(self) -> str:
        return (
            f"{self.stored} stored, {self.superseded} superseded, {self.rejected} rejected,"
            f" {self.repeated} known already, {self.failed} failed for now"
        )


@contextmanager
def _pool(workers: int) -> Iterator[ThreadPoolExecutor]:
    """Give a pool of threads; whoever is stopped waits for the batches under way, and for no others."""
    pool = ThreadPoolExecutor(workers)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Importer:
    """Takes an archive through the pipeline, with parallel workers.

    `waits` are the seconds before each further try of what failed for now.
    """

    pipeline: Pipeline
    ledger: KnownDocuments
    archive: BucketArchive | FolderArchive
    clock: Callable[[], datetime]
    waits: Sequence[float] = (0.0,)
    sleep: Callable[[float], None] = time.sleep

    def run(
        self,
        refs: Iterable[ObjectRef],
        lease: Lease,
        *,
        workers: int,
        progress: Callable[[Imported], None] = lambda _: None,
    ) -> Imported:
        """Import the documents; returns the counts. Run it again for those that failed."""
        done, waiting = Imported(), iter(refs)
        pending: set[Future[Imported]] = set()
        with _pool(workers) as pool:
            # A bounded number of batches under way keeps a listing of any length out of memory.
            while True:
                while len(pending) < 2 * workers and (batch := list(islice(waiting, BATCH))):
                    pending.add(pool.submit(self.run_batch, batch))
                if not pending:
                    return done
                finished, pending = wait(pending, timeout=10, return_when=FIRST_COMPLETED)
                for future in finished:
                    done.add(future.result())
                lease.keep()
                progress(done)

    def run_batch(self, refs: Sequence[ObjectRef], each: Callable[..., Iterable[Any]] = map) -> Imported:
        """Import one batch: each document its own transaction, then the rows in one object.

        `each` is what maps: a pool's takes several keys at once, the versions of one key (which
        must stand together) always in their order. Raises TemporaryFailure when nothing was done,
        or when the object could not be put; run the batch again then.
        """
        now = self.clock()
        sink = BatchSink(
            sink=self.pipeline.sink,
            key=f"csv/v1/ingest={now:%Y-%m-%d-%H}/import-{uuid4()}.csv",
            archive=self.archive,
        )
        pipeline = replace(self.pipeline, source=self.archive, sink=sink, csv_key=sink.key)
        known = self.ledger.documents([_id_of(ref) for ref in refs])
        kinds = self._take(pipeline, refs, known, now, each)
        # Of one that failed the transaction may be through and only the answer lost, so that the
        # ledger says that its row is in the batch's object. Once that is there everybody believes
        # it; so such documents come again before. Those found stored get objects of their own.
        for seconds in self.waits:
            failed = [place for place, kind in enumerate(kinds) if kind == "failed"]
            if failed:
                self.sleep(seconds)
                again = self._take(pipeline, [refs[place] for place in failed], {}, now, each)
                for place, kind in zip(failed, again, strict=True):
                    kinds[place] = kind
        done = Imported()
        for kind in kinds:
            setattr(done, kind, getattr(done, kind) + 1)
        return self._flush(sink, done, now)

    def _flush(self, sink: BatchSink, done: Imported, now: datetime) -> Imported:
        if done.failed:
            return done  # a later run, or reconcile, finds no object and puts each row
        if self.clock() - now > REPAIR_IN_PLACE:
            # Readers may soon leave that hour: a later run, or reconcile, writes each row anew.
            return replace(done, stored=0, failed=done.stored)
        sink.flush()
        return done

    def _take(
        self,
        pipeline: Pipeline,
        refs: Sequence[ObjectRef],
        known: Mapping[tuple[str, str], Document],
        now: datetime,
        each: Callable[..., Iterable[Any]],
    ) -> list[str]:
        """Return what became of each; after MAX_FAILURES the rest is not tried."""
        failures: list[ObjectRef] = []

        def take(versions: Sequence[ObjectRef]) -> list[str]:
            kinds: list[str] = []
            for ref in versions:
                if len(failures) >= MAX_FAILURES:
                    break
                try:
                    kinds.append(self._import(pipeline, ref, known.get(_id_of(ref)), now))
                except TemporaryFailure:
                    # Its key's later versions wait with it: after them it would be superseded.
                    failures.append(ref)
                    break
                except Exception:  # and then the others shall not wait for it
                    logger.exception(logs.DOCUMENT_FAILED, extra={"key": ref.key})
                    failures.append(ref)
                    kinds.append("failed")
            return kinds + ["failed"] * (len(versions) - len(kinds))

        keys = [tuple(versions) for _, versions in groupby(refs, key=attrgetter("key"))]
        return list(chain.from_iterable(each(take, keys)))

    def _import(self, pipeline: Pipeline, ref: ObjectRef, document: Document | None, now: datetime) -> str:
        if document is None:
            return pipeline.ingest(ref, message_id=IMPORT, now=now).kind
        if document.outcome == "stored":
            pipeline.make_sure(document, self.clock())
        return "repeated"


def _id_of(ref: ObjectRef) -> tuple[str, str]:
    return ref.key, ref.version_id or f"etag:{ref.etag}"
