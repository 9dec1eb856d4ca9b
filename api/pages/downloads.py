"""Files to take away: what a page shows, in a form that spreadsheets read and that cannot harm them."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from django.http import Http404, HttpResponse, StreamingHttpResponse

from api.reports.formats import FORMATS
from api.reports.report import Report, Row

EXTENSIONS: Final = ("csv", "xlsx")


def file(report: Report, rows: Iterable[Row], extension: str) -> StreamingHttpResponse:
    """Return the rows as a file named after the report and the day."""
    if extension not in EXTENSIONS:
        raise Http404
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
