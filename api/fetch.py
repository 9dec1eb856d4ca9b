"""The download of one signing certificate. The URL is ours (api.sns rebuilds it), the answer is anybody's."""

from time import monotonic

import requests
from urllib3.exceptions import HTTPError

from api.sns import CertificateUnavailable

TIMEOUT_SECONDS = 3.0
MAX_BYTES = 16 * 1024  # a certificate of SNS has 2 KiB


def fetch_certificate(url: str) -> bytes:
    """Return the body of a 200 of at most 16 KiB; raise CertificateUnavailable for anything else.

    Each step (connect, each read) may take 3 s, and the body as a whole 3 s. No redirect is
    followed; proxies, credentials and certificate stores that the environment names are not used.
    """
    try:
        with requests.Session() as session:
            session.trust_env = False
            session.headers["Accept-Encoding"] = "identity"
            with session.get(url, timeout=TIMEOUT_SECONDS, allow_redirects=False, stream=True) as response:
                if response.status_code != requests.codes.ok:
                    raise CertificateUnavailable("certificate-status")
                return _read(response)
    except (requests.RequestException, HTTPError, OSError) as error:
        raise CertificateUnavailable("certificate-unreachable") from error


def _read(response: requests.Response) -> bytes:
    body = b""
    deadline = monotonic() + TIMEOUT_SECONDS
    # read1 returns what has arrived: read would wait for more, and a trickle would hold us for hours.
    while piece := response.raw.read1(MAX_BYTES):
        body += piece
        if len(body) > MAX_BYTES:
            raise CertificateUnavailable("certificate-size")
        if monotonic() > deadline:
            raise CertificateUnavailable("certificate-time")
    return body
