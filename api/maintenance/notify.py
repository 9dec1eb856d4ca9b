"""Notify: tell people, in plain words, which documents were rejected since they were last told."""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from api.records import Document, Page

CHECKPOINT = "notify"
PAGE = 100
# A mail of more lines is read by nobody; the pages have them all.
MAX_LINES = 50


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
    new = _since(ledger, datetime.fromisoformat(saved)) if saved else ()
    if new:
        publish(_subject(len(new)), _text(new))
    # To the newest that was seen and not to now: one that is being recorded is told of next time.
    until = max((document.recorded_at for document in new), default=None)
    if until or not saved:
        ledger.save_checkpoint(CHECKPOINT, (until or now).isoformat())
    return len(new)


def _since(ledger: RejectionsLedger, since: datetime) -> tuple[Document, ...]:
    found: list[Document] = []
    token: str | None = None
    while True:
        page = ledger.rejections(open_only=True, limit=PAGE, token=token)
        new = [document for document in page.documents if document.recorded_at > since]
        found += new
        token = page.next_token
        if token is None or len(new) < len(page.documents):
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
    return f"{document.recorded_at:%Y-%m-%d %H:%M} UTC  {document.source_key}{where}: {why}"
