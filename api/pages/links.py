"""One-time login links for local mode: signed, short-lived, used up by the first visit."""

import secrets
from typing import Final, Protocol

from django.core import signing

LIFE_SECONDS: Final = 15 * 60
_SALT: Final = "docproc.login-link"


class Used(Protocol):
    """What is needed of a cache that all processes share."""

    def add(self, key: str, value: object, timeout: float) -> bool:
        """Set the key unless it is there; tell whether it was set."""


def make_token(username: str) -> str:
    """Return a token that logs this account in, once."""
    return signing.dumps([username, secrets.token_urlsafe(16)], salt=_SALT)


def use_token(token: str, used: Used) -> str | None:
    """Return the account that the token names; None if it is forged, too old or was used before."""
    try:
        username, nonce = signing.loads(token, salt=_SALT, max_age=LIFE_SECONDS)
    except (signing.BadSignature, ValueError):
        return None
    return str(username) if used.add(f"login-link-{nonce}", 1, 2 * LIFE_SECONDS) else None
