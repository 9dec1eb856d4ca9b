"""The three calls of an ordinary invoice without boto3's way of making them.

    s3        GetObject by version (`null` by ETag as well), PutObject if there is none
    dynamodb  TransactWriteItems

boto3 takes a millisecond of CPU a call, nearly all of it for what never changes between two calls of
one kind. Here such a call is signed and sent directly, and a plain success is read directly. Everything
else (an error, a redirect, a fault of the network, an answer that is odd in any way) is handed to the
boto3 client as the outcome of *its own* first attempt, in its event `before-send`:
https://docs.aws.amazon.com/boto3/latest/guide/events.html. So retries, their waits and their number,
errors and their parsing stay boto3's, and a call is sent as often and takes as long as boto3's, at most.

Where to send and what to sign for is not worked out here: the first call to a bucket, or of a kind, goes
through boto3, and what it sent is what the later ones follow (endpoint, addressing style, region).
"""

import json
import re
import threading
import time
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from binascii import crc32
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from hashlib import sha1, sha256, sha512
from io import BytesIO
from random import getrandbits
from typing import Any
from urllib.parse import SplitResult, quote, urlsplit

import orjson
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.credentials import ReadOnlyCredentials
from botocore.exceptions import BotoCoreError
from botocore.utils import get_environ_proxies

from api.sigv4 import Scope, signed
from api.wire import Answer, TooLong, Wire

_OK = 200
_SCOPE = re.compile(r"AWS4-HMAC-SHA256 Credential=[^/]+/[0-9]{8}/([^/]+)/(s3|dynamodb)/aws4_request,.*")
_ETAG = re.compile(r'"[0-9A-Za-z-]+"')
_DYNAMODB_HEADERS = {
    "content-type": "application/x-amz-json-1.0",
    "x-amz-target": "DynamoDB_20120810.TransactWriteItems",
}
# Those that boto3 verifies without its extension in C.
_CHECKSUMS: Mapping[str, Callable[[bytes], bytes]] = {
    "x-amz-checksum-crc32": lambda data: crc32(data).to_bytes(4, "big"),
    "x-amz-checksum-sha1": lambda data: sha1(data).digest(),  # noqa: S324 - the uploader's checksum
    "x-amz-checksum-sha256": lambda data: sha256(data).digest(),
    "x-amz-checksum-sha512": lambda data: sha512(data).digest(),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Route:
    """What boto3 sent a call to: the origin, the path before the key, the signature's scope."""

    wire: Wire
    host: str
    prefix: str
    scope: Scope
    user_agent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    """A request but for where it goes; path and query are canonical."""

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass
class _Attempt(threading.local):
    """What a thread's call through boto3 has to do with the network. Slots would be of all threads."""

    first: Answer | BotoCoreError | None = None
    sent: AWSPreparedRequest | None = None

    def reset(self, first: Answer | BotoCoreError | None = None) -> None:
        """Forget the last call; `first` is what its first attempt is to come to, if it was made already."""
        self.first, self.sent = first, None


class _HotClient:
    """A boto3 client, but for the calls that a subclass makes hot."""

    def __init__(
        self, client: Any, credentials: Callable[[], ReadOnlyCredentials], wire: Callable[[SplitResult], Wire]
    ) -> None:
        self._client, self._credentials, self._wire = client, credentials, wire
        self._routes: dict[str, _Route] = {}
        self._attempt = _Attempt()
        client.meta.events.register_first("before-send", self._before_send)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def _make(
        self,
        operation: str,
        arguments: Mapping[str, Any],
        request: _Request,
        *,
        read: Callable[[Answer], dict[str, Any] | None],
        name: str = "",
    ) -> Any:
        """Return boto3's answer to the call; `name` tells routes apart, `read` reads a plain success."""
        route, first = self._routes.get(name), None
        if route is not None:
            first = self._send(route, request)
            if isinstance(first, Answer) and first.status == _OK and (answer := read(first)) is not None:
                return answer
        self._attempt.reset(first)
        try:
            answer = getattr(self._client, operation)(**arguments)
            sent = self._attempt.sent
        finally:
            self._attempt.reset()  # it may have failed before its first attempt, and the next call is another
        if route is None and sent is not None:
            self._learn(name, sent, request.path)
        return answer

    def _send(self, route: _Route, request: _Request) -> Answer | BotoCoreError | None:
        """Return the answer, or what happened instead of one; None when boto3 is to send it after all."""
        path = route.prefix + request.path
        headers = signed(
            request.method,
            path,
            request.query,
            {"host": route.host, **request.headers},
            request.body,
            scope=route.scope,
            credentials=self._credentials(),
            at=time.time(),
        )
        headers["user-agent"] = route.user_agent
        target = f"{path}?{request.query}" if request.query else path
        try:
            return route.wire.exchange(request.method, target, headers, request.body)
        except BotoCoreError as error:
            return error
        except TooLong:
            return None

    def _before_send(self, request: AWSPreparedRequest, **_: object) -> AWSResponse | None:
        """Be the network for the attempt that was made already; take a note of the others."""
        attempt = self._attempt
        first, attempt.first = attempt.first, None
        if first is None:
            attempt.sent = request
            return None
        if isinstance(first, BotoCoreError):
            raise first
        return AWSResponse(request.url, first.status, dict(first.headers), _Raw(first.body))  # type: ignore[arg-type] # as moto does

    def _learn(self, name: str, sent: AWSPreparedRequest, path: str) -> None:
        """Keep where a call that succeeded went, unless it went there in a way that is not known here."""
        url = urlsplit(sent.url)
        headers = {key.lower(): _text(value) for key, value in sent.headers.items()}
        scope = _SCOPE.fullmatch(headers.get("authorization", ""))
        speaks_otherwise = any(headers.get(key, value) != value for key, value in _DYNAMODB_HEADERS.items())
        if not scope or not url.path.endswith(path) or get_environ_proxies(sent.url):
            return
        if scope[2] == "dynamodb" and speaks_otherwise:
            return
        self._routes[name] = _Route(
            wire=self._wire(url),
            host=url.netloc,
            prefix=url.path.removesuffix(path),
            scope=Scope(scope[1], scope[2]),
            user_agent=headers["user-agent"],
        )


class HotS3(_HotClient):
    """A client of S3."""

    def get_object(self, **arguments: Any) -> Any:
        """Do as boto3's; the body is read already, unless it is larger than a Wire takes."""
        query, headers = "", {"x-amz-checksum-mode": "ENABLED"}
        version_id, etag = arguments.get("VersionId"), arguments.get("IfMatch")
        if version_id:
            query = f"versionId={quote(version_id, safe='')}"
        if etag:
            headers["if-match"] = etag
        is_other = arguments.keys() - {"Bucket", "Key", "VersionId", "IfMatch"}
        if is_other or (etag and not _ETAG.fullmatch(etag)):
            return self._client.get_object(**arguments)
        path = "/" + quote(arguments["Key"], safe="/~")
        request = _Request(method="GET", path=path, query=query, headers=headers)
        return self._make("get_object", arguments, request, read=_object, name=arguments["Bucket"])

    def put_object(self, **arguments: Any) -> Any:
        """Do as boto3's."""
        if arguments.keys() != {"Bucket", "Key", "Body", "ContentType", "IfNoneMatch"}:
            return self._client.put_object(**arguments)
        body = arguments["Body"]
        headers = {
            "content-type": arguments["ContentType"],
            "if-none-match": arguments["IfNoneMatch"],
            "x-amz-checksum-crc32": b64encode(_CHECKSUMS["x-amz-checksum-crc32"](body)).decode(),
            "x-amz-sdk-checksum-algorithm": "CRC32",
        }
        # Our keys have no other character that quote() would have to look at one by one.
        path = "/" + quote(arguments["Key"], safe="/~=").replace("=", "%3D")
        request = _Request(method="PUT", path=path, headers=headers, body=body)
        return self._make("put_object", arguments, request, read=_etag, name=arguments["Bucket"])


class HotDynamoDB(_HotClient):
    """A client of DynamoDB."""

    def transact_write_items(self, **arguments: Any) -> Any:
        """Do as boto3's, under one token for every attempt: after a lost answer the next one is the same."""
        token = f"{getrandbits(128):032x}"
        arguments = {"ClientRequestToken": token, **arguments}
        body = _json(arguments)
        request = _Request(method="POST", path="/", headers=_DYNAMODB_HEADERS, body=body)
        return self._make("transact_write_items", arguments, request, read=_result)


class _Raw(BytesIO):
    """A body as botocore wants to read it."""

    def stream(self, **_: object) -> tuple[bytes]:
        return (self.read(),)


def _object(answer: Answer) -> dict[str, Any] | None:
    headers, body = answer.headers, answer.body
    try:
        for name, checksum in _CHECKSUMS.items():
            # With a dash it is one of the checksums of an upload's parts, which boto3 ignores as well.
            told = headers.get(name)
            if told and "-" not in told and b64decode(told) != checksum(body):
                return None
        return {
            "Body": BytesIO(body),
            "ContentLength": int(headers["content-length"]),
            "ETag": headers["etag"],
            "LastModified": _instant(headers["last-modified"]),
        }
    except (KeyError, ValueError, Base64Error):
        return None


@lru_cache(maxsize=256)  # it counts seconds, and many objects come in one
def _instant(text: str) -> datetime:
    return parsedate_to_datetime(text)


def _etag(answer: Answer) -> dict[str, Any] | None:
    return {"ETag": answer.headers["etag"]} if "etag" in answer.headers else None


def _result(answer: Answer) -> dict[str, Any] | None:
    try:
        is_torn = int(answer.headers.get("x-amz-crc32") or crc32(answer.body)) != crc32(answer.body)
        result = json.loads(answer.body)
    except ValueError:
        return None
    return result if isinstance(result, dict) and not is_torn else None


def _base64(value: object) -> str:
    if not isinstance(value, bytes):
        raise TypeError(f"{type(value).__name__} is no value of DynamoDB")
    return b64encode(value).decode()


def _json(arguments: Mapping[str, Any]) -> bytes:
    try:
        return orjson.dumps(arguments, default=_base64)
    except orjson.JSONEncodeError:  # half a surrogate pair, which boto3 sends as json has it
        return json.dumps(arguments, default=_base64).encode()


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
