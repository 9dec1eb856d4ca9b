"""The end of a query that somebody no longer wants."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from api import wiring


@require_POST
def cancel(request: HttpRequest) -> HttpResponse:
    """Stop the queries that the form names, and lead back to the page that asked."""
    engine = wiring.background_reports()
    for query_id in request.POST.getlist("query")[:10]:
        if engine is not None:
            engine.stop(query_id)
    return redirect(back(request, reverse("expenses")))


def back(request: HttpRequest, default: str) -> str:
    """Return where the form says that its page is, if that is a page of ours."""
    address = request.POST.get("back", "")
    return address if url_has_allowed_host_and_scheme(address, None) else default
