"""Who may see what: every route by its name. A route that is not listed here is refused to everybody.

A viewer looks, an operator also acts; the roles are Django groups of these names. A superuser is
an operator. Whoever is neither has an account, but nothing to see yet.
"""

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

from django.contrib.auth.models import AnonymousUser, Group, User

Role: TypeAlias = Literal["anyone", "account", "viewer", "operator"]

GROUPS: Final[tuple[Role, ...]] = ("viewer", "operator")
_RANKS: Final[tuple[Role, ...]] = ("anyone", "account", "viewer", "operator")

ROUTES: Final[Mapping[str, Role]] = {
    # Machines: health checks learn nothing. (SNS proves itself by its signature, in api.views.sns.)
    "healthz": "anyone",
    "readyz": "anyone",
    # People.
    "login": "anyone",
    "login-link": "anyone",
    "logout": "account",
    "account": "account",
    "overview": "viewer",
    "expenses": "viewer",
    "expenses-download": "viewer",
    "invoices": "viewer",
    "invoice": "viewer",
    "invoice-text": "viewer",
    "invoice-act": "operator",
    "rejections": "viewer",
    "rejection": "viewer",
    "rejection-text": "viewer",
    "rejection-act": "operator",
    "upload": "operator",
    "reports": "viewer",
    "report": "viewer",
    "report-download": "viewer",
    "query-cancel": "viewer",  # what it ends, any viewer can start again
}


def role_of(user: User | AnonymousUser) -> Role:
    """Return the highest role that the user has."""
    if not user.is_authenticated or not user.is_active:
        return "anyone"
    if user.is_superuser:
        return "operator"
    names = set(user.groups.values_list("name", flat=True))
    return next((role for role in reversed(GROUPS) if role in names), "account")


def includes(role: Role, needed: Role) -> bool:
    """Tell whether somebody with the role may do what needs the other."""
    return _RANKS.index(role) >= _RANKS.index(needed)


def make_groups() -> None:
    """Make the groups of the roles. Safe to repeat."""
    for role in GROUPS:
        Group.objects.get_or_create(name=role)
