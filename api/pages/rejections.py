"""Documents that did not become a row: the open ones or all, newest first; acts on one or many."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from api import wiring
from api.acts import ActRefused, Operator
from api.pages import acting, state
from api.pages.queries import back
from api.records import Document
from api.reports.parameters import BadParameter

ROWS_PER_PAGE: Final = 25


@require_safe
def rejections(request: HttpRequest) -> HttpResponse:
    """Show a page of rejections."""
    which = state.choice(request.GET, "which", ("open", "all"), "open")
    page = wiring.ledger().rejections(
        open_only=which == "open", limit=ROWS_PER_PAGE, token=state.text(request.GET, "before")
    )
    context = {
        "which": which,
        "rows": [(document, name_of(document)) for document in page.documents],
        "next_token": page.next_token,
        "is_first": "before" not in request.GET,
    }
    return render(request, "rejections.html", context)


@require_POST
def act(request: HttpRequest) -> HttpResponse:
    """Accept, close or reprocess the documents that the form names; tell what came of each."""
    names = [_parse(name) for name in request.POST.getlist("document")][:ROWS_PER_PAGE]
    chosen = _ACTS[state.choice(request.POST, "act", _ACTS, "")]
    if not names:
        messages.error(request, "Choose at least one rejection.")
    for name in names:
        acting.attempt(request, _one(chosen, name))
    return redirect(back(request, reverse("rejections")))


@dataclass(frozen=True, slots=True, kw_only=True)
class Name:
    """A document as a form names it, and the revision of its invoice that was shown beside it, if any."""

    source_key: str
    version_id: str
    rev: int | None


_NO_DOCUMENT: Final = "The form names no document."


def name_of(document: Document, rev: int | None = None) -> str:
    """Return the name of a document in a form, unambiguously."""
    return json.dumps([document.source_key, document.version_id, rev])


def _parse(name: str) -> Name:
    try:
        source_key, version_id, rev = json.loads(name)
        seen = None if rev is None else int(rev)
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise BadParameter(_NO_DOCUMENT) from error
    if not state.can_name_a_document(str(source_key), str(version_id)):
        raise BadParameter(_NO_DOCUMENT)
    return Name(source_key=str(source_key), version_id=str(version_id), rev=seen)


def _one(chosen: "Chosen", name: Name) -> Callable[[Operator], str]:
    def carry_out(operator: Operator) -> str:
        try:
            return f"{name.source_key}: {chosen(name, operator)}"
        except ActRefused as refusal:
            raise ActRefused(f"{name.source_key}: {refusal}") from refusal

    return carry_out


def _accept(name: Name, operator: Operator) -> str:
    revision = wiring.acts().accept(name.source_key, name.version_id, operator, name.rev)
    return f"accepted as revision {revision.rev} of {revision.invoice_id}."


def _close(name: Name, operator: Operator) -> str:
    wiring.acts().close(name.source_key, name.version_id, operator)
    return "closed."


def _reprocess(name: Name, operator: Operator) -> str:
    document = wiring.acts().reprocess_rejection(name.source_key, name.version_id, operator)
    if document.outcome == "rejected" and document.reason:
        return f"still rejected ({document.reason.code})."
    return f"{document.outcome}."


Chosen = Callable[[Name, Operator], str]
_ACTS: Final[Mapping[str, Chosen]] = {"accept": _accept, "close": _close, "reprocess": _reprocess}
