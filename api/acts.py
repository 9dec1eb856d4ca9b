"""What an operator does to an invoice or a rejection: accept, withdraw, restore, reprocess, close. Pure.

Each act is one transaction on condition that the ledger is as the operator saw it, and each is
kept with who, when and why. An act is never undone by a machine.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from api.decision import Arrival, accept, fits, reissue, revision_of
from api.pipeline import Pipeline, reason_of, too_large
from api.ports import ContentGone, ContentTooLarge
from api.records import Act, ActKind, Change, Document, Reason, Revision, RevisionStatus, Seen
from invoice_parser import InvoiceError, row_content

ACCEPTABLE = frozenset({"conflicting-invoice", "withdrawn-invoice"})
# The forms of the pages stop there too.
MAX_WHY_CHARACTERS = 1_000


class ActRefused(Exception):  # noqa: N818 - it names what is wrong
    """The act does not apply to what the ledger says now; the message tells the operator why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """Who acts, why, and when. Raises ActRefused without a name or a reason, or for too long a one."""

    who: str
    why: str
    at: datetime

    def __post_init__(self) -> None:
        if not self.who.strip() or not self.why.strip():
            raise ActRefused("every act needs a name and a reason")
        if len(self.why.strip()) > MAX_WHY_CHARACTERS:
            raise ActRefused(f"the reason has over {MAX_WHY_CHARACTERS} characters; make it shorter")

    def act(self, kind: ActKind) -> Act:
        """Return the act to keep."""
        return Act(kind=kind, who=self.who.strip(), why=self.why.strip(), at=self.at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Acts:
    """Carries acts out. Every method raises ActRefused, and then nothing changed, or TemporaryFailure.

    After a TemporaryFailure the act may be done all the same: look before doing it again.
    """

    pipeline: Pipeline

    def withdraw(self, customer_id: str, invoice_id: str, rev: int | None, operator: Operator) -> Revision:
        """Take an invoice out of the expenses. `rev` is the revision that the operator saw."""
        return self._change_status(customer_id, invoice_id, rev, "withdrawn", operator.act("withdraw"))

    def restore(self, customer_id: str, invoice_id: str, rev: int | None, operator: Operator) -> Revision:
        """Bring a withdrawn invoice back."""
        return self._change_status(customer_id, invoice_id, rev, "active", operator.act("restore"))

    def accept(
        self, source_key: str, version_id: str, operator: Operator, rev: int | None = None
    ) -> Revision:
        """Let a conflicting document, or one for a withdrawn invoice, become the next revision.

        `rev` is the revision that the operator saw beside it.
        """
        document = self._open_rejection(source_key, version_id)
        code = document.reason.code if document.reason else ""
        if code not in ACCEPTABLE:
            raise ActRefused(
                f"a rejection for {code} cannot be accepted, only {' or '.join(sorted(ACCEPTABLE))}"
            )
        if document.data is None:
            raise ActRefused("the text of this rejection is no longer kept")
        current = self.pipeline.ledger.revision(document.customer_id, document.invoice_id)
        if rev is not None:
            check_seen(current, rev)
        act = operator.act("accept")
        try:
            arrival = self.pipeline.arrival(replace(document, recorded_at=act.at), document.data)
        except InvoiceError as error:
            raise ActRefused(f"today's parser rejects the text: {error.code}") from error
        _check(arrival, document)
        change = accept(arrival, Seen(document=document, invoice=current), act)
        return self._carry_out(change)

    def close(self, source_key: str, version_id: str, operator: Operator) -> Document:
        """Mark a rejection as dealt with; no redelivery opens it again."""
        act = operator.act("close")
        document = self._open_rejection(source_key, version_id)
        try:
            return self._closed(document, act)
        except ActRefused:
            without_text = self._open_rejection(source_key, version_id)
            if without_text != replace(document, data=None):
                raise
            return self._closed(without_text, act)  # retention dropped its text meanwhile, and nobody acted

    def reprocess_rejection(self, source_key: str, version_id: str, operator: Operator) -> Document:
        """Parse a rejection's bytes with today's parser and give it the outcome of today's table.

        They are those that the ledger keeps; of a document that could not be read when it came, those
        that the source bucket still has, or the copy in the destination bucket.
        """
        document = self._open_rejection(source_key, version_id)
        act = operator.act("reprocess")
        try:
            known = self._with_text(document, act.at)
        except ContentTooLarge as error:
            return self._still_rejected(document, document, too_large(str(error)), act)
        try:
            arrival = self.pipeline.arrival(replace(known, recorded_at=act.at), known.data or b"")
        except InvoiceError as error:
            return self._still_rejected(document, known, reason_of(error), act)
        if not fits(arrival):
            return self._still_rejected(document, known, too_large("text and row together"), act)
        settled = self.pipeline.settle(None, arrival, Seen(document=document), act)
        if isinstance(settled, Document):
            raise ActRefused(_CHANGED)
        if settled.revision is not None:
            self.pipeline.sink.put_row(settled.revision.csv_key, settled.revision.row)
        return settled.document or document

    def reprocess_invoice(self, current: Revision, operator: Operator) -> Revision | None:
        """Parse an invoice's kept bytes again; None when today's parser says the same.

        The status stays. Raises ActRefused if today's parser rejects the text or finds other ids.
        """
        if current.data is None:
            raise ActRefused("the text of this invoice is no longer kept")
        act = operator.act("reprocess")
        document = Document(
            source_key=current.source_key,
            version_id=current.version_id,
            outcome="stored",
            recorded_at=act.at,
            sequencer=current.sequencer,
            last_modified_at=current.last_modified_at,
            sha256=current.sha256,
        )
        try:
            arrival = self.pipeline.arrival(document, current.data)
        except InvoiceError as error:
            raise ActRefused(f"today's parser rejects the text: {error.code}") from error
        _check(arrival, current)
        revision = revision_of(arrival, rev=current.rev + 1, status=current.status, act=act, replaced=current)
        if row_content(revision.row) == row_content(current.row):
            return None
        return self._carry_out(Change(document=None, revision=revision, seen=Seen(invoice=current)))

    def _change_status(
        self, customer_id: str, invoice_id: str, rev: int | None, status: RevisionStatus, act: Act
    ) -> Revision:
        current = self.pipeline.ledger.revision(customer_id, invoice_id)
        if current is None:
            raise ActRefused(f"there is no invoice {invoice_id} of {customer_id}")
        if rev is not None:
            check_seen(current, rev)
        if not current.row:
            raise ActRefused("the invoice was erased")
        if current.status == status:
            raise ActRefused(f"the invoice is {status} already")
        revision = reissue(current, status=status, at=act.at, act=act)
        return self._carry_out(Change(document=None, revision=revision, seen=Seen(invoice=current)))

    def _open_rejection(self, source_key: str, version_id: str) -> Document:
        document = self.pipeline.ledger.document(source_key, version_id)
        if document is None or document.outcome != "rejected":
            no_rejection = f"there is no rejection of {source_key} version {version_id}"
            if document is None or document.outcome != "stored":
                raise ActRefused(no_rejection)
            raise ActRefused(
                f"{no_rejection} any more: it is stored already, as revision {document.rev}"
                f" of invoice {document.invoice_id} of {document.customer_id}"
            )
        if not document.is_open:
            raise ActRefused("this rejection is closed already")
        return document

    def _closed(self, document: Document, act: Act) -> Document:
        closed = replace(document, is_open=False, acts=(*document.acts, act))
        self._commit(Change(document=closed, revision=None, seen=Seen(document=document)))
        return closed

    def _with_text(self, document: Document, now: datetime) -> Document:
        """Return the rejection with its bytes, read now if they never were; raises ContentTooLarge."""
        if document.is_unread:
            try:
                # As of now, so that retention finds the text when its time has come.
                return replace(self.pipeline.read_again(document), recorded_at=now)
            except ContentGone as error:
                raise ActRefused(_NOWHERE) from error
        if document.data is None or document.is_message:
            raise ActRefused("the text of this rejection is not kept in the ledger")
        return document

    def _still_rejected(self, seen: Document, known: Document, reason: Reason, act: Act) -> Document:
        tried = replace(known, reason=reason, attempts=seen.attempts + 1, acts=(*seen.acts, act))
        self._commit(Change(document=tried, revision=None, seen=Seen(document=seen)))
        return tried

    def _carry_out(self, change: Change) -> Revision:
        self._commit(change)
        revision = change.revision
        if revision is None:
            raise AssertionError("a change carried out for a revision has one")
        # Should the process die here, reconcile puts the object: it makes sure of every recent revision.
        self.pipeline.sink.put_row(revision.csv_key, revision.row)
        return revision

    def _commit(self, change: Change) -> None:
        if self.pipeline.ledger.commit(change) is not None and not self._is_through(change):
            raise ActRefused(_CHANGED)

    def _is_through(self, change: Change) -> bool:
        """Tell whether the change stands after all: its answer was lost, and the store asked again."""
        ledger, document, revision = self.pipeline.ledger, change.document, change.revision
        if revision is not None:
            return ledger.revision(revision.customer_id, revision.invoice_id, revision.rev) == revision
        return document is not None and ledger.document(document.source_key, document.version_id) == document


def check_seen(current: Revision | None, rev: int) -> None:
    """Raise ActRefused if the current revision is not `rev`, which the operator saw; 0 means none."""
    if rev != (current.rev if current else 0):
        now = f"the current revision is {current.rev}" if current else "there is no revision any more"
        raise ActRefused(f"somebody else changed this meanwhile: {now}; look at it again")


def _check(arrival: Arrival, known: Document | Revision) -> None:
    """Raise ActRefused if today's parser makes another invoice of the text, or too large a row."""
    invoice = arrival.invoice
    if (invoice.customer_id, invoice.invoice_id) != (known.customer_id, known.invoice_id):
        raise ActRefused("today's parser reads other ids from the text")
    if not fits(arrival):
        raise ActRefused("text and today's row together are larger than what the ledger takes")


_NOWHERE = (
    "the document could not be read when it came, and is neither in the source bucket any more nor under"
    " rejected/ in the destination bucket: have it uploaded again, then close this"
)
_CHANGED = "somebody else changed this meanwhile; look at it again"
