"""Reconcile: bucket, ledger and CSV objects against each other, so that a lost notification loses nothing."""

import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from itertools import groupby, islice
from typing import Protocol

from api import logs, metrics
from api.decision import csv_key
from api.maintenance.erase import ErasableObjects, remove_rows
from api.maintenance.lease import Lease
from api.pipeline import Pipeline
from api.ports import TemporaryFailure
from api.records import Document, Erased, Revision
from api.s3_event import ObjectRef
from invoice_parser.wording import counted

logger = logging.getLogger(__name__)

CHECKPOINT = "reconcile"
BALANCE_CHECKPOINT = "balance"
FULL_CHECKPOINT = "reconcile-full"
# Clocks differ and S3 lists a version with the time its upload began; one of 5 GB takes a while.
OVERLAP = timedelta(hours=1)
# An upload in parts may take longer than the overlap; versions live for a day at the least.
FULL_EVERY = timedelta(hours=12)
# Older objects were made sure of by the sweeps of their time, or by a repair in a later hour.
FIRST_LOOK_BACK = timedelta(hours=26)
BATCH = 100
# An hour's revisions are looked at in parts, since each holds its row in memory.
REVISIONS = 50_000
# When nothing works any more, the rest of the sweep would only make it worse.
MAX_FAILURES = 20


class VersionedSource(Protocol):
    """A source bucket whose versions can be listed."""

    def list_versions(self, prefix: str = "") -> Iterator[tuple[ObjectRef, datetime]]:
        """Yield each version, newest first per key, with its Last-Modified."""


class ListedSink(ErasableObjects, Protocol):
    """A destination bucket whose keys can be listed."""

    def list_keys(self, prefix: str, start_after: str = "") -> Iterator[str]:
        """Yield the keys under a prefix."""


class SweptLedger(Protocol):
    """What a sweep asks of the ledger."""

    def documents(self, ids: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], Document]:
        """Return the records of those of the documents that are known."""

    def revisions_stored(self, hour: datetime) -> Iterable[Revision]:
        """Yield each revision that was stored in that hour."""

    def checkpoint(self, name: str) -> str | None:
        """Return what was saved under the name."""

    def save_checkpoint(self, name: str, value: str) -> None:
        """Save a value under the name."""


@dataclass(slots=True, kw_only=True)
class Balance:
    """What a sweep found: versions = earlier + stored + superseded + rejected + pending.

    `earlier` are versions that an earlier complete sweep accounted for. `processed` of the others
    were unknown and got their outcome now; `repaired` CSV objects were missing.
    """

    versions: int = 0
    earlier: int = 0
    stored: int = 0
    superseded: int = 0
    rejected: int = 0
    pending: int = 0
    processed: int = 0
    repaired: int = 0
    failures: int = 0
    # In seconds since 1970, as JSON can keep it; 0 is none.
    oldest_pending_at: float = field(default=0.0, compare=False)

    def wait(self, uploaded_at: datetime) -> None:
        """Count a version that has no outcome yet."""
        self.pending += 1
        self.oldest_pending_at = min(uploaded_at.timestamp(), self.oldest_pending_at or float("inf"))

    @property
    def is_closed(self) -> bool:
        """Tell whether every version has an outcome and every CSV object is there."""
        return self.pending == 0 and self.failures == 0

    def count(self, outcome: str) -> None:
        """Count a version under its outcome."""
        setattr(self, outcome, getattr(self, outcome) + 1)

    def __str__(self) -> str:
        return (
            f"{counted(self.versions, 'version')} = {self.earlier} from earlier sweeps + {self.stored} stored"
            f" + {self.superseded} superseded + {self.rejected} rejected + {self.pending} pending;"
            f" {self.processed} processed now, {self.repaired} CSV objects repaired,"
            f" {self.failures} failures"
        )


def last_balance(ledger: SweptLedger) -> tuple[Balance, datetime] | None:
    """Return what the last sweep found, and when it began; None before the first."""
    saved = ledger.checkpoint(BALANCE_CHECKPOINT)
    if saved is None:
        return None
    found = json.loads(saved)
    at = datetime.fromisoformat(found.pop("at"))
    return Balance(**found), at


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciler:
    """Sweeps the source bucket and the recent revisions."""

    source: VersionedSource
    sink: ListedSink
    ledger: SweptLedger
    pipeline: Pipeline
    clock: Callable[[], datetime]

    def run(
        self,
        lease: Lease,
        *,
        full: bool = False,
        dry_run: bool = False,
        progress: Callable[[Balance], None] = lambda _: None,
    ) -> Balance:
        """Process what the ledger does not know, make sure of recent CSV objects, return the balance."""
        started_at = self.clock()
        saved = self.ledger.checkpoint(CHECKPOINT)
        swept_till = datetime.fromisoformat(saved) - OVERLAP if saved else None
        full = full or self._is_full_due(started_at)
        balance = Balance()
        for batch in self._batches(None if full else swept_till, balance):
            lease.keep()
            self._sweep(batch, balance, dry_run=dry_run)
            progress(balance)
        hour = swept_till or started_at
        if full or not swept_till:
            hour = min(hour, started_at - FIRST_LOOK_BACK)
        while hour <= started_at + timedelta(hours=1):
            lease.keep()
            self._make_sure(hour, balance, lease, dry_run=dry_run)
            hour += timedelta(hours=1)
        self._report(balance)
        if not dry_run:
            if balance.is_closed:
                self.ledger.save_checkpoint(CHECKPOINT, started_at.isoformat())
                if full:
                    self.ledger.save_checkpoint(FULL_CHECKPOINT, started_at.isoformat())
            found = {"at": started_at.isoformat(), **asdict(balance)}
            self.ledger.save_checkpoint(BALANCE_CHECKPOINT, json.dumps(found))
        return balance

    def _is_full_due(self, now: datetime) -> bool:
        saved = self.ledger.checkpoint(FULL_CHECKPOINT)
        return saved is None or now - datetime.fromisoformat(saved) >= FULL_EVERY

    def _report(self, balance: Balance) -> None:
        """Tell CloudWatch: that this line comes at all is how it knows that sweeps run."""
        oldest = balance.oldest_pending_at
        age_seconds = self.clock().timestamp() - oldest if oldest else 0.0
        samples = (
            metrics.Sample(name="pending", value=balance.pending),
            metrics.Sample(name="oldest_pending_seconds", value=age_seconds),
        )
        logger.info(logs.RECONCILE_BALANCE, extra={"balance": str(balance), "metrics": samples})

    def _batches(
        self, since: datetime | None, balance: Balance
    ) -> Iterator[list[tuple[ObjectRef, datetime]]]:
        """Yield the versions to look at in lists of about a hundred, oldest first per key."""
        recent = self._recent_oldest_first(since, balance)
        while batch := list(islice(recent, BATCH)):
            yield batch

    def _recent_oldest_first(
        self, since: datetime | None, balance: Balance
    ) -> Iterator[tuple[ObjectRef, datetime]]:
        for _, versions in groupby(self.source.list_versions(), key=lambda found: found[0].key):
            for ref, last_modified_at in reversed(list(versions)):
                balance.versions += 1
                if since and last_modified_at < since:
                    balance.earlier += 1
                else:
                    yield ref, last_modified_at

    def _sweep(self, batch: list[tuple[ObjectRef, datetime]], balance: Balance, *, dry_run: bool) -> None:
        known = self.ledger.documents([_id_of(ref) for ref, _ in batch])
        for ref, uploaded_at in batch:
            document = known.get(_id_of(ref))
            if document is not None:
                balance.count(document.outcome)
            elif dry_run or balance.failures >= MAX_FAILURES:
                balance.wait(uploaded_at)
            else:
                self._process(ref, uploaded_at, balance)

    def _process(self, ref: ObjectRef, uploaded_at: datetime, balance: Balance) -> None:
        try:
            outcome = self.pipeline.ingest(ref, message_id="reconcile", now=self.clock())
            kind: str = outcome.kind
            if kind == "repeated":  # a delivery was faster than we
                known = self.ledger.documents([_id_of(ref)])
                kind = known[_id_of(ref)].outcome
        except Exception as error:
            if not isinstance(error, TemporaryFailure):  # and then the others shall not wait for it
                logger.exception(logs.DOCUMENT_FAILED, extra={"key": ref.key})
            balance.failures += 1
            balance.wait(uploaded_at)
            return
        samples = metrics.of_document(outcome.kind, outcome.code, uploaded_at, self.clock())
        facts = {"key": ref.key, "code": outcome.code, "metrics": samples}
        logger.info(logs.RECONCILE_PROCESSED, extra=facts)
        balance.processed += 1
        balance.count(kind)

    def _make_sure(self, hour: datetime, balance: Balance, lease: Lease, *, dry_run: bool) -> None:
        revisions = iter(self.ledger.revisions_stored(hour))
        # After an import an hour may have ten millions; objects are listed after their revisions.
        while some := list(islice(revisions, REVISIONS)):
            lease.keep()
            there = set(self.sink.list_keys(f"csv/v1/ingest={hour:%Y-%m-%d-%H}/"))
            for revision in some:
                if revision.row and not there & _keys_of(revision):
                    self._repair(revision, balance, dry_run=dry_run)
                elif not revision.row and there & _keys_of(revision) and not dry_run:
                    self._remove(revision, balance)

    def _remove(self, revision: Revision, balance: Balance) -> None:
        """Remove the row that a delivery or an import put while the revision was being erased."""
        erased = Erased(
            customer_id=revision.customer_id,
            invoice_id=revision.invoice_id,
            source_key=revision.source_key,
            version_id=revision.version_id,
            rev=revision.rev,
            csv_key=revision.csv_key,
        )
        try:
            remove_rows(self.sink, erased)
        except TemporaryFailure:
            balance.failures += 1

    def _repair(self, revision: Revision, balance: Balance, *, dry_run: bool) -> None:
        try:
            current = self.pipeline.ledger.revision(revision.customer_id, revision.invoice_id)
            if current is None or current.rev != revision.rev:
                return  # readers take the one that replaced it, whose own hour is looked at as well
            balance.repaired += 1
            if not dry_run:
                self.pipeline.make_sure_of_revision(revision, self.clock())
        except TemporaryFailure:
            balance.failures += 1


def _keys_of(revision: Revision) -> set[str]:
    """Return where the row may stand: what an import left unwritten has an object of its own."""
    own = csv_key(revision.customer_id, revision.invoice_id, revision.rev, revision.stored_at)
    return {revision.csv_key, own}


def _id_of(ref: ObjectRef) -> tuple[str, str]:
    return ref.key, ref.version_id or f"etag:{ref.etag}"
