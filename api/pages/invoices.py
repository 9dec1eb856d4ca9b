"""Invoices: search and filters over all that count as expenses, a page at a time."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from api.pages import state
from api.pages.answers import Answer, address, ask
from api.reports.literals import Value
from api.reports.report import Row
from api.reports.search import SEARCHES
from invoice_parser import FINDINGS

ROWS_PER_PAGE: Final = 40
_FOUND: Final = -1  # the place of the column
_ANY: Final = "*"


@require_safe
def invoices(request: HttpRequest) -> HttpResponse:
    """Show the page of invoices that the URL asks for."""
    query = request.GET
    values = _values(query)
    sort = state.choice(query, "sort", SEARCHES, "-date")
    page_number = state.number(query, "page")
    place: dict[str, Value] = {"skip": (page_number - 1) * ROWS_PER_PAGE, "limit": ROWS_PER_PAGE}
    answer = ask(SEARCHES[sort], {**values, **place}, query)
    if page_number > 1 and answer.state == "done" and not answer.rows:
        first_page = query.copy()
        first_page.pop("page")
        return redirect(f"{request.path}?{first_page.urlencode()}")
    context = {
        "answer": answer,
        "address": address(request, [answer]),
        "asked": {name: query.get(name, "").strip() for name in _FIELDS},
        "sort": sort,
        "findings": FINDINGS,
        "rows": [(row, _href(row), str(row[9] or "").split()) for row in answer.rows],
        "page": Paginator(range(_found(answer)), ROWS_PER_PAGE).get_page(page_number),
        "is_filtered": bool(values),
    }
    return render(request, "invoices.html", context)


_FIELDS: Final = ("text", "from", "to", "seller", "customer", "currency", "least", "most", "finding")


def _values(query: Mapping[str, str]) -> dict[str, Value]:
    seller = state.text(query, "seller", state.MAX_SELLER_LENGTH)
    is_whole = seller is not None and len(seller) > 2 and seller[0] == seller[-1] == '"'  # noqa: PLR2004 - the quotes
    given: dict[str, Value | None] = {
        "text": state.text(query, "text"),
        "from": state.day(query, "from"),
        "to": state.day(query, "to"),
        "seller": None if is_whole else seller,
        "name": seller[1:-1] if seller and is_whole else None,
        "customer": state.text(query, "customer"),
        "currency": state.text(query, "currency"),
        "least": state.amount(query, "least"),
        "most": state.amount(query, "most"),
        "finding": state.choice(query, "finding", ("", _ANY, *FINDINGS), "") or None,
    }
    return {name: value for name, value in given.items() if value is not None}


def _found(answer: Answer) -> int:
    found = answer.rows[0][_FOUND] if answer.rows else 0
    return found if isinstance(found, int) else 0


def _href(row: Row) -> str:
    return f"{reverse('invoice')}?{urlencode({'customer': row[1], 'invoice': row[2]})}"
