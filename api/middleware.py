"""What every answer goes through: its line in the log, access, the headers that confine it, outages."""

import logging
import re
from collections.abc import Callable
from random import getrandbits
from time import perf_counter

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from api import access, logs
from api.ports import TemporaryFailure
from api.reports.parameters import BadParameter
from api.reports.report import ReportFailed

logger = logging.getLogger(__name__)

Next = Callable[[HttpRequest], HttpResponse]

_REQUEST_ID = re.compile("[0-9a-f]{32}")

# Nothing inline and nothing from elsewhere, so that text from an invoice can never run or phone home.
_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'{origin}; "
    "form-action 'self'{origin}; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Resource-Policy": "same-origin",
    # Invoices are nobody else's business, not even a shared computer's next user's.
    "Cache-Control": "no-store",
}


class RequestIds:
    """Gives each request its id, nginx's if it came through nginx; every line written meanwhile has it."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Return the answer as it is."""
        given = request.META.get("HTTP_X_REQUEST_ID", "")
        made = f"{getrandbits(128):032x}"
        token = logs.REQUEST_ID.set(given if _REQUEST_ID.fullmatch(given) else made)
        try:
            return self.get_response(request)
        finally:
            logs.REQUEST_ID.reset(token)


class PageLines:
    """Gives each page its line in the log; the views of machines write their own.

    A line names the route and not the path, which may be a login link.
    """

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Return the answer as it is."""
        started_at = perf_counter()
        response = self.get_response(request)
        match = request.resolver_match
        if match is None or match.func.__module__ != "api.views":
            facts = {
                "route": match.view_name if match else "",
                "method": request.method,
                "status": response.status_code,
                "seconds": round(perf_counter() - started_at, 4),
            }
            logger.info(logs.PAGE_ANSWERED, extra=facts)
        return response


class Headers:
    """Adds the Content-Security-Policy and its kin.

    A view that sends forms straight to S3 names that origin in the answer's `post_origin`.
    """

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Return the answer with its headers."""
        response = self.get_response(request)
        origin = getattr(response, "post_origin", "")
        response.setdefault("Content-Security-Policy", _CSP.format(origin=f" {origin}" if origin else ""))
        for name, value in _HEADERS.items():
            response.setdefault(name, value)
        return response


class Access:
    """Lets through who may see the route, sends strangers to the login, refuses everybody else."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Return the answer as it is."""
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, _view: object, _args: object, _kwargs: object
    ) -> HttpResponse | None:
        """Return None for who may pass. Raises PermissionDenied."""
        match = request.resolver_match
        needed = access.ROUTES.get(match.view_name if match else "")
        if needed == "anyone":
            return None
        if needed is None:
            logger.error(logs.ROUTE_UNDECLARED, extra={"path": request.path})
            raise PermissionDenied("This address is not open to anybody.")
        if not request.user.is_authenticated:
            return _to_login(request)
        if not access.includes(access.role_of(request.user), needed):
            raise PermissionDenied(f"This needs the role {needed}.")
        return None


class Faults:
    """Turns what a page could not do into a page that says what, and what to do next."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Return the answer as it is."""
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Return the page for a fault that is the address's or an outside service's, None for any other."""
        if isinstance(error, BadParameter):
            return render(request, "400.html", {"exception": str(error)}, status=400)
        if not isinstance(error, TemporaryFailure | ReportFailed):
            return None
        logger.warning(logs.PAGE_UNAVAILABLE, extra={"path": request.path, "fault": str(error)})
        response = render(request, "503.html", {"fault": error}, status=503)
        response["Retry-After"] = "5"
        return response


def _to_login(request: HttpRequest) -> HttpResponse:
    if request.headers.get("HX-Request"):
        # A page that polls: what it asked for is gone, so let it load itself and come to the login.
        return HttpResponse(status=204, headers={"HX-Refresh": "true"})
    return redirect_to_login(request.get_full_path())
