"""HTTP that cannot leave this machine."""

from urllib.parse import urlsplit

import requests


def session() -> requests.Session:
    """Return a session that knows no proxy and no .netrc; close it after use."""
    made = requests.Session()
    made.trust_env = False
    return made


def is_loopback(url: str) -> bool:
    """Tell whether it is plain HTTP on this machine."""
    parts = urlsplit(url)
    return parts.scheme == "http" and parts.hostname in {"127.0.0.1", "::1", "localhost"}
