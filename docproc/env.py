"""Strict readers of the environment: a bad value stops the start and names itself."""

import os
import re
from pathlib import Path
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})
_MAX_PORT = 65_535
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


def matching(name: str, pattern: str, like: str) -> str:
    """Return a value that the whole pattern matches, or nothing; raises ImproperlyConfigured on any other."""
    value = text(name)
    if value and not re.fullmatch(pattern, value, re.ASCII):
        raise ImproperlyConfigured(f"{name} is {value!r}; write {like}.")
    return value


def bucket(name: str) -> str:
    """Return the name of a bucket, or nothing; raises ImproperlyConfigured on what S3 would not take.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
    """
    like = "a bucket's name: 3 to 63 of a-z, 0-9, - and ., with a letter or digit at both ends"
    return matching(name, r"(?!\d+(\.\d+){3}$)(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", like)


def hosts(name: str) -> tuple[str, ...]:
    """Return a comma-separated list of hosts as Django has them; raises ImproperlyConfigured on any other."""
    found = words(name)
    for host in found:
        if not re.fullmatch(r"\*|\.?[A-Za-z0-9][A-Za-z0-9.-]*|\[[0-9A-Fa-f:.]+\]", host, re.ASCII):
            raise ImproperlyConfigured(
                f"{name} has {host!r}; write hosts alone, like docproc.example.com, without scheme or port."
            )
    return found


def address(name: str, default: str) -> str:
    """Return where a server listens; raises ImproperlyConfigured on any other than a port or a socket."""
    value = text(name, default)
    tcp = re.fullmatch(r"(?:[A-Za-z0-9.-]*|\[[0-9A-Fa-f:.]+\]):(\d{1,5})", value, re.ASCII)
    if not (tcp and 0 < int(tcp[1]) <= _MAX_PORT) and not re.fullmatch(r"unix:.+|fd://\d+", value, re.ASCII):
        raise ImproperlyConfigured(
            f"{name} is {value!r}; write HOST:PORT with a port from 1 to {_MAX_PORT}, or unix:PATH."
        )
    return value
