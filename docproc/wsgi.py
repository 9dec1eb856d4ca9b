"""The server's entry: checks that the configuration is safe, then serves."""

import os
from collections.abc import Callable, Iterable
from typing import cast
from wsgiref.types import StartResponse, WSGIEnvironment

from django.conf import settings
from django.core.handlers.exception import convert_exception_to_response
from django.core.handlers.wsgi import WSGIRequest
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from django.http import HttpRequest, HttpResponse

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "docproc.settings")

_django = get_wsgi_application()

from api import wiring  # noqa: E402 - needs Django's applications, which the line above loads
from api.middleware import RequestIds  # noqa: E402 - the same
from api.views import SNS_PATHS, sns  # noqa: E402 - the same

_sns = cast("Callable[[HttpRequest], HttpResponse]", convert_exception_to_response(RequestIds(sns)))
_LEDGER_IS_SQL = settings.DOCPROC_LEDGER != "dynamodb"

# Django checks the configuration for its commands only; a server that trusts nobody by mistake
# should say so at its start and not in each answer.
call_command("check")
# Made before there are threads: the first messages of several would make a service each, each
# with a cache of certificates of its own, and would wait for it.
wiring.service()
# A client costs a tenth of a second and more; the first page of a process shall not wait for those.
for part in (wiring.source, wiring.dead_letters, wiring.reports):
    part()


def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Serve a request; a Content-Type with encoded parameters counts as none."""
    if environ.get("PATH_INFO") in SNS_PATHS:
        return _message(environ, start_response)
    # Django reads it before any of its error handlers is in charge, so that `text/plain; charset*=x''y`
    # from anybody would be a 500. To go when Django answers 400 in the release that we use:
    # https://code.djangoproject.com/ticket/36991
    if "*" in environ.get("CONTENT_TYPE", ""):
        environ["CONTENT_TYPE"] = ""
    return _django(environ, start_response)


def _message(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Answer /sns as Django's handler would, without what only pages need: a tenth of a message's CPU.

    That is the Content-Type, the signals, and the rest of the middleware.
    """
    environ["CONTENT_TYPE"] = ""
    if _LEDGER_IS_SQL:
        close_old_connections()
    try:
        response = _sns(WSGIRequest(environ))
    finally:
        if _LEDGER_IS_SQL:
            close_old_connections()
    start_response(f"{response.status_code} {response.reason_phrase}", list(response.items()))
    return [response.content]
