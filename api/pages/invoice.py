"""One invoice: its text beside its fields, its revisions and acts; withdraw, restore, reprocess."""

from collections.abc import Mapping
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from api import wiring
from api.acts import ActRefused, Operator, check_seen
from api.pages import acting, downloads, reading, state
from api.pages.source import source
from api.records import Revision
from api.reports.parameters import BadParameter


@require_safe
def invoice(request: HttpRequest) -> HttpResponse:
    """Show an invoice: its current revision, or the one that `rev` names."""
    history = _history(request)
    current = history[0]
    rev = state.number(request.GET, "rev", current.rev)
    shown = next((revision for revision in history if revision.rev == rev), None)
    if shown is None:
        raise Http404
    read = reading.read(shown, day_first=wiring.pipeline().day_first) if shown.row else None
    context = {
        "current": current,
        "shown": shown,
        "reading": read,
        "source": source(shown.data, cited=read.cited if read else ()) if shown.data else None,
        "steps": reading.steps(history),
        "csv_bucket": wiring.destination().bucket,
        "source_bucket": wiring.source().bucket,
    }
    return render(request, "invoice.html", context)


@require_safe
def text(request: HttpRequest) -> HttpResponse:
    """Return the revision's text, byte for byte, as a file."""
    history = _history(request)
    rev = state.number(request.GET, "rev", history[0].rev)
    data = next((each.data for each in history if each.rev == rev), None)
    if not data:
        raise Http404
    return downloads.text(data, f"invoice-r{rev:06d}")


@require_POST
def act(request: HttpRequest) -> HttpResponse:
    """Withdraw, restore or reprocess an invoice, on condition that it is as the operator saw it."""
    customer, invoice_id = _names(request.POST)
    rev = state.number(request.POST, "rev", 0)
    acts = {"withdraw": _withdraw, "restore": _restore, "reprocess": _reprocess}
    chosen = acts[state.choice(request.POST, "act", acts, "")]
    acting.attempt(request, lambda operator: chosen(customer, invoice_id, rev, operator))
    return redirect(f"{reverse('invoice')}?{urlencode({'customer': customer, 'invoice': invoice_id})}")


def _withdraw(customer: str, invoice_id: str, rev: int, operator: Operator) -> str:
    revision = wiring.acts().withdraw(customer, invoice_id, rev, operator)
    return f"Withdrawn: since revision {revision.rev} this invoice is no expense any more."


def _restore(customer: str, invoice_id: str, rev: int, operator: Operator) -> str:
    revision = wiring.acts().restore(customer, invoice_id, rev, operator)
    return f"Restored: revision {revision.rev} counts as an expense again."


def _reprocess(customer: str, invoice_id: str, rev: int, operator: Operator) -> str:
    current = wiring.ledger().revision(customer, invoice_id)
    check_seen(current, rev)
    if current is None:
        raise ActRefused(f"there is no invoice {invoice_id} of {customer}")
    revision = wiring.acts().reprocess_invoice(current, operator)
    if revision is None:
        return "Today's parser reads the same, so nothing changed."
    return f"Reprocessed: revision {revision.rev} is what today's parser reads."


def _history(request: HttpRequest) -> tuple[Revision, ...]:
    history = wiring.ledger().history(*_names(request.GET))
    if not history:
        raise Http404
    return history


def _names(given: Mapping[str, str]) -> tuple[str, str]:
    customer, invoice_id = state.text(given, "customer"), state.text(given, "invoice")
    if not customer or not invoice_id:
        raise BadParameter("The address names no invoice: it needs customer and invoice.")
    return customer, invoice_id
