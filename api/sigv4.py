"""Signs requests to AWS with Signature Version 4, the header form.

botocore's own signer takes twenty times as long, most of it for requests of any shape; this one is
for requests whose parts are canonical already. The tests hold it against botocore's and AWS's own
examples: https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from hmac import digest
from time import gmtime, strftime

from botocore.credentials import ReadOnlyCredentials


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a signature is valid: the region, and the service by the name that it signs with."""

    region: str
    service: str


def signed(
    method: str,
    path: str,
    query: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    scope: Scope,
    credentials: ReadOnlyCredentials,
    at: float,
) -> dict[str, str]:
    """Return the headers with those that prove who asks; `at` counts seconds since the epoch.

    `path` and `query` are canonical and sent as they are: percent-encoded, the query sorted by its
    names. `headers` have lower-case names, among them `host`, and values without outer or double blanks.
    """
    payload = sha256(body).hexdigest()
    time = _stamp(int(at))
    all_headers = {**headers, "x-amz-content-sha256": payload, "x-amz-date": time}
    if credentials.token:
        all_headers["x-amz-security-token"] = credentials.token
    names = sorted(all_headers)
    lines = "".join([f"{name}:{all_headers[name]}\n" for name in names])
    signed_names = ";".join(names)
    canonical = f"{method}\n{path}\n{query}\n{lines}\n{signed_names}\n{payload}"
    within = f"{time[:8]}/{scope.region}/{scope.service}/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{time}\n{within}\n{sha256(canonical.encode()).hexdigest()}"
    key = _signing_key(credentials.secret_key, time[:8], scope.region, scope.service)
    all_headers["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={credentials.access_key}/{within}, "
        f"SignedHeaders={signed_names}, Signature={digest(key, text.encode(), 'sha256').hex()}"
    )
    return all_headers


@lru_cache(maxsize=8)
def _stamp(second: int) -> str:
    return strftime("%Y%m%dT%H%M%SZ", gmtime(second))


@lru_cache(maxsize=8)  # it changes with the day and with the role's credentials
def _signing_key(secret_key: str, day: str, region: str, service: str) -> bytes:
    key = f"AWS4{secret_key}".encode()
    for part in (day, region, service, "aws4_request"):
        key = digest(key, part.encode(), "sha256")
    return key
