"""S3's POST Object: a browser's form with a signed policy becomes a PutObject, or is refused.

moto takes any form and tells nobody of the object; the pages rely on what S3 promises of it: the
policy's signature, its end, its conditions, its limit of size, `${filename}`, and the redirect.
https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html
"""

import base64
import hmac
import io
import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote, urlencode

from werkzeug.formparser import parse_form_data

from infra.local.credentials import PLACEHOLDERS

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# What a form may hold without a condition, besides x-ignore-…
_FREE_FIELDS = frozenset({"policy", "x-amz-signature", "file"})
_ERROR = '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{}</Code><Message>{}</Message></Error>'


class FormRefused(Exception):  # noqa: N818 - it names what is wrong
    """S3 would not take the form; `status` and `code` are S3's."""

    def __init__(self, status: str, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


def is_form(environ: "WSGIEnvironment") -> bool:
    """Tell a browser's form from every other request."""
    kind = str(environ.get("CONTENT_TYPE", ""))
    return environ["REQUEST_METHOD"] == "POST" and kind.startswith("multipart/form-data")


def answer(
    environ: "WSGIEnvironment", start_response: "StartResponse", put: "WSGIApplication"
) -> Iterable[bytes]:
    """Put the form's file by `put`, and answer as S3 answers a form."""
    cors = [("Access-Control-Allow-Origin", environ["HTTP_ORIGIN"])] if "HTTP_ORIGIN" in environ else []
    try:
        key, data, redirect = _read(environ, datetime.now(UTC))
    except FormRefused as refusal:
        start_response(refusal.status, [("Content-Type", "application/xml"), *cors])
        return [_ERROR.format(refusal.code, refusal.message).encode()]
    bucket = environ["PATH_INFO"].strip("/")
    headers = _put(environ, f"/{bucket}/{key}", data, put)
    etag = headers.get("etag", "")
    if not redirect:
        start_response("204 No Content", [("ETag", etag), *cors])
        return []
    named = urlencode({"bucket": bucket, "key": key, "etag": etag})
    start_response("303 See Other", [("Location", f"{redirect}{'&' if '?' in redirect else '?'}{named}")])
    return []


def _read(environ: "WSGIEnvironment", now: datetime) -> tuple[str, bytes, str]:
    """Return key, bytes and redirect of a form that its policy allows. Raises FormRefused."""
    _, texts, files = parse_form_data(environ)
    fields = {name.lower(): value for name, value in texts.items()}
    upload = files.get("file")
    data = upload.stream.read() if upload else fields.get("file", "").encode()
    for each in files.values():
        each.close()
    key = fields.get("key", "").replace("${filename}", (upload.filename or "") if upload else "")
    fields["key"] = key
    policy = _policy(fields, now)
    covered = _check_conditions(policy["conditions"], fields, len(data))
    for name in fields.keys() - covered - _FREE_FIELDS:
        if not name.startswith("x-ignore-"):
            raise _denied(f"Extra input fields: {name}")
    return key, data, fields.get("success_action_redirect", "")


def _policy(fields: Mapping[str, str], now: datetime) -> dict[str, Any]:
    scope = fields.get("x-amz-credential", "").split("/")
    key = ("AWS4" + PLACEHOLDERS["AWS_SECRET_ACCESS_KEY"]).encode()
    for part in scope[1:]:
        key = hmac.digest(key, part.encode(), "sha256")
    wanted = hmac.new(key, fields.get("policy", "").encode(), sha256).hexdigest()
    if not hmac.compare_digest(wanted, fields.get("x-amz-signature", "")):
        raise FormRefused("403 Forbidden", "SignatureDoesNotMatch", "The signature does not match.")
    policy = cast("dict[str, Any]", json.loads(base64.b64decode(fields["policy"])))
    if datetime.fromisoformat(policy["expiration"]) <= now:
        raise _denied("Invalid according to Policy: Policy expired.")
    return policy


def _check_conditions(conditions: Iterable[Any], fields: Mapping[str, str], size: int) -> set[str]:
    """Return the names of the fields that the conditions speak of. Raises FormRefused."""
    covered = set()
    for condition in conditions:
        if isinstance(condition, dict):
            triples = [("eq", f"${name}", value) for name, value in condition.items()]
        elif condition[0] == "content-length-range":
            _check_size(size, *condition[1:])
            continue
        else:
            triples = [tuple(condition)]
        for operator, name, value in triples:
            field = name[1:].lower()
            covered.add(field)
            compare: Callable[[str], bool] = (
                fields.get(field, "").startswith
                if operator == "starts-with"
                else fields.get(field, "").__eq__
            )
            if field != "bucket" and not compare(value):
                raise _denied(f"Invalid according to Policy: Policy Condition failed: {condition}")
    return covered


def _check_size(size: int, low: int, high: int) -> None:
    if size > high:
        raise FormRefused("400 Bad Request", "EntityTooLarge", "Your proposed upload exceeds the maximum.")
    if size < low:
        raise FormRefused("400 Bad Request", "EntityTooSmall", "Your proposed upload is too small.")


def _put(environ: "WSGIEnvironment", path: str, data: bytes, put: "WSGIApplication") -> dict[str, str]:
    """Carry out the PutObject; returns the headers of its answer by lower-case name."""
    told: list[tuple[str, str]] = []

    def note(_status: str, headers: list[tuple[str, str]], *_: object) -> Callable[[bytes], object]:
        told.extend(headers)
        return lambda _written: None

    request = {
        **environ,
        "REQUEST_METHOD": "PUT",
        "PATH_INFO": path.encode().decode("latin-1"),
        "RAW_URI": quote(path),
        "REQUEST_URI": quote(path),
        "QUERY_STRING": "",
        "CONTENT_TYPE": "text/plain",
        "CONTENT_LENGTH": str(len(data)),
        "wsgi.input": io.BytesIO(data),
    }
    for _ in put(request, note):
        pass
    return {name.lower(): value for name, value in told}


def _denied(message: str) -> FormRefused:
    return FormRefused("403 Forbidden", "AccessDenied", message)
