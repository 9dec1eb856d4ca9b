"""What stands around every page: where one can go, who one is, how many rejections wait."""

from dataclasses import dataclass
from typing import Any, Final

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from api import access, wiring
from api.ports import TemporaryFailure

# More than this is shown as "99+": the ledger counts no further than it is asked to.
BADGE_LIMIT: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """An entry of the navigation; `routes` are the pages during which it is marked."""

    route: str
    title: str
    routes: frozenset[str]


_PLACES: Final = (
    Place(route="overview", title="Overview", routes=frozenset({"overview"})),
    Place(route="expenses", title="Expenses", routes=frozenset({"expenses"})),
    Place(route="invoices", title="Invoices", routes=frozenset({"invoices", "invoice"})),
    Place(route="rejections", title="Rejections", routes=frozenset({"rejections", "rejection"})),
    Place(route="upload", title="Upload", routes=frozenset({"upload"})),
    Place(route="reports", title="Reports", routes=frozenset({"reports", "report"})),
)


def frame(request: HttpRequest) -> dict[str, Any]:
    """Return what the base template needs; nothing is asked of the ledger until a template does."""
    role = access.role_of(request.user) if hasattr(request, "user") else "anyone"
    match = request.resolver_match
    return {
        "person": request.user if role != "anyone" else None,
        "role": role,
        "is_operator": role == "operator",
        "route": match.view_name if match else "",
        "places": [each for each in _PLACES if access.includes(role, access.ROUTES[each.route])],
        "open_rejections": SimpleLazyObject(_open_rejections),
    }


def _open_rejections() -> str:
    try:
        count = wiring.ledger().open_rejection_count(BADGE_LIMIT)
    except TemporaryFailure:
        return "?"  # the badge must not take a page down that can do without the ledger
    return f"{BADGE_LIMIT - 1}+" if count >= BADGE_LIMIT else str(count or "")
