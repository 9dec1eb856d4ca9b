"""The ports of the pipeline: what it needs of the outside, and how the outside says no. Pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from api.records import Change, Document, Revision, Seen
from api.s3_event import ObjectRef


class TemporaryFailure(Exception):  # noqa: N818 - it names what is wrong; the caller answers 503
    """An outside service could not do its part now; the same call may work later.

    `service` and `operation` say where, `code` what it answered, `mend` what an operator can
    do about it (empty when waiting is the cure).
    """

    def __init__(self, service: str, operation: str, code: str, mend: str = "") -> None:
        super().__init__(f"{service} {operation}: {code}" + (f" ({mend})" if mend else ""))
        self.service, self.operation, self.code, self.mend = service, operation, code, mend


class ContentGone(Exception):  # noqa: N818 - the same
    """The version that was asked for cannot be read; `code` is the rejection's."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class ContentTooLarge(Exception):  # noqa: N818 - the same
    """The version is larger than a document may be."""

    def __init__(self, size_bytes: int) -> None:
        super().__init__(f"{size_bytes} bytes")
        self.size_bytes = size_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What the source bucket holds for one version."""

    data: bytes
    etag: str
    last_modified_at: datetime


class Source(Protocol):
    """Where documents come from. Every method raises TemporaryFailure."""

    def read(self, ref: ObjectRef) -> Content:
        """Return the bytes; raises ContentGone or ContentTooLarge."""

    def versions(self, key: str) -> tuple[str, ...]:
        """Return the version ids of a key, newest first."""


class Sink(Protocol):
    """Where CSV objects go. Every method raises TemporaryFailure."""

    def put_row(self, key: str, row: bytes) -> None:
        """Make sure that the object is there. Safe to repeat."""

    def has(self, key: str) -> bool:
        """Tell whether the object is there."""

    def keep_rejected(self, ref: ObjectRef, document: Document) -> bool:
        """Copy a rejected document's bytes from where `ref` names them; False when they are gone."""

    def kept_rejected(self, document: Document, max_bytes: int) -> bytes:
        """Return that copy; raises ContentGone or ContentTooLarge."""


class Ledger(Protocol):
    """What the pipeline needs of the record store. Every method raises TemporaryFailure."""

    def commit(self, change: Change) -> Seen | None:
        """Write all of the change or none; None when it is durable, else what the ledger says now."""

    def document(self, source_key: str, version_id: str) -> Document | None:
        """Return the document's record, or None when the ledger does not know it."""

    def revision(self, customer_id: str, invoice_id: str, rev: int | None = None) -> Revision | None:
        """Return that revision, the current one without `rev`, or None."""
