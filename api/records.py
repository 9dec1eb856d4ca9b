"""The words of the ledger: what it keeps of each document and of each invoice.

Plain values; the stores translate them, the decision makes them. A document is one
version of one key and has exactly one outcome. An invoice is a chain of revisions, of
which the highest is current; a revision never changes once its transaction is through.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, TypeAlias

DocumentOutcome: TypeAlias = Literal["stored", "superseded", "rejected"]
RevisionStatus: TypeAlias = Literal["active", "withdrawn"]
ActKind: TypeAlias = Literal["accept", "withdraw", "restore", "reprocess", "close", "repair", "erase"]

# The version of a message that named no document.
MESSAGE_VERSION: Final = "message"
# What an import's documents have in place of a MessageId, which is a UUID.
IMPORT: Final = "import"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why a document did not become a row; line and column count from 1, 0 means none."""

    code: str
    message: str
    line: int = 0
    column: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """What somebody did to an invoice or a rejection.

    `who` is an account's name, or `docproc` for a repair that the service made itself.
    """

    kind: ActKind
    who: str
    why: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """The fate of one version of one key in the source bucket.

    `version_id` is S3's, or `etag:<ETag>` from a bucket without versioning. A message that
    names no document has source_key `message:<MessageId>` and version_id `message`.
    `data` are the exact bytes, kept only when the outcome is not *stored*; None when they
    could not be read or were not kept. `is_open` marks a rejection nobody has dealt with.
    """

    source_key: str
    version_id: str
    outcome: DocumentOutcome
    recorded_at: datetime
    reason: Reason | None = None
    customer_id: str = ""
    invoice_id: str = ""
    rev: int = 0
    etag: str = ""
    size_bytes: int = 0
    sha256: str = ""
    sequencer: str = ""
    last_modified_at: datetime | None = None
    message_id: str = ""
    attempts: int = 1
    data: bytes | None = None
    is_open: bool = False
    acts: tuple[Act, ...] = ()

    @property
    def is_unread(self) -> bool:
        """Whether it is a version whose bytes could never be read; not one whose text was dropped."""
        return self.data is None and not self.sha256 and not self.is_message

    @property
    def is_message(self) -> bool:
        """Whether it stands for a message that named no document; S3 gives no version such an id."""
        return self.version_id == MESSAGE_VERSION

    @property
    def is_imported(self) -> bool:
        """Whether an import brought it; its key is no sign, since senders choose theirs."""
        return self.message_id == IMPORT

    def writes_back(self, seen: "Document") -> bool:
        """Tell whether this change of `seen` would bring its text back, had retention dropped it since."""
        return self.data is not None and seen.data is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """One revision of an invoice: the exact bytes, the exact row, where it came from, when.

    The current one is found by (customer_id, invoice_id); a replaced one by its `rev` too.
    `act` is the operator's act that made it, None when a document did. `data` is None once
    retention dropped the text. An erasure also empties `row` and `sha256`, and stands itself as
    the highest revision: withdrawn, without row and csv_key, its act of the kind *erase*.
    """

    customer_id: str
    invoice_id: str
    rev: int
    status: RevisionStatus
    stored_at: datetime
    row: bytes
    csv_key: str
    data: bytes | None
    sha256: str
    source_key: str
    version_id: str
    sequencer: str = ""
    last_modified_at: datetime | None = None
    act: Act | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the ledger said about a document and about the invoice that it names."""

    document: Document | None = None
    invoice: Revision | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One transaction: what to write, on condition that the ledger is still as `seen`.

    `document`, if any, is put on condition that the one in the ledger is absent
    (seen.document is None) or has as many acts as seen.document, and still its text if that is
    written again: what retention dropped stays dropped. `revision`, if any, becomes
    the current one on condition that there is none (seen.invoice is None) or that its rev is
    seen.invoice's; the replaced one stays readable by its rev. Without `revision` a
    seen.invoice is only a condition: its rev must still be current.
    """

    document: Document | None
    revision: Revision | None
    seen: Seen

    def __post_init__(self) -> None:
        """Raise ValueError for a revision that does not follow the one that was seen."""
        if self.revision and self.revision.rev != (self.seen.invoice.rev + 1 if self.seen.invoice else 1):
            raise ValueError(f"revision {self.revision.rev} does not follow the one that was seen")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some documents of a listing, newest first; `next_token` is None on the last page."""

    documents: tuple[Document, ...]
    next_token: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """A document, or a revision with its CSV object, whose text and row the ledger has dropped.

    What the service wrote of it elsewhere is the caller's to delete: the CSV row (csv_key is
    empty when there is none, and an object of an import holds other invoices' rows as well)
    and the copy of a rejected version.
    """

    customer_id: str
    invoice_id: str
    source_key: str
    version_id: str
    rev: int = 0
    csv_key: str = ""


Documents: TypeAlias = Iterator[Document]
Revisions: TypeAlias = Iterator[Revision]
