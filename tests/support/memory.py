"""Small fakes of the outside: a versioned bucket, a ledger, a destination; all in memory.

The ledger keeps to the same conditions as the real ones (the contract suite runs against it
too), so that a history of thousands of steps runs in a second.
"""

from bisect import insort
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import md5
from typing import Any

from api.buckets import rejected_key
from api.ports import Content, ContentGone, ContentTooLarge
from api.records import Act, Change, Document, Erased, Page, Revision, Seen
from api.s3_event import ObjectRef
from api.stores.erasure import erase
from invoice_parser import MAX_DOCUMENT_BYTES

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version of one key in the fake bucket."""

    ref: ObjectRef
    data: bytes
    last_modified_at: datetime


@dataclass(slots=True)
class MemoryBucket:
    """A versioned bucket: what was put stays until it expires."""

    name: str = "docproc-source"
    stored: list[Version] = field(default_factory=list)
    count: int = 0

    def put(self, key: str, data: bytes, at: datetime = NOON) -> ObjectRef:
        """Put a version and return the reference that its event would carry.

        `at` is when the upload began; one in parts ends later, and may be older than what came between.
        """
        self.count += 1
        ref = ObjectRef(
            bucket=self.name,
            key=key,
            version_id=f"v{self.count:06d}",
            etag=md5(data, usedforsecurity=False).hexdigest(),
            size_bytes=len(data),
            sequencer=f"{self.count:016X}",
        )
        # S3 keeps whole seconds.
        version = Version(ref=ref, data=data, last_modified_at=at.replace(microsecond=0))
        insort(self.stored, version, key=lambda each: each.last_modified_at)
        return ref

    def expire(self, version_id: str) -> None:
        """Remove a version, as the lifecycle rule does."""
        self.stored = [version for version in self.stored if version.ref.version_id != version_id]

    def holds(self, version_id: str) -> bool:
        """Tell whether the version has not expired."""
        return any(version.ref.version_id == version_id for version in self.stored)

    def read(self, ref: ObjectRef) -> Content:
        """Return one version's bytes."""
        for version in self.stored:
            if version.ref.version_id == ref.version_id and version.ref.key == ref.key:
                if len(version.data) > MAX_DOCUMENT_BYTES:
                    raise ContentTooLarge(len(version.data))
                return Content(
                    data=version.data, etag=version.ref.etag, last_modified_at=version.last_modified_at
                )
        raise ContentGone("expired-before-processed")

    def versions(self, key: str) -> tuple[str, ...]:
        """Return the version ids of a key, newest first."""
        return tuple(ref.version_id for ref, _ in self.list_versions(key) if ref.key == key)

    def list_versions(self, prefix: str = "") -> Iterator[tuple[ObjectRef, datetime]]:
        """Yield versions by key, newest first; a listing knows no sequencer."""
        found = [version for version in self.stored if version.ref.key.startswith(prefix)]
        found.reverse()
        newest_first = sorted(found, key=lambda version: version.ref.key)
        for version in newest_first:
            yield replace(version.ref, sequencer=""), version.last_modified_at


@dataclass(slots=True)
class MemorySink:
    """A destination bucket: the first object under a key stays."""

    objects: dict[str, bytes] = field(default_factory=dict)
    kept: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    # The bytes of the copies, where a test gives some.
    copies: dict[tuple[str, str], bytes] = field(default_factory=dict)

    def put_row(self, key: str, row: bytes) -> None:
        """Put unless there."""
        self.objects.setdefault(key, row)

    def has(self, key: str) -> bool:
        """Tell whether it is there."""
        return key in self.objects

    def keep_rejected(self, ref: ObjectRef, document: Document) -> bool:
        """Note of which document the bytes were copied, and from where."""
        self.kept[document.source_key, document.version_id] = ref.bucket, ref.key
        return True

    def get(self, key: str) -> bytes:
        """Return an object's bytes."""
        return self.objects[key]

    def replace(self, key: str, body: bytes) -> None:
        """Put other bytes in an object's place."""
        self.objects[key] = body

    def kept_rejected(self, document: Document, max_bytes: int) -> bytes:
        """Return the copy that a test gave."""
        data = self.copies.get((document.source_key, document.version_id))
        if data is None:
            raise ContentGone("expired-before-processed")
        if len(data) > max_bytes:
            raise ContentTooLarge(len(data))
        return data

    def remove(self, key: str) -> None:
        """Remove an object, or a copy."""
        self.objects.pop(key, None)
        self.kept = {place: copy for place, copy in self.kept.items() if rejected_key(*place) != key}

    def list_keys(self, prefix: str, start_after: str = "") -> Iterator[str]:
        """Yield keys in order."""
        yield from sorted(key for key in self.objects if key.startswith(prefix) and key > start_after)


@dataclass(slots=True)
class MemoryLedger:
    """A ledger with the conditions of the real ones."""

    documents_by_id: dict[tuple[str, str], Document] = field(default_factory=dict)
    current: dict[tuple[str, str], Revision] = field(default_factory=dict)
    replaced: dict[tuple[str, str, int], Revision] = field(default_factory=dict)
    checkpoints: dict[str, str] = field(default_factory=dict)
    leases: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    before_commit: Callable[[Change], None] = lambda _: None

    def commit(self, change: Change) -> Seen | None:
        """Write all or nothing."""
        self.before_commit(change)
        document, revision, seen = change.document, change.revision, change.seen
        now_document = self.documents_by_id.get(_id(document)) if document else None
        named = revision or seen.invoice
        invoice_id = (named.customer_id, named.invoice_id) if named else ("", "")
        now_invoice = self.current.get(invoice_id)
        if document and _acts(now_document) != _acts(seen.document):
            return Seen(document=now_document, invoice=now_invoice)
        is_text_kept = now_document is None or now_document.data is not None
        if document and seen.document and document.writes_back(seen.document) and not is_text_kept:
            return Seen(document=now_document, invoice=now_invoice)
        if named and _rev(now_invoice) != _rev(seen.invoice):
            return Seen(document=now_document, invoice=now_invoice)
        if document:
            self.documents_by_id[_id(document)] = document
        if revision:
            if now_invoice:
                self.replaced[(*invoice_id, now_invoice.rev)] = now_invoice
            self.current[invoice_id] = revision
        return None

    def document(self, source_key: str, version_id: str) -> Document | None:
        """Return the record."""
        return self.documents_by_id.get((source_key, version_id))

    def documents(self, ids: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Document]:
        """Return the known ones."""
        return {key: self.documents_by_id[key] for key in ids if key in self.documents_by_id}

    def revision(self, customer_id: str, invoice_id: str, rev: int | None = None) -> Revision | None:
        """Return that revision."""
        current = self.current.get((customer_id, invoice_id))
        if rev is None or (current and current.rev == rev):
            return current
        return self.replaced.get((customer_id, invoice_id, rev))

    def revisions_stored(self, hour: datetime) -> Iterator[Revision]:
        """Yield what was stored in that hour."""
        start = hour.replace(minute=0, second=0, microsecond=0)
        for revision in (*self.current.values(), *self.replaced.values()):
            if start <= revision.stored_at < start + timedelta(hours=1):
                yield revision

    def history(self, customer_id: str, invoice_id: str) -> tuple[Revision, ...]:
        """Return every revision, newest first."""
        current = self.current.get((customer_id, invoice_id))
        if current is None:
            return ()
        older = range(current.rev - 1, 0, -1)
        return (current, *(self.replaced[customer_id, invoice_id, rev] for rev in older))

    def current_revisions(self, *, customer_id: str | None = None) -> Iterator[Revision]:
        """Yield the current revision of every invoice, or of the customer's."""
        yield from [each for each in self.current.values() if customer_id in (None, each.customer_id)]

    def erase(self, customer_id: str, invoice_id: str | None, act: Act) -> Iterator[Erased]:
        """Erase while iterated."""
        return erase(self, customer_id, invoice_id, act)

    def invoice_ids(self, customer_id: str) -> Iterator[str]:
        """Yield the ids of the customer's invoices."""
        return (each.invoice_id for each in self.current_revisions(customer_id=customer_id))

    def unstored(self, customer_id: str, invoice_id: str | None) -> Iterator[Document]:
        """Yield the documents without a row that name the invoice, or any of the customer's."""
        for each in list(self.documents_by_id.values()):
            is_named = each.customer_id == customer_id and invoice_id in (None, each.invoice_id)
            if is_named and each.outcome != "stored":
                yield each

    def empty_revision(self, revision: Revision) -> None:
        """Drop text, row and hash of a replaced revision."""
        place = revision.customer_id, revision.invoice_id, revision.rev
        self.replaced[place] = replace(self.replaced[place], row=b"", data=None, sha256="")

    def nothing_before(self) -> datetime | None:
        """Return None, as a large ledger in DynamoDB does."""
        return None

    def expire_texts(self, *, since: datetime, before: datetime) -> int:
        """Drop the texts of what was recorded or stored from `since` till `before`."""
        count = 0
        for key, document in self.documents_by_id.items():
            if document.data is not None and since <= document.recorded_at < before:
                self.documents_by_id[key] = replace(document, data=None)
                count += 1
        tables: tuple[dict[Any, Revision], ...] = (self.current, self.replaced)
        for revisions in tables:
            for place, revision in revisions.items():
                if revision.data is not None and since <= revision.stored_at < before:
                    revisions[place] = replace(revision, data=None)
                    count += 1
        return count

    def rejections(self, *, open_only: bool = True, limit: int, token: str | None) -> Page:
        """Return a page of rejections, newest first, without their texts; a token is a place in the list."""
        found = [
            replace(each, data=None)
            for each in self.documents_by_id.values()
            if each.outcome == "rejected" and (each.is_open or not open_only)
        ]
        found.sort(key=lambda each: each.recorded_at, reverse=True)
        start = int(token or 0)
        end = start + limit
        return Page(documents=tuple(found[start:end]), next_token=str(end) if end < len(found) else None)

    def newest_stored_at(self, hour: datetime) -> datetime | None:
        """Return when the hour's newest revision was stored."""
        return max((revision.stored_at for revision in self.revisions_stored(hour)), default=None)

    def checkpoint(self, name: str) -> str | None:
        """Return what was saved."""
        return self.checkpoints.get(name)

    def save_checkpoint(self, name: str, value: str) -> None:
        """Save."""
        self.checkpoints[name] = value

    def acquire_lease(self, name: str, holder: str, *, now: datetime, seconds: int) -> bool:
        """Take, prolong or take over."""
        owner, until = self.leases.get(name, (holder, now))
        if owner != holder and now < until:
            return False
        self.leases[name] = (holder, now + timedelta(seconds=seconds))
        return True

    def release_lease(self, name: str, holder: str) -> None:
        """Give back."""
        if self.leases.get(name, ("", NOON))[0] == holder:
            del self.leases[name]


def _id(document: Document) -> tuple[str, str]:
    return document.source_key, document.version_id


def _acts(document: Document | None) -> int:
    return len(document.acts) if document else -1


def _rev(revision: Revision | None) -> int:
    return revision.rev if revision else 0
