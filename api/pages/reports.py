"""Every report of `manage.py report`, with its parameters, as table and as file."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from api.pages import downloads, state
from api.pages.answers import address, all_rows, ask
from api.reports.literals import Value
from api.reports.queries import REPORTS
from api.reports.report import Report, Row

ROWS_PER_PAGE: Final = 50


@require_safe
def reports(request: HttpRequest) -> HttpResponse:
    """List the reports."""
    return render(request, "reports.html", {"reports": REPORTS.values()})


@require_safe
def report(request: HttpRequest, name: str) -> HttpResponse:
    """Show a report's answer to the parameters in the URL."""
    found = _find(name)
    values = _values(found, request.GET)
    answer = ask(found, values, request.GET)
    most_rows = found.most_rows(values)
    page = Paginator(answer.rows, ROWS_PER_PAGE).get_page(state.number(request.GET, "page"))
    context = {
        "report": found,
        "answer": answer,
        "address": address(request, [answer]),
        "page": page,
        "most_rows": most_rows,
        "is_at_limit": not answer.is_cut and len(answer.rows) == most_rows,
        "rows": [_cells(found, row) for row in page],
        "asked": {each.name: request.GET.get(each.name, "").strip() for each in found.parameters},
        **downloads.offered(request, answer, "report-download", name),
    }
    return render(request, "report.html", context)


@require_safe
def download(request: HttpRequest, name: str, extension: str) -> HttpResponseBase:
    """Return the whole answer as a file."""
    downloads.check(extension)
    found = _find(name)
    answer = ask(found, _values(found, request.GET), request.GET)
    if answer.state != "done":
        return downloads.later(request, answer, reverse("report", args=[name]), extension)
    return downloads.file(found, all_rows(answer), extension)


def _find(name: str) -> Report:
    if name not in REPORTS:
        raise Http404
    return REPORTS[name]


def _values(of: Report, query: Mapping[str, str]) -> dict[str, Value]:
    """Return the parameters that are given; what else is in the URL is the page's own."""
    given = {each.name: state.text(query, each.name) for each in of.parameters}
    return of.read({name: text for name, text in given.items() if text is not None})


def _cells(of: Report, row: Row) -> list[tuple[str, object, str]]:
    """Return (kind, value, where it leads) of each cell; an invoice's id leads to the invoice."""
    by_name = dict(zip((column.name for column in of.columns), row, strict=True))
    href = ""
    if "customer_id" in by_name and "invoice_id" in by_name:
        named = {"customer": by_name["customer_id"], "invoice": by_name["invoice_id"]}
        href = f"{reverse('invoice')}?{urlencode(named)}"
    return [
        (column.kind, by_name[column.name], href if column.name == "invoice_id" else "")
        for column in of.columns
    ]
