"""Erasing a customer or an invoice: the same steps for both ledgers.

First the documents without a row, so that no act can make a revision of one any more. Then a
tombstone becomes the current revision, so that every change still on its way fails on its rev; only
then are the older revisions emptied, since nothing can bring them back. Documents stay known, or a
redelivery would store the text again. Each step is safe to repeat.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Protocol

from api.ports import TemporaryFailure
from api.records import Act, Change, Document, Erased, Revision, Seen

# Each further try means that somebody else changed the same record meanwhile.
_ATTEMPTS = 8


class Emptiable(Protocol):
    """What the emptying of one document needs of a ledger."""

    def commit(self, change: Change) -> Seen | None:
        """Write all of the change or none."""

    def document(self, source_key: str, version_id: str) -> Document | None:
        """Return the document's record, or None."""


class Erasable(Emptiable, Protocol):
    """What an erasure needs of a ledger."""

    def revision(self, customer_id: str, invoice_id: str, rev: int | None = None) -> Revision | None:
        """Return the current revision, or None."""

    def history(self, customer_id: str, invoice_id: str) -> tuple[Revision, ...]:
        """Return every revision, newest first."""

    def invoice_ids(self, customer_id: str) -> Iterator[str]:
        """Yield the ids of the customer's invoices."""

    def unstored(self, customer_id: str, invoice_id: str | None) -> Iterator[Document]:
        """Yield the documents without a row that name the invoice, or any of the customer's."""

    def empty_revision(self, revision: Revision) -> None:
        """Drop text, row and hash of a replaced revision."""


def erase(ledger: Erasable, customer_id: str, invoice_id: str | None, act: Act) -> Iterator[Erased]:
    """Erase while iterated; yield what is gone, again when repeated."""
    told = set()
    for document in ledger.unstored(customer_id, invoice_id):
        version = document.source_key, document.version_id
        if version in told:
            continue  # closed by the step below, it may come again among the closed ones
        told.add(version)
        empty_document(ledger, *version, act, (customer_id, invoice_id))
        yield Erased(
            customer_id=document.customer_id,
            invoice_id=document.invoice_id,
            source_key=document.source_key,
            version_id=document.version_id,
        )
    for each in [invoice_id] if invoice_id is not None else ledger.invoice_ids(customer_id):
        _bury(ledger, customer_id, each, act)
        for revision in ledger.history(customer_id, each):
            if revision.csv_key:
                yield _erase_revision(ledger, revision, act)


def _bury(ledger: Erasable, customer_id: str, invoice_id: str, act: Act) -> None:
    current = ledger.revision(customer_id, invoice_id)
    for _ in range(_ATTEMPTS):
        if current is None or not current.row:
            return
        tombstone = replace(
            current,
            rev=current.rev + 1,
            status="withdrawn",
            stored_at=act.at,
            row=b"",
            csv_key="",
            data=None,
            sha256="",
            act=act,
        )
        seen = ledger.commit(Change(document=None, revision=tombstone, seen=Seen(invoice=current)))
        if seen is None:
            return
        current = seen.invoice
    raise TemporaryFailure("ledger", "erase", "contention")


def _erase_revision(ledger: Erasable, revision: Revision, act: Act) -> Erased:
    if revision.row or revision.data is not None or revision.sha256:
        ledger.empty_revision(revision)
    names = revision.customer_id, revision.invoice_id
    empty_document(ledger, revision.source_key, revision.version_id, act, names)
    return Erased(
        customer_id=revision.customer_id,
        invoice_id=revision.invoice_id,
        source_key=revision.source_key,
        version_id=revision.version_id,
        rev=revision.rev,
        csv_key=revision.csv_key,
    )


def empty_document(
    ledger: Emptiable,
    source_key: str,
    version_id: str,
    act: Act,
    names: tuple[str | None, str | None] = (None, None),
) -> None:
    """Drop what the document's record tells of its content, and close it; it stays known.

    One that names another customer or invoice than `names` by now was reprocessed, and is left.
    """
    for _ in range(_ATTEMPTS):
        document = ledger.document(source_key, version_id)
        if document is None:
            return
        if names[0] not in {None, document.customer_id} or names[1] not in {None, document.invoice_id}:
            return
        # The message may quote the text, and whoever guesses a short text can prove it by its hash.
        reason = replace(document.reason, message="") if document.reason else None
        emptied = replace(document, data=None, reason=reason, sha256="", is_open=False)
        if emptied == document:
            return
        emptied = replace(emptied, acts=(*document.acts, act))
        if ledger.commit(Change(document=emptied, revision=None, seen=Seen(document=document))) is None:
            return
    raise TemporaryFailure("ledger", "erase", "contention")
