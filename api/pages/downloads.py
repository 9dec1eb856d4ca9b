"""Files to take away: what a page shows, in a form that spreadsheets read and that cannot harm them."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from api.pages.answers import Answer, address
from api.reports.formats import FORMATS
from api.reports.report import Report, ReportFailed, Row

TITLES: Final[Mapping[str, str]] = {"csv": "CSV", "xlsx": "Excel"}


def offered(request: HttpRequest, answer: Answer, route: str, *args: str) -> dict[str, Any]:
    """Return what a page needs to offer its answer as files, by the route that gives them.

    They lead to the very query whose answer the page shows. `ready` is the file that somebody
    asked for before the answer was there.
    """
    files = {
        extension: address(request, [answer], reverse(route, args=[*args, extension]), page=None, file=None)
        for extension in TITLES
    }
    wanted = request.GET.get("file", "")
    ready = (TITLES[wanted], files[wanted]) if answer.state == "done" and wanted in files else None
    return {"files": [(TITLES[extension], href) for extension, href in files.items()], "ready": ready}


def later(request: HttpRequest, answer: Answer, page: str, extension: str) -> HttpResponse:
    """Lead to the page that shows how far its answer is, and offers the file when it is there.

    Raises ReportFailed for an answer that will never be.
    """
    if answer.state == "failed":
        raise ReportFailed(answer.fault)
    return redirect(address(request, [answer], page, file=extension))


def check(extension: str) -> None:
    """Raise Http404 unless there are files of this kind."""
    if extension not in TITLES:
        raise Http404


def file(report: Report, rows: Iterable[Row], extension: str) -> StreamingHttpResponse:
    """Return the rows as a file named after the report and the day."""
    form = FORMATS[extension]
    name = f"{report.name}-{datetime.now(UTC):%Y-%m-%d}.{extension}"
    return StreamingHttpResponse(
        form.write(report.columns, iter(rows)),
        content_type=form.media_type,
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def text(data: bytes, name: str) -> HttpResponse:
    """Return a stranger's bytes such that no browser opens them as anything but a file to keep."""
    return HttpResponse(
        data,
        content_type="application/octet-stream",
        headers={
            "Content-Disposition": f'attachment; filename="{name}.txt"',
            "Content-Security-Policy": "sandbox; default-src 'none'",
        },
    )
