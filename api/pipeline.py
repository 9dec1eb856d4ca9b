"""An object's way from the source bucket to its outcome, and the ports it goes through. Pure."""

from typing import Protocol

from api.records import Change, Document, Revision, Seen


class TemporaryFailure(Exception):  # noqa: N818 - it names what is wrong; the caller answers 503
    """An outside service could not do its part now; the same call may work later.

    `service` and `operation` say where, `code` what it answered, `mend` what an operator can
    do about it (empty when waiting is the cure).
    """

    def __init__(self, service: str, operation: str, code: str, mend: str = "") -> None:
        super().__init__(f"{service} {operation}: {code}" + (f" ({mend})" if mend else ""))
        self.service, self.operation, self.code, self.mend = service, operation, code, mend


class ContentGone(Exception):  # noqa: N818 - the same
    """The version that was asked for can no longer be read."""


class Ledger(Protocol):
    """What the pipeline needs of the record store. Every method raises TemporaryFailure."""

    def commit(self, change: Change) -> Seen | None:
        """Write all of the change or none; None when it is durable, else what the ledger says now."""

    def document(self, source_key: str, version_id: str) -> Document | None:
        """Return the document's record, or None when the ledger does not know it."""

    def revision(self, customer_id: str, invoice_id: str, rev: int | None = None) -> Revision | None:
        """Return that revision, the current one without `rev`, or None."""
