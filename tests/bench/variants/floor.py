"""The floor: what no service in Python can do without, and nothing else. No product, only a yardstick.

granian, no framework: read the JSON, verify the signature (the certificate once), and three calls that are
signed by hand and written into sockets that stay open: get the object, put text and key as an item, put
the text as an object. Nothing is parsed, nothing is conditional, no answer but 200 is understood, no
connection is made twice. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

import hashlib
import hmac
import json
import os
import socket
import threading
import time
from base64 import b64decode
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509 import load_pem_x509_certificate

from tests.bench.variants.invoices import DESTINATION_BUCKET, TABLE

SIGNED = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
REGION = os.environ["DOCPROC_AWS_REGION"]
KEY_ID, SECRET = os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"]
AWS = urlsplit(os.environ["DOCPROC_AWS_ENDPOINT_URL"])
TARGET = "x-amz-target:DynamoDB_20120810.PutItem\n"

_PADDING, _HASH = PKCS1v15(), SHA256()
_connections = threading.local()


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Serve a request."""
    if environ["REQUEST_METHOD"] != "POST":
        start_response("200 OK", [("Content-Length", "0")])
        return [b""]
    message = json.loads(environ["wsgi.input"].read())
    signed = "".join([f"{name}\n{message[name]}\n" for name in SIGNED if name in message]).encode()
    key = public_key(message["SigningCertURL"])
    key.verify(b64decode(message["Signature"]), signed, _PADDING, _HASH)
    event = json.loads(message["Message"])["Records"][0]["s3"]
    name = event["object"]["key"].replace("%2F", "/")
    text = call("s3", "GET", f"/{event['bucket']['name']}/{name}", "", b"")
    item = {"customer_id": {"S": name}, "invoice_id": {"S": name}, "text": {"S": text.decode()}}
    body = json.dumps({"TableName": TABLE, "Item": item}).encode()
    call("dynamodb", "POST", "/", TARGET, body)
    call("s3", "PUT", f"/{DESTINATION_BUCKET}/csv/{name}", "", text)
    start_response("200 OK", [("Content-Length", "4")])
    return [b"done"]


@cache
def public_key(url: str) -> RSAPublicKey:
    """Return the key of the certificate."""
    with urlopen(url, timeout=3) as answer:  # noqa: S310 - loopback
        key = load_pem_x509_certificate(answer.read()).public_key()
    assert isinstance(key, RSAPublicKey)
    return key


def call(service: str, method: str, path: str, target: str, body: bytes) -> bytes:
    """Return the body of AWS's answer; whatever is not 200 raises."""
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    digest = hashlib.sha256(body).hexdigest()
    headers = f"host:{AWS.netloc}\nx-amz-content-sha256:{digest}\nx-amz-date:{stamp}\n{target}"
    names = "host;x-amz-content-sha256;x-amz-date" + (";x-amz-target" if target else "")
    canonical = f"{method}\n{path}\n\n{headers}\n{names}\n{digest}"
    scope = f"{stamp[:8]}/{REGION}/{service}/aws4_request"
    to_sign = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    signature = hmac.digest(signing_key(stamp[:8], service), to_sign.encode(), "sha256").hex()
    head = headers.replace("\n", "\r\n") + (
        f"Authorization: AWS4-HMAC-SHA256 Credential={KEY_ID}/{scope}, SignedHeaders={names}, "
        f"Signature={signature}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return _exchange(service, f"{method} {path} HTTP/1.1\r\n{head}".encode() + body)


@cache
def signing_key(day: str, service: str) -> bytes:
    """Return the key that signs a day's requests to a service."""
    key = f"AWS4{SECRET}".encode()
    for part in (day, REGION, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def _exchange(service: str, request: bytes) -> bytes:
    connection = getattr(_connections, service, None)
    if connection is None:
        connection = socket.create_connection((AWS.hostname, AWS.port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        setattr(_connections, service, connection)
    connection.sendall(request)
    answer = connection.recv(65536)
    if not answer.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(answer)
    end = answer.index(b"\r\n\r\n") + 4
    at = answer.index(b"Content-Length: ") + 16
    size = end + int(answer[at : answer.index(b"\r", at)])
    while len(answer) < size:
        answer += connection.recv(65536)
    return bytes(answer[end:])
