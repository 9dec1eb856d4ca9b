"""One rejection: why, where in its text, what stands against it, and what can be done."""

from dataclasses import dataclass
from typing import Final

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from api import wiring
from api.acts import ACCEPTABLE
from api.pages import downloads, state
from api.pages.rejections import name_of
from api.pages.source import Source, differences, source
from api.records import Document, Revision

# Reasons that name an invoice which is stored already.
_AGAINST: Final = frozenset({"conflicting-invoice", "duplicate-invoice", "withdrawn-invoice"})

_ADVICE: Final = {
    "conflicting-invoice": "Another file stored this invoice with other content. Compare the two: accept "
    "this one if it is right, close it if the stored one is.",
    "duplicate-invoice": "Nothing is missing: the same invoice came before under another key. Close it.",
    "withdrawn-invoice": "The invoice was withdrawn on purpose. Accept this document if it should count "
    "again, close it if not.",
    "internal-error": "This is a fault of docproc's; its log has the details. Reprocess it once that is "
    "mended.",
    "expired-before-processed": "Its content expired before docproc could read it. Upload the file again.",
    "overwritten-before-processed": "Its content was overwritten before docproc could read it. Turn on the "
    "bucket's versioning, and upload the file again.",
    "unreadable-object": "S3 does not give it out: it lies in an archive class, or is encrypted with a key "
    "of the sender's own. Restore it and reprocess it, or have it uploaded again without.",
    "bad-event": "The message names no document. Find out what published it to the topic.",
}
_ADVICE_FOR_TEXTS: Final = (
    "Have the sender mend the line and upload the file again under the same key; then close this one."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Against:
    """The stored invoice that a rejected document names, with the lines that only it has."""

    revision: Revision
    source: Source


@require_safe
def rejection(request: HttpRequest) -> HttpResponse:
    """Show the rejection that the URL names."""
    document = _document(request)
    reason = document.reason
    code = reason.code if reason else ""
    current = _current(document) if code in _AGAINST else None
    mine, theirs = differences(document.data or b"", (current.data if current else None) or b"")
    where = (reason.line, reason.column) if reason else (0, 0)
    context = {
        "document": document,
        "name": name_of(document, current.rev if current else None),
        "source": source(document.data, fault=where, different=mine) if document.data else None,
        "against": Against(revision=current, source=source(current.data, different=theirs))
        if current and current.data
        else None,
        "newer": _newer_stored(document),
        "can_accept": code in ACCEPTABLE,
        "advice": _ADVICE.get(code, _ADVICE_FOR_TEXTS),
        "source_bucket": wiring.source().bucket,
    }
    return render(request, "rejection.html", context)


@require_safe
def text(request: HttpRequest) -> HttpResponse:
    """Return the rejected document, byte for byte, as a file."""
    document = _document(request)
    if document.data is None:
        raise Http404
    return downloads.text(document.data, "rejected")


def _document(request: HttpRequest) -> Document:
    key, version = request.GET.get("key", ""), request.GET.get("version", "")
    document = wiring.ledger().document(key, version) if state.can_name_a_document(key, version) else None
    if document is None or document.outcome == "superseded":
        raise Http404
    return document


def _current(document: Document) -> Revision | None:
    return wiring.ledger().revision(document.customer_id, document.invoice_id)


def _newer_stored(document: Document) -> Document | None:
    """Return the newest version of the same key that is stored, if it is newer than this one."""
    if document.is_message:
        return None
    versions = wiring.source().versions(document.source_key)
    if document.version_id in versions:
        versions = versions[: versions.index(document.version_id)]
    ids = [(document.source_key, version) for version in versions[: state.MAX_TEXT_LENGTH]]
    known = wiring.ledger().documents(ids)
    return next((known[id_] for id_ in ids if id_ in known and known[id_].outcome == "stored"), None)
