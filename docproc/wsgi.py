"""The server's entry: checks that the configuration is safe, then serves."""

import os
from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIEnvironment

from django.core.management import call_command
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "docproc.settings")

_django = get_wsgi_application()

from api import wiring  # noqa: E402 - needs Django's applications, which the line above loads

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
    # Django reads it before any of its error handlers is in charge, so that `text/plain; charset*=x''y`
    # from anybody would be a 500. To go when Django answers 400 in the release that we use:
    # https://code.djangoproject.com/ticket/36991
    if "*" in environ.get("CONTENT_TYPE", ""):
        environ["CONTENT_TYPE"] = ""
    return _django(environ, start_response)
