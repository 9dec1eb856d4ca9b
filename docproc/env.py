"""Strict readers of the environment: a bad value stops the start and names itself."""

import os
from pathlib import Path
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})
_TRUE, _FALSE = frozenset({"true", "1", "yes", "on"}), frozenset({"false", "0", "no", "off"})


def text(name: str, default: str = "") -> str:
    """Return the value without blanks around it; unset and empty mean the default."""
    return os.environ.get(name, "").strip() or default


def secret(name: str, default: str = "") -> str:
    """Return the value, or the content of the file that `NAME_FILE` names.

    Raises ImproperlyConfigured if both are set or the file cannot be read.
    """
    value, path = text(name), text(f"{name}_FILE")
    if value and path:
        raise ImproperlyConfigured(f"{name} and {name}_FILE are both set; keep one of them.")
    if not path:
        return value or default
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ImproperlyConfigured(f"{name}_FILE names a file that cannot be read: {error}") from error


def flag(name: str, *, default: bool) -> bool:
    """Return true or false; raises ImproperlyConfigured on any other word."""
    return bool(optional_flag(name)) if text(name) else default


def optional_flag(name: str) -> bool | None:
    """Return true, false, or None when unset; raises ImproperlyConfigured on any other word."""
    value = text(name).lower()
    if value and value not in _TRUE | _FALSE:
        raise ImproperlyConfigured(f"{name} is {value!r}; write true or false.")
    return (value in _TRUE) if value else None


def integer(name: str, default: int, *, low: int, high: int) -> int:
    """Return a whole number from low to high; raises ImproperlyConfigured on anything else."""
    value = text(name, str(default))
    if not (value.isascii() and value.isdigit() and low <= int(value) <= high):
        raise ImproperlyConfigured(f"{name} is {value!r}; write a whole number from {low} to {high}.")
    return int(value)


def words(name: str) -> tuple[str, ...]:
    """Return a comma-separated list; empty parts do not count."""
    return tuple(part for part in (part.strip() for part in text(name).split(",")) if part)


def choice(name: str, default: str, choices: tuple[str, ...]) -> str:
    """Return one of the choices; raises ImproperlyConfigured on any other word."""
    value = text(name, default)
    if value not in choices:
        raise ImproperlyConfigured(f"{name} is {value!r}; write one of: {', '.join(choices)}.")
    return value


def loopback_url(name: str) -> str | None:
    """Return an http URL on this machine, None when unset.

    Local mode talks to embedded AWS; a setting that could send a real deployment's traffic or
    trust to another host would be a hole. Raises ImproperlyConfigured on any other URL.
    """
    value = text(name)
    if not value:
        return None
    try:
        parts = urlsplit(value)
        is_local = parts.scheme == "http" and parts.hostname in LOOPBACK_HOSTS and bool(parts.port)
    except ValueError:
        is_local = False
    if not is_local or parts.username is not None or parts.query or parts.fragment:
        raise ImproperlyConfigured(
            f"{name} is for local mode only: write http://127.0.0.1:PORT, or leave it unset."
        )
    return value.rstrip("/")
