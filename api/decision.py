"""What becomes of a document: the table that decides who wins. Pure.

    the ledger says                            the document       outcome
    document known                             -                  repeated: nothing changes
    no such invoice                            -                  stored, rev 1
    active, from the same source_key           newer              stored, rev + 1
    active or withdrawn, same source_key       older              superseded
    active, from another source_key            same content       rejected, duplicate-invoice
    active, from another source_key            other content      rejected, conflicting-invoice
    withdrawn                                  any other          rejected, withdrawn-invoice

The stores carry a Change out in one transaction on condition that the ledger is still as the
decision saw it; when it is not, they say what it is now and the table is asked again.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import quote

from api.records import Act, Change, Document, DocumentOutcome, Reason, Revision, RevisionStatus, Seen
from invoice_parser import Invoice, csv_row, restamp_row, row_content

# DynamoDB takes 400 KB an item, names and numbers included; what is beside text and row is small.
MAX_ITEM_BYTES = 380_000
# An item line of the text has 6 bytes or more and its JSON in the row about 90 beside its words,
# so a text of this size makes a row of 130 KB at the very most, and the hot path need not look.
_SURELY_FITS_BYTES = 8_192


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A parsed document before its outcome; `document` says where it came from and when.

    `listed` returns the version ids of the key as S3 lists them, newest first; it is asked only
    when neither sequencer nor Last-Modified can tell which of two versions is newer. `csv_key`
    is an object that takes the rows of many arrivals; empty for one of its own.
    """

    document: Document
    invoice: Invoice
    data: bytes
    listed: Callable[[], tuple[str, ...]]
    csv_key: str = ""


def decide(arrival: Arrival, seen: Seen, act: Act | None = None) -> Change:
    """Return the one transaction that gives this document its outcome, the ledger being as seen.

    `act` is the operator's reprocessing of a rejection, None for a delivery.
    """
    document, current = arrival.document, seen.invoice
    if current is None:
        return _store(arrival, seen, act, status="active")
    if current.source_key == document.source_key and not _is_newer(arrival, current):
        return _finish(arrival, seen, act, "superseded", None)
    if current.status == "withdrawn":
        return reject(arrival, seen, act, "withdrawn-invoice", "an operator withdrew this invoice")
    if current.source_key == document.source_key:
        return _store(arrival, seen, act, status="active")
    where = f"invoice {current.invoice_id} of {current.customer_id} is stored from {current.source_key}"
    if current.sha256 == document.sha256 or row_content(current.row) == row_content(
        _row(arrival, 1, "active", document.recorded_at)
    ):
        return reject(arrival, seen, act, "duplicate-invoice", f"{where} with the same content")
    return reject(arrival, seen, act, "conflicting-invoice", f"{where} with other content")


def accept(arrival: Arrival, seen: Seen, act: Act) -> Change:
    """Return the transaction by which an operator lets a rejected document win after all."""
    return _store(arrival, seen, act, status="active")


def reject(arrival: Arrival, seen: Seen, act: Act | None, code: str, message: str) -> Change:
    """Return the transaction that makes the document a rejection."""
    return _finish(arrival, seen, act, "rejected", Reason(code=code, message=message))


def reissue(revision: Revision, *, status: RevisionStatus, at: datetime, act: Act) -> Revision:
    """Return the next revision of the same content: an operator's act, or a late repair."""
    rev, stored_at = revision.rev + 1, max(at, revision.stored_at)
    return replace(
        revision,
        rev=rev,
        status=status,
        stored_at=stored_at,
        row=restamp_row(revision.row, status=status, rev=rev, stored_at=stored_at),
        csv_key=csv_key(revision.customer_id, revision.invoice_id, rev, stored_at),
        act=act,
    )


def revision_of(
    arrival: Arrival,
    *,
    rev: int,
    status: RevisionStatus,
    act: Act | None,
    replaced: Revision | None = None,
) -> Revision:
    """Return the revision that the arrival makes; `replaced` is the current one, if any.

    It is never stored before the one that it replaces, however the clocks of two instances differ:
    of an invoice's objects the tail holds the latest, and so the highest revision.
    """
    document, invoice = arrival.document, arrival.invoice
    stored_at = max(document.recorded_at, replaced.stored_at) if replaced else document.recorded_at
    shared_key = arrival.csv_key if stored_at == document.recorded_at else ""
    return Revision(
        customer_id=invoice.customer_id,
        invoice_id=invoice.invoice_id,
        rev=rev,
        status=status,
        stored_at=stored_at,
        row=_row(arrival, rev, status, stored_at),
        csv_key=shared_key or csv_key(invoice.customer_id, invoice.invoice_id, rev, stored_at),
        data=arrival.data,
        sha256=document.sha256,
        source_key=document.source_key,
        version_id=document.version_id,
        sequencer=document.sequencer,
        last_modified_at=document.last_modified_at,
        act=act,
    )


def csv_key(customer_id: str, invoice_id: str, rev: int, stored_at: datetime) -> str:
    """Return the key of a revision's own CSV object; `_` separates, since encoded ids have none."""
    hour = stored_at.isoformat("-", "hours")[:13]  # strftime takes five times as long
    return f"csv/v1/ingest={hour}/{_object_name(customer_id, invoice_id, rev)}"


def own_key(key: str, customer_id: str, invoice_id: str, rev: int) -> str:
    """Return where the revision's own object would be, given the one that its row stands in."""
    return f"{key.rpartition('/')[0]}/{_object_name(customer_id, invoice_id, rev)}"


def fits(arrival: Arrival) -> bool:
    """Tell whether text and row together fit in one item of the ledger."""
    if len(arrival.data) <= _SURELY_FITS_BYTES:
        return True
    row_bytes = len(_row(arrival, 1, "active", arrival.document.recorded_at))
    text_bytes = len(arrival.data.decode(arrival.invoice.encoding, "replace").encode("utf-8", "replace"))
    return max(text_bytes, len(arrival.data)) + row_bytes <= MAX_ITEM_BYTES


def _store(arrival: Arrival, seen: Seen, act: Act | None, *, status: RevisionStatus) -> Change:
    rev = seen.invoice.rev + 1 if seen.invoice else 1
    revision = revision_of(arrival, rev=rev, status=status, act=act, replaced=seen.invoice)
    return _finish(arrival, seen, act, "stored", None, revision)


def _finish(
    arrival: Arrival,
    seen: Seen,
    act: Act | None,
    outcome: DocumentOutcome,
    reason: Reason | None,
    revision: Revision | None = None,
) -> Change:
    earlier = seen.document
    acts = (earlier.acts if earlier else ()) + ((act,) if act else ())
    document = replace(
        arrival.document,
        outcome=outcome,
        reason=reason,
        customer_id=arrival.invoice.customer_id,
        invoice_id=arrival.invoice.invoice_id,
        rev=revision.rev if revision else arrival.document.rev,
        data=None if revision else arrival.data,  # the revision keeps it
        is_open=outcome == "rejected",
        attempts=earlier.attempts + 1 if earlier else 1,
        acts=acts,
    )
    return Change(document=document, revision=revision, seen=seen)


def _row(arrival: Arrival, rev: int, status: RevisionStatus, stored_at: datetime) -> bytes:
    source_key = arrival.document.source_key
    return csv_row(arrival.invoice, status=status, rev=rev, source_key=source_key, stored_at=stored_at)


def _is_newer(arrival: Arrival, current: Revision) -> bool:
    """Tell whether the document is a newer version of the key than the one that is stored.

    By Last-Modified first: that is how S3 itself tells which version is current, also when an upload in
    parts ends after a version that was begun later, and listings and imports know it as well as events:
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html#distributedmpupload
    """
    document = arrival.document
    mine_at, theirs_at = document.last_modified_at, current.last_modified_at
    if mine_at and theirs_at and mine_at != theirs_at:
        return mine_at > theirs_at
    if document.sequencer and current.sequencer:
        width = max(len(document.sequencer), len(current.sequencer))
        mine, theirs = document.sequencer.ljust(width, "0"), current.sequencer.ljust(width, "0")
        if mine != theirs:
            return mine > theirs
    listed = arrival.listed()
    # S3 expires the older version first. When both are gone, what stands is not replaced on a guess.
    if document.version_id not in listed:
        return False
    if current.version_id not in listed:
        return True
    return listed.index(document.version_id) < listed.index(current.version_id)


def _object_name(customer_id: str, invoice_id: str, rev: int) -> str:
    ids = "_".join(_percent_encode(value) for value in (customer_id, invoice_id))
    return f"{ids}-r{rev:06d}.csv"


def _percent_encode(value: str) -> str:
    return quote(value, safe="").replace("_", "%5F").replace("~", "%7E")
