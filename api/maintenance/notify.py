"""Notify: tell people, in plain words, which documents were rejected since they were last told."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

from api.records import Document, Page
from invoice_parser.wording import printable

CHECKPOINT = "notify"
PAGE = 100
# A mail of more lines is read by nobody; the pages have them all.
MAX_LINES = 50
# A rejection bears the time at which its delivery, or its batch of an import, began: what is
# younger than the longest of these may still be joined by an older one, and is told of next time.
SETTLED = timedelta(minutes=10)


class RejectionsLedger(Protocol):
    """What this asks of the ledger."""

    def rejections(self, *, open_only: bool, limit: int, token: str | None) -> Page:
        """Return rejections, newest first."""

    def checkpoint(self, name: str) -> str | None:
        """Return what was saved under the name."""

    def save_checkpoint(self, name: str, value: str) -> None:
        """Save a value under the name."""


def notify(ledger: RejectionsLedger, publish: Callable[[str, str], None], now: datetime) -> int:
    """Publish one message (subject, text) about the new open rejections; how many there are.

    The first call only notes the time. Told at least once: a crash behind `publish` tells again.
    """
    saved = ledger.checkpoint(CHECKPOINT)
    until = now - SETTLED
    new = _between(ledger, datetime.fromisoformat(saved), until) if saved else ()
    if new:
        publish(_subject(len(new)), _text(new))
    ledger.save_checkpoint(CHECKPOINT, until.isoformat())
    return len(new)


def _between(ledger: RejectionsLedger, since: datetime, until: datetime) -> tuple[Document, ...]:
    found: list[Document] = []
    token: str | None = None
    while True:
        page = ledger.rejections(open_only=True, limit=PAGE, token=token)
        newer = [document for document in page.documents if document.recorded_at > since]
        found += [document for document in newer if document.recorded_at <= until]
        token = page.next_token
        if token is None or len(newer) < len(page.documents):
            return tuple(reversed(found))


def _subject(number: int) -> str:
    return f"docproc: {number} document{'s were' if number > 1 else ' was'} rejected"


def _text(documents: tuple[Document, ...]) -> str:
    lines = [_line(document) for document in documents[:MAX_LINES]]
    if len(documents) > MAX_LINES:
        lines.append(f"... and {len(documents) - MAX_LINES} more")
    lines += ["", "Their texts are kept. See the page Rejections, or: manage.py rejections list"]
    return "\n".join(lines)


def _line(document: Document) -> str:
    reason = document.reason
    why = f"{reason.message} ({reason.code})" if reason else "no reason is known"
    where = f", line {reason.line}" if reason and reason.line else ""
    return f"{document.recorded_at:%Y-%m-%d %H:%M} UTC  " + printable(f"{document.source_key}{where}: {why}")
