"""The whole service over ports: every command of it, a clock that the test turns, a gate before each call."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from api.acts import Acts, Operator
from api.aws import DeadLetter
from api.delivery import Delivery, Part
from api.maintenance.archives import BucketArchive
from api.maintenance.erase import Eraser, Erasure
from api.maintenance.expire import expire
from api.maintenance.importing import Imported, Importer
from api.maintenance.lease import LEASE_SECONDS, held
from api.maintenance.reconcile import Balance, Reconciler
from api.maintenance.redrive import Redrive, Redriven
from api.pipeline import Pipeline
from api.records import Act, Erased
from api.s3_event import ObjectRef
from api.stores.erasure import erase
from tests.support.memory import NOON, MemoryBucket, MemoryLedger, MemorySink
from tests.support.outside import Gate, watched
from tests.support.uploads import Upload, text_of


@dataclass(slots=True)
class MemoryQueue:
    """A dead-letter queue: what was received is hidden until it is deleted or comes back."""

    letters: list[DeadLetter] = field(default_factory=list)
    hidden: set[str] = field(default_factory=set)

    def send(self, body: str, message_id: str) -> None:
        """Take what SNS gave up on."""
        self.letters.append(DeadLetter(body=body, receipt_handle=uuid4().hex, message_id=message_id))

    def receive(self, wait_seconds: int) -> tuple[DeadLetter, ...]:
        """Return up to ten, and hide them."""
        del wait_seconds
        found = [letter for letter in self.letters if letter.receipt_handle not in self.hidden][:10]
        self.hidden |= {letter.receipt_handle for letter in found}
        return tuple(found)

    def delete(self, letter: DeadLetter) -> None:
        """Remove it."""
        self.letters = [each for each in self.letters if each.receipt_handle != letter.receipt_handle]

    def depth(self) -> int:
        """Return how many wait."""
        return len(self.letters)


def straight(name: str, call: Callable[[], Any]) -> Any:
    """Be a gate that is always open."""
    del name
    return call()


@dataclass(frozen=True, slots=True)
class _ByStep:
    """A ledger whose erasure, which both ledgers share, passes the gate at each of its steps."""

    ledger: Any

    def erase(self, customer_id: str, invoice_id: str | None, act: Act) -> Iterator[Erased]:
        """Erase while iterated."""
        return erase(self.ledger, customer_id, invoice_id, act)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.ledger, name)


@dataclass
class World:
    """Buckets, ledger, queue and everything that works on them."""

    ledger: Any = field(default_factory=MemoryLedger)
    gate: Gate = straight
    bucket: Any = field(default_factory=MemoryBucket)
    archive: Any = field(default_factory=lambda: MemoryBucket(name="archive"))
    sink: Any = field(default_factory=MemorySink)
    queue: MemoryQueue = field(default_factory=MemoryQueue)
    time: datetime = NOON
    # By how much the clocks of the machines that are started now are wrong; AWS refuses 15 minutes.
    skew: timedelta = timedelta()
    uploads: list[Upload] = field(default_factory=list)
    # Retention may have dropped the texts of what was recorded before, None before it ever ran.
    texts_dropped_before: datetime | None = None

    def upload(
        self,
        key: str,
        invoice_id: str = "INV-1",
        amount: str = "100.00",
        end: bytes = b"\n",
        took: timedelta = timedelta(),
    ) -> ObjectRef:
        """Put an invoice, or RUBBISH, into the source bucket; return what its event would name.

        An upload in parts may take long, and is as old as its begin.
        """
        data = text_of(invoice_id, amount).replace(b"\n", end)
        ref: ObjectRef = self.bucket.put(key, data, self.time - took)
        self._note(key, ref, amount, data, self.time - took)
        return ref

    def put_in_archive(self, key: str, invoice_id: str = "INV-1", amount: str = "100.00") -> None:
        """Put an invoice, or RUBBISH, into the archive that may be imported."""
        data = text_of(invoice_id, amount)
        ref = self.archive.put(key, data, self.time)
        self._note(f"s3://{self.archive.name}/{key}", ref, amount, data, self.time)

    def is_dropped(self, at: datetime) -> bool:
        """Tell whether retention may have dropped the text of what was recorded then."""
        return self.texts_dropped_before is not None and at < self.texts_dropped_before

    def holds(self, upload: Upload) -> bool:
        """Tell whether the version has not expired."""
        bucket = self.bucket if upload.bucket == self.bucket.name else self.archive
        return bool(bucket.holds(upload.version_id))

    def _note(self, source_key: str, ref: ObjectRef, amount: str, data: bytes, began_at: datetime) -> None:
        upload = Upload(
            source_key=source_key,
            version_id=ref.version_id,
            order=(began_at.replace(microsecond=0), len(self.uploads)),
            amount=amount,
            data=data,
            bucket=ref.bucket,
            key=ref.key,
        )
        self.uploads.append(upload)

    @property
    def pipeline(self) -> Pipeline:
        """The pipeline, behind the gate."""
        return Pipeline(
            source=watched(self.bucket, "source", self.gate),
            ledger=watched(self.ledger, "ledger", self.gate),
            sink=watched(self.sink, "sink", self.gate),
        )

    @property
    def acts(self) -> Acts:
        """What operators do, behind the gate."""
        return Acts(pipeline=self.pipeline)

    @property
    def delivery(self) -> Delivery:
        """The way of a notification."""
        return Delivery(pipeline=self.pipeline, source_bucket=self.bucket.name)

    def clock(self) -> datetime:
        """Return the time that a machine believes it is."""
        return self.time + self.skew

    def pass_time(self, **amount: float) -> None:
        """Turn the clock on."""
        self.time += timedelta(**amount)

    def operator(self, why: str) -> Operator:
        """Return somebody who acts now."""
        return Operator(who="anna", why=why, at=self.clock())

    def deliver(self, message_id: str, text: str) -> tuple[Part, ...]:
        """Take a notification, as the endpoint does once it trusts it."""
        return self.delivery.deliver(message_id, text, self.clock())

    def redrive(self, topics: frozenset[str]) -> Redriven:
        """Drain the dead-letter queue."""
        ledger = watched(self.ledger, "ledger", self.gate)
        queue = watched(self.queue, "queue", self.gate)
        redrive = Redrive(queue=queue, delivery=self.delivery, topics=topics, clock=self.clock)
        with held(ledger, "redrive", uuid4().hex, self.clock) as lease:
            return redrive.run(lease)

    def reconcile(self, *, full: bool = False) -> Balance:
        """Sweep."""
        pipeline = self.pipeline
        reconciler = Reconciler(
            source=pipeline.source,  # type: ignore[arg-type] # the same bucket
            sink=pipeline.sink,  # type: ignore[arg-type] # the same bucket
            ledger=pipeline.ledger,  # type: ignore[arg-type] # the same ledger
            pipeline=pipeline,
            clock=self.clock,
        )
        with held(pipeline.ledger, "reconcile", uuid4().hex, self.clock) as lease:  # type: ignore[arg-type] # the same
            return reconciler.run(lease, full=full)

    def import_archive(self) -> Imported:
        """Import the archive as one batch, whose rows share an object."""
        pipeline = self.pipeline
        archive = BucketArchive(bucket=watched(self.archive, "archive", self.gate), name=self.archive.name)
        importer = Importer(
            pipeline=pipeline,
            ledger=pipeline.ledger,  # type: ignore[arg-type] # the same ledger
            archive=archive,
            clock=self.clock,
        )
        with held(pipeline.ledger, "import", uuid4().hex, self.clock):  # type: ignore[arg-type] # the same
            return importer.run_batch(list(archive.refs("")))

    def erase(self, erasure: Erasure, act: Act) -> int:
        """Erase a customer, or an invoice."""
        ledger, sink = watched(self.ledger, "ledger", self.gate), watched(self.sink, "sink", self.gate)
        with held(ledger, "compact", uuid4().hex, self.clock) as lease:
            return Eraser(ledger=_ByStep(ledger), objects=sink).run(erasure, act, lease)

    def expire(self, keep: timedelta) -> int:
        """Drop the texts that are older."""
        ledger, cutoff = watched(self.ledger, "ledger", self.gate), self.clock() - keep
        self.texts_dropped_before = max(self.texts_dropped_before or cutoff, cutoff)
        with held(ledger, "expire", uuid4().hex, self.clock) as lease:
            return expire(ledger, cutoff, keep_days=0, keep=lease.keep)

    def outlast_leases(self) -> None:
        """Let the leases of the dead run out."""
        self.pass_time(seconds=LEASE_SECONDS + 1)
