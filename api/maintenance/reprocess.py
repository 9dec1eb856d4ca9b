"""Reprocess: kept texts again, with today's parser."""

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from api import logs
from api.acts import ActRefused, Acts, Operator
from api.maintenance.lease import Lease
from api.ports import TemporaryFailure
from api.records import Document, Page, Revision

logger = logging.getLogger(__name__)

PAGE = 100


class KeptTexts(Protocol):
    """What a reprocessing asks of the ledger."""

    def current_revisions(self, *, customer_id: str | None = None) -> Iterable[Revision]:
        """Yield the current revision of every invoice, or of one customer's."""

    def rejections(self, *, open_only: bool = True, limit: int, token: str | None) -> Page:
        """Return a page of rejections."""


@dataclass(slots=True, kw_only=True)
class Reprocessed:
    """What came of it; a person must look at `refused` ones, and `failed` ones want another run."""

    changed: int = 0
    unchanged: int = 0
    refused: int = 0
    failed: int = 0

    @property
    def any(self) -> bool:
        """Tell whether there was anything to do."""
        return bool(self.changed or self.unchanged or self.refused or self.failed)

    def __str__(self) -> str:
        return (
            f"{self.changed} changed, {self.unchanged} unchanged, {self.refused} refused,"
            f" {self.failed} failed for now"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reprocessing:
    """Takes kept texts through today's parser; only what reads otherwise makes a revision.

    `operator` is asked once a text, since each act has its own time.
    """

    ledger: KeptTexts
    acts: Acts
    operator: Callable[[], Operator]

    def run(
        self,
        texts: Iterable[Revision | Document],
        lease: Lease,
        progress: Callable[[Reprocessed], None] = lambda _: None,
        tell: Callable[[str], None] = lambda _: None,
    ) -> Reprocessed:
        """Reprocess the texts; `tell` gets a line for each that was refused or failed. Safe to repeat."""
        done = Reprocessed()
        for text in texts:
            lease.keep()
            kind, why = self._attempt(text)
            setattr(done, kind, getattr(done, kind) + 1)
            if why:
                tell(f"{_named(text)}: {kind}: {why}")
            progress(done)
        return done

    def invoices(self, customer_id: str | None, invoice_id: str | None) -> Iterator[Revision]:
        """Yield every invoice, one customer's, or one."""
        for revision in self.ledger.current_revisions(customer_id=customer_id):
            if invoice_id is None or revision.invoice_id == invoice_id:
                yield revision

    def rejections(self, code: str | None) -> Iterator[Document]:
        """Yield the open rejections, or those with that reason."""
        token: str | None = None
        while True:
            page = self.ledger.rejections(limit=PAGE, token=token)
            for document in page.documents:
                if code is None or (document.reason and document.reason.code == code):
                    yield document
            token = page.next_token
            if token is None:
                return

    def _attempt(self, text: Revision | Document) -> tuple[str, str]:
        """Return what became of the text, and why it was refused or failed."""
        try:
            if isinstance(text, Revision):
                return "changed" if self.acts.reprocess_invoice(text, self.operator()) else "unchanged", ""
            again = self.acts.reprocess_rejection(text.source_key, text.version_id, self.operator())
        except ActRefused as error:
            return "refused", str(error)
        except TemporaryFailure as error:
            return "failed", str(error)
        except Exception as error:  # a text that breaks today's parser shall not keep the others waiting
            logger.exception(logs.DOCUMENT_FAILED, extra={"key": text.source_key})
            # Only the name: the message of such an error may hold a piece of the text.
            return "failed", f"{type(error).__name__}, an error of docproc's; the log has where"
        return "unchanged" if again.outcome == "rejected" else "changed", ""


def _named(text: Revision | Document) -> str:
    """Return what a person writes to name the text."""
    if isinstance(text, Revision):
        return f"invoice {text.customer_id} {text.invoice_id}"
    return f"rejection {text.source_key}@{text.version_id}"
