"""An object's way from the source bucket to its outcome. Pure.

Every step is safe to repeat, and the process may die between any two of them: the ledger's
transaction is the only moment that decides, the CSV object follows from what it wrote.
"""

import hashlib
import logging
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Literal, TypeAlias

from api import logs
from api.decision import Arrival, decide, fits, own_key, reissue
from api.ports import Content, ContentGone, ContentTooLarge, Ledger, Sink, Source, TemporaryFailure
from api.records import MESSAGE_VERSION, Act, Change, Document, Reason, Revision, Seen
from api.s3_event import ObjectRef
from invoice_parser import MAX_DOCUMENT_BYTES, InvoiceError, parse

logger = logging.getLogger(__name__)

OutcomeKind: TypeAlias = Literal["stored", "superseded", "rejected", "repeated"]

# An object put this long after its revision was stored is still ahead of the lower bound of the
# tail that readers look at: compaction leaves more than twice that, for slow writes and for clocks
# that differ (OVERLAP in api/reports/tables.py). Deliveries that SNS repeats mostly come sooner.
REPAIR_IN_PLACE = timedelta(minutes=20)
# Each further try means that somebody else decided on the same invoice meanwhile.
COMMIT_ATTEMPTS = 8
_GONE = "the content was no longer in the source bucket when docproc came to read it"
_UNREAD = {
    "unreadable-object": "S3 does not give the content out: it was put into an archive class, or encrypted"
    " with a key of the sender's own"
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one delivery of a document; `code` is the reason of a rejection."""

    kind: OutcomeKind
    source_key: str
    version_id: str
    code: str = ""
    uploaded_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """Takes documents to their outcome; `csv_key` names an import's object for many rows, if any."""

    source: Source
    ledger: Ledger
    sink: Sink
    day_first: bool | None = None
    csv_key: str = ""

    def ingest(self, ref: ObjectRef, *, message_id: str, now: datetime) -> Outcome:
        """Give the document its outcome, or find that it has one. Safe to repeat.

        Returns only after the outcome is durable and its CSV object is there. Raises
        TemporaryFailure, after which the same call is to be made again.
        """
        fresh = arriving(ref, message_id, now)
        try:
            return self._ingest(ref, fresh)
        except TemporaryFailure:
            raise
        except Exception:
            # A fault of ours must not hold the document in retries until its content expires.
            logger.exception(logs.INGEST_INTERNAL_ERROR, extra={"key": ref.key, "message_id": message_id})
            reason = Reason(code="internal-error", message="docproc failed on this document; see its log")
            return self._reject(ref, self._with_content(ref, fresh), reason)

    def reject_message(self, message_id: str, reason: Reason, body: bytes, now: datetime) -> Outcome:
        """Keep a trusted message that names no document as a rejection. Safe to repeat."""
        document = Document(
            source_key=f"message:{message_id}",
            version_id=MESSAGE_VERSION,
            outcome="rejected",
            reason=reason,
            recorded_at=now,
            message_id=message_id,
            size_bytes=len(body),
            sha256=hashlib.sha256(body).hexdigest(),
            data=body,
            is_open=True,
        )
        seen = self.ledger.commit(Change(document=document, revision=None, seen=Seen()))
        return _outcome("repeated" if seen else "rejected", document)

    def read_again(self, document: Document) -> Document:
        """Return a rejection with the bytes that could not be read when it came: the version's, or a copy's.

        Raises ContentGone, ContentTooLarge or TemporaryFailure.
        """
        version_id = "" if document.version_id.startswith("etag:") else document.version_id
        ref = ObjectRef(bucket="", key=document.source_key, version_id=version_id, etag=document.etag)
        if not document.is_imported:  # an archive is not ours to read
            with suppress(ContentGone):
                return _filled(document, self.source.read(ref))
        data = self.sink.kept_rejected(document, MAX_DOCUMENT_BYTES)
        # The copy's own ETag and time say nothing of the version.
        digest = hashlib.sha256(data).hexdigest()
        return replace(document, size_bytes=len(data), sha256=digest, data=data)

    def make_sure(self, document: Document, now: datetime) -> None:
        """Put the CSV object of a stored document if it is missing. Safe to repeat."""
        revision = self.ledger.revision(document.customer_id, document.invoice_id, document.rev)
        if revision is not None:
            self.make_sure_of_revision(revision, now)

    def make_sure_of_revision(self, revision: Revision, now: datetime) -> bool:
        """Put a revision's CSV object if it is missing; if it was stored long ago, as a new revision.

        Readers of the tail no longer look at old hours, so an object must not appear there.
        Returns False when nothing needed to be done for sure. Safe to repeat.
        """
        if not revision.row:
            return False  # erased
        own = own_key(revision.csv_key, revision.customer_id, revision.invoice_id, revision.rev)
        if revision.csv_key != own and self.sink.has(revision.csv_key):
            return False  # the row stands in an object of many; an import puts those
        if now - revision.stored_at <= REPAIR_IN_PLACE:
            self.sink.put_row(own, revision.row)
            return True
        return not self.sink.has(own) and self._repair(revision, now)

    def arrival(self, document: Document, data: bytes) -> Arrival:
        """Return the parsed document; raises InvoiceError."""
        return Arrival(
            document=document,
            invoice=parse(data, day_first=self.day_first),
            data=data,
            listed=partial(self.source.versions, document.source_key),
            csv_key=self.csv_key,
        )

    def settle(
        self, ref: ObjectRef | None, arrival: Arrival, seen: Seen, act: Act | None
    ) -> Change | Document:
        """Commit what the table says; the change that went through, or the document already known."""
        for _ in range(COMMIT_ATTEMPTS):
            change = decide(arrival, seen, act)
            if ref and change.document and change.document.outcome == "rejected":
                self.sink.keep_rejected(ref, change.document)
            answer = self.ledger.commit(change)
            if answer is None or (act and answer.document and act in answer.document.acts):
                return change  # in the second case its answer was lost and the store asked again
            if answer.document is not None and answer.document != seen.document:
                return answer.document
            seen = Seen(document=seen.document, invoice=answer.invoice)
        raise TemporaryFailure("ledger", "commit", "contention")

    def _ingest(self, ref: ObjectRef, fresh: Document) -> Outcome:
        if fresh.size_bytes > MAX_DOCUMENT_BYTES:
            return self._reject(ref, fresh, too_large(f"{fresh.size_bytes} bytes"))
        try:
            content = self.source.read(ref)
        except ContentTooLarge as error:
            return self._reject(ref, replace(fresh, size_bytes=error.size_bytes), too_large(str(error)))
        except ContentGone as error:
            return self._reject(ref, fresh, Reason(code=error.code, message=_UNREAD.get(error.code, _GONE)))
        document = _filled(fresh, content)
        try:
            arrival = self.arrival(document, content.data)
        except InvoiceError as error:
            return self._reject(ref, document, reason_of(error))
        if not fits(arrival):
            return self._reject(ref, document, too_large("text and row together"))
        return self._settle(ref, arrival)

    def _settle(self, ref: ObjectRef, arrival: Arrival) -> Outcome:
        # The common case first: neither the document nor the invoice is known.
        settled = self.settle(ref, arrival, Seen(), None)
        if isinstance(settled, Document):
            return self._repeated(settled, arrival.document.recorded_at)
        if settled.revision is not None:
            self.sink.put_row(settled.revision.csv_key, settled.revision.row)
        document = settled.document or arrival.document
        return _outcome(document.outcome, document)

    def _reject(self, ref: ObjectRef, document: Document, reason: Reason) -> Outcome:
        # The ledger never forgets: content that is gone or broken today may have been stored before.
        known = self.ledger.document(document.source_key, document.version_id)
        if known is None:
            self.sink.keep_rejected(ref, document)
            rejected = replace(document, outcome="rejected", reason=reason, is_open=True)
            seen = self.ledger.commit(Change(document=rejected, revision=None, seen=Seen()))
            if seen is None:
                return _outcome("rejected", rejected)
            known = seen.document or rejected
        return self._repeated(known, document.recorded_at)

    def _repeated(self, known: Document, now: datetime) -> Outcome:
        if known.outcome == "stored":
            self.make_sure(known, now)
        return _outcome("repeated", known)

    def _repair(self, revision: Revision, now: datetime) -> bool:
        current = self.ledger.revision(revision.customer_id, revision.invoice_id)
        if current is None:
            return False
        if current.rev != revision.rev:
            return self.make_sure_of_revision(current, now)  # readers take the highest; it must be there
        act = Act(kind="repair", who="docproc", why="the CSV object was missing", at=now)
        repaired = reissue(current, status=current.status, at=now, act=act)
        if self.ledger.commit(Change(document=None, revision=repaired, seen=Seen(invoice=current))):
            raise TemporaryFailure("ledger", "repair", "contention")
        self.sink.put_row(repaired.csv_key, repaired.row)
        return True

    def _with_content(self, ref: ObjectRef, fresh: Document) -> Document:
        try:
            return _filled(fresh, self.source.read(ref))
        except TemporaryFailure:
            raise
        except Exception:  # noqa: BLE001 - logged already: reading may be the very thing that fails
            return fresh


def arriving(ref: ObjectRef, message_id: str, now: datetime) -> Document:
    """Return what is known of a document before it is read."""
    return Document(
        source_key=ref.key,
        version_id=ref.version_id or f"etag:{ref.etag}",
        outcome="rejected",
        recorded_at=now,
        etag=ref.etag,
        size_bytes=ref.size_bytes or 0,
        sequencer=ref.sequencer,
        message_id=message_id,
    )


def _filled(fresh: Document, content: Content) -> Document:
    return replace(
        fresh,
        etag=content.etag,
        size_bytes=len(content.data),
        sha256=hashlib.sha256(content.data).hexdigest(),
        last_modified_at=content.last_modified_at,
        data=content.data,
    )


def reason_of(error: InvoiceError) -> Reason:
    """Return the parser's error as a rejection's reason."""
    return Reason(code=error.code, message=error.message, line=error.line, column=error.column)


def too_large(what: str) -> Reason:
    """Return the reason for a document that no ledger could hold."""
    return Reason(code="too-large", message=f"{what} is more than docproc keeps of one invoice")


def _outcome(kind: OutcomeKind, document: Document) -> Outcome:
    code = document.reason.code if document.reason else ""
    return Outcome(
        kind=kind,
        source_key=document.source_key,
        version_id=document.version_id,
        code=code,
        uploaded_at=document.last_modified_at,
    )
