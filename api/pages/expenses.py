"""Expenses: what was spent in a range of days, by period or by party, as chart, table and file."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, get_args
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from api.pages import charts, downloads, periods, state, sums
from api.pages.answers import Answer, address, all_rows, ask
from api.pages.periods import Period, Range
from api.pages.sums import Line
from api.pages.tags import money
from api.reports.literals import Value
from api.reports.queries import REPORTS
from api.reports.report import Report, Row
from api.reports.search import TOTALS

GROUPS: Final = (*periods.PERIODS, "seller", "customer")
ROWS_PER_PAGE: Final = 50
_DEFAULT_DAYS: Final = 30
_CHART_PARTIES: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the URL asks for. `group` is what is shown, `wanted` what was asked for.

    `currency` None is the one with the most invoices.
    """

    range: Range
    group: str
    wanted: str
    seller: str | None
    customer: str | None
    currency: str | None
    sort: str

    @property
    def period(self) -> Period | None:
        """Return the period that the lines stand for, None when they stand for parties."""
        return next((each for each in get_args(Period) if each == self.group), None)

    @property
    def values(self) -> dict[str, Value]:
        """Return the parameters of the report."""
        given: dict[str, Value | None] = {
            "from": self.range.first,
            "to": self.range.last,
            "seller": self.seller,
            "customer": self.customer,
        }
        return {name: value for name, value in given.items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What the page and its files show: the lines of one currency, in order."""

    answer: Answer
    currencies: tuple[sums.Currency, ...]
    currency: str
    lines: tuple[Line, ...]


@require_safe
def expenses(request: HttpRequest) -> HttpResponse:
    """Show the expenses that the URL asks for."""
    today = datetime.now(UTC).date()
    asked = _asked(request.GET, today)
    shown = _shown(asked, ask(_report(asked), asked.values, request.GET))
    # The sum of more lines than are read is a question of its own, which takes its own time.
    totals = ask(TOTALS, asked.values, request.GET) if shown.answer.is_cut else None
    answer = totals if totals and totals.state != "done" else shown.answer
    page = Paginator(shown.lines, ROWS_PER_PAGE).get_page(state.number(request.GET, "page"))
    context = {
        "asked": asked,
        "shown": shown,
        "answer": answer,
        "address": address(request, [each for each in (shown.answer, totals) if each]),
        "groups": GROUPS,
        "presets": periods.presets(today),
        "total": _total(shown, totals),
        "page": page,
        "rows": [(line, _href(asked, shown, line)) for line in page],
        **_chart(request, asked, shown),
        **downloads.offered(request, shown.answer, "expenses-download"),
    }
    return render(request, "expenses.html", context)


@require_safe
def download(request: HttpRequest, extension: str) -> HttpResponseBase:
    """Return what the page at the same state shows as a file: all its lines, in their order."""
    downloads.check(extension)
    asked = _asked(request.GET, datetime.now(UTC).date())
    answer = ask(_report(asked), asked.values, request.GET)
    if answer.state != "done":
        return downloads.later(request, answer, reverse("expenses"), extension)
    rows = {(row[0], row[1]): row for row in all_rows(answer)}
    currency, lines = _lines(asked, rows.values())
    return downloads.file(answer.report, (rows[line.key, currency] for line in lines), extension)


def _asked(query: Mapping[str, str], today: date) -> Asked:
    if "from" in query or "to" in query:
        range_ = Range(state.day(query, "from"), state.day(query, "to"))
    else:
        range_ = Range(today - timedelta(days=_DEFAULT_DAYS - 1), today)
    wanted = state.choice(query, "group", GROUPS, "day")
    group = wanted
    for period in periods.PERIODS:
        if period == wanted:
            group = periods.fitting(period, range_)
    sorts = {f"{sign}{name}" for name in sums.SORTS for sign in ("", "-")}
    return Asked(
        range=range_,
        group=group,
        wanted=wanted,
        seller=state.text(query, "seller", state.MAX_SELLER_LENGTH),
        customer=state.text(query, "customer"),
        currency=query.get("currency"),
        sort=state.choice(query, "sort", sorts, "label" if group in periods.PERIODS else "-total"),
    )


def _report(asked: Asked) -> Report:
    return REPORTS[f"expenses-by-{asked.group}"]


def _shown(asked: Asked, answer: Answer) -> Shown:
    currency, lines = _lines(asked, answer.rows)
    return Shown(answer=answer, currencies=sums.currencies(answer.rows), currency=currency, lines=lines)


def _lines(asked: Asked, rows: Iterable[Row]) -> tuple[str, tuple[Line, ...]]:
    """Return the currency and its lines in the order asked for."""
    kept = tuple(rows)
    first = next((each.code for each in sums.currencies(kept)), "")
    currency = first if asked.currency is None else asked.currency
    return currency, tuple(sums.ordered(sums.lines(kept, currency), asked.sort))


def _total(shown: Shown, totals: Answer | None) -> Line:
    """Return the sum of all lines, also of those that are too many to be read."""
    if totals is None:
        return sums.total(shown.lines)
    found = [row for row in totals.rows if row[0] == shown.currency]
    return sums.total(sums.lines([("", *row) for row in found], shown.currency))


def _chart(request: HttpRequest, asked: Asked, shown: Shown) -> dict[str, Any]:
    def point(line: Line) -> charts.Point:
        value = money(request, line.total, shown.currency)
        noun = "invoice" if line.invoices == 1 else "invoices"
        return charts.Point(
            name=line.label,
            label=line.label[:7] if asked.period == "month" else line.label[5:],
            value=line.total,
            title=f"{line.label}: {value}, {line.invoices} {noun}",
            href=_href(asked, shown, line),
        )

    if asked.period:
        lines = sums.by_period(shown.lines, asked.period, asked.range)
        return {"chart": charts.bar_chart([point(line) for line in lines]) if lines else None}
    largest = sums.ordered(shown.lines, "-total")[:_CHART_PARTIES]
    return {"shares": charts.shares([point(line) for line in largest])}


def _href(asked: Asked, shown: Shown, line: Line) -> str:
    """Return the address of the invoices that the line sums up."""
    found: dict[str, str | date | None] = {
        "from": asked.range.first,
        "to": asked.range.last,
        "seller": asked.seller,
        "customer": asked.customer,
    }
    if asked.period and isinstance(line.key, date):
        found["from"] = max(line.key, asked.range.first or line.key)
        last = periods.end(asked.period, line.key)
        found["to"] = min(last, asked.range.last or last)
    elif asked.group == "seller":
        found["seller"] = f'"{line.key}"'  # the whole name
    else:
        found["customer"] = line.key
    if len(shown.currencies) > 1:
        found["currency"] = shown.currency
    query = {name: str(value) for name, value in found.items() if value is not None}
    return f"{reverse('invoices')}?{urlencode({'from': '', **query})}"
