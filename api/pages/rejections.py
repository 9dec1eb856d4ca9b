"""Documents that did not become a row: the open ones or all, newest first; acts on one or many."""

import json
from collections.abc import Callable, Mapping
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
    for source_key, version_id in names:
        acting.attempt(request, _one(chosen, source_key, version_id))
    return redirect(back(request, reverse("rejections")))


def name_of(document: Document) -> str:
    """Return the name of a document in a form: its key and its version, unambiguously."""
    return json.dumps([document.source_key, document.version_id])


def _parse(name: str) -> tuple[str, str]:
    try:
        source_key, version_id = json.loads(name)
    except (ValueError, TypeError) as error:
        raise BadParameter("The form names no document.") from error
    return str(source_key), str(version_id)


def _one(chosen: "Chosen", source_key: str, version_id: str) -> Callable[[Operator], str]:
    def carry_out(operator: Operator) -> str:
        try:
            return f"{source_key}: {chosen(source_key, version_id, operator)}"
        except ActRefused as refusal:
            raise ActRefused(f"{source_key}: {refusal}") from refusal

    return carry_out


def _accept(source_key: str, version_id: str, operator: Operator) -> str:
    revision = wiring.acts().accept(source_key, version_id, operator)
    return f"accepted as revision {revision.rev} of {revision.invoice_id}."


def _close(source_key: str, version_id: str, operator: Operator) -> str:
    wiring.acts().close(source_key, version_id, operator)
    return "closed."


def _reprocess(source_key: str, version_id: str, operator: Operator) -> str:
    document = wiring.acts().reprocess_rejection(source_key, version_id, operator)
    if document.outcome == "rejected" and document.reason:
        return f"still rejected ({document.reason.code})."
    return f"{document.outcome}."


Chosen = Callable[[str, str, Operator], str]
_ACTS: Final[Mapping[str, Chosen]] = {"accept": _accept, "close": _close, "reprocess": _reprocess}
