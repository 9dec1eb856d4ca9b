"""A stand-in for S3, DynamoDB and SNS's certificates that costs next to nothing: canned answers, counted.

    python -m tests.bench.service.stub PORT [CERTIFICATE_FILE]

It keeps nothing: a GetObject answers with an invoice made from the number at the end of the key, so no
two are alike; every write succeeds. It frames HTTP by hand on asyncio's bare protocol, since a framework
would cost as much as the services that are to be measured. What botocore checks is right: lengths, ETag,
Last-Modified, version, request ids, CRC32 of objects and of DynamoDB's answers, 100-continue.

    GET  /_stub/counts         answers by operation since the start, as JSON
    GET  /_stub/last           the last CSV object and the last write to DynamoDB, as JSON
    PUT  /_stub/latency/20     milliseconds until an answer of AWS; 100-continue comes at once

An operation that it does not know is answered 400 and counted as its name, which fails a benchmark.
"""

import asyncio
import base64
import hashlib
import json
import re
import sys
import time
from collections import Counter
from email.utils import formatdate
from pathlib import Path
from typing import Any
from zlib import crc32

HOST = "127.0.0.1"
BUCKETS = ("/docproc-source", "/docproc-destination")
_ID = "4442587FB7D0A2F9"
_MODIFIED = formatdate(1_763_200_000, usegmt=True)
_TARGET = re.compile(rb"\r\nx-amz-target: ?dynamodb_20120810\.([a-z]+)\r")
_LENGTH = re.compile(rb"\r\ncontent-length: ?([0-9]+)\r")
_EMPTY_JSON = b"{}"
_INVOICE = """\
******************************************************************
                             Invoice
******************************************************************
Customer-ID: sm-LK{customer:07d}
Inv-ID: inv-{number:07d}
Dated: Mar 31 2018
From: Space Mechanics Inc.
To: Starfleet Interplanatory HQ
Amount: 7650
SGST: 500
Total: 8150
InWords: Space Rupees Eight thousand one hundred fifty only

Items
1) Matter antimatter fusion controller, 2000, 200
2) External inertial damper, 3100, 180
3) Type X phaser, 500, 35
4) 2MW Fusion reactor, 1200, 85
5) Transporter base dial, 850
"""


def source_key(number: int) -> str:
    """Return the key of an invoice of the benchmark, from 0."""
    return f"inbox/{number:07d}.txt"


def invoice_text(number: int) -> bytes:
    """Return the invoice under that number; its ids are `sm-LK<number % 5000>` and `inv-<number>`."""
    return _INVOICE.format(customer=number % 5000, number=number).encode()


class Aws:
    """What the connections share: the counts, the latency, the last writes."""

    def __init__(self, certificate: bytes) -> None:
        self.counts: Counter[str] = Counter()
        self.latency_seconds = 0.0
        self.last = {"object": b"", "item": b""}
        self._certificate = certificate

    def answer(self, method: str, path: str, head: bytes, body: bytes) -> bytes:
        """Return the whole answer to a request; `head` is in lower case."""
        if path.startswith(BUCKETS):
            return self._object(method, path.partition("?")[0], body)
        if target := _TARGET.search(head):
            return self._dynamodb(target[1].decode(), body)
        if method == "GET" and path.startswith("/SimpleNotificationService-"):
            return _framed("200 OK", "Content-Type: application/x-pem-file\r\n", self._certificate)
        if path.startswith("/_stub/"):
            return self._control(path)
        return self._unknown(f"{method} {path}")

    def _object(self, method: str, path: str, body: bytes) -> bytes:
        if method == "GET":
            self.counts["GetObject"] += 1
            return _get_object(int(path[-11:-4]))
        if method == "PUT":
            self.counts["PutObject"] += 1
            self.last["object"] = body
            return _put_object(body)
        if method == "HEAD":  # is the bucket there? asked once, by /readyz
            self.counts["HeadBucket"] += 1
            return _framed("200 OK", _s3_headers(), b"")
        return self._unknown(f"{method} object")

    def _dynamodb(self, target: str, body: bytes) -> bytes:
        operation = _OPERATIONS.get(target)
        if operation is None:
            return self._unknown(target)
        self.counts[operation] += 1
        if operation in {"TransactWriteItems", "PutItem"}:
            self.last["item"] = body
        return _JSON_ANSWER

    def _control(self, path: str) -> bytes:
        _, _, what, *values = path.split("/")
        facts: dict[str, Any] = {}
        if what == "counts":
            facts = dict(self.counts)
        elif what == "last":
            facts = {name: data.decode() for name, data in self.last.items()}
        elif what == "latency":
            self.latency_seconds = float(values[0]) / 1000
        return _framed("200 OK", "Content-Type: application/json\r\n", json.dumps(facts).encode())

    def _unknown(self, what: str) -> bytes:
        self.counts[what] += 1
        return _framed("400 Bad Request", "", b"the stub does not know this operation")


# Targets come in lower case, as all of the head does.
_OPERATIONS = {name.lower(): name for name in ("TransactWriteItems", "PutItem", "UpdateItem", "GetItem")}


def _framed(status: str, headers: str, body: bytes) -> bytes:
    return f"HTTP/1.1 {status}\r\n{headers}Content-Length: {len(body)}\r\n\r\n".encode() + body


def _s3_headers() -> str:
    date = formatdate(time.time() // 1, usegmt=True)
    return f"x-amz-id-2: {_ID * 4}\r\nx-amz-request-id: {_ID}\r\nDate: {date}\r\nServer: AmazonS3\r\n"


def _get_object(number: int) -> bytes:
    data = invoice_text(number)
    headers = (
        f'{_s3_headers()}Last-Modified: {_MODIFIED}\r\nETag: "{_etag(data)}"\r\n'
        f"x-amz-version-id: v{number:031d}\r\nx-amz-checksum-crc32: {_crc32(data)}\r\n"
        "x-amz-checksum-type: FULL_OBJECT\r\nAccept-Ranges: bytes\r\nContent-Type: text/plain\r\n"
    )
    return _framed("200 OK", headers, data)


def _put_object(body: bytes) -> bytes:
    return _framed("200 OK", f'{_s3_headers()}ETag: "{_etag(body)}"\r\nx-amz-version-id: {_ID}\r\n', b"")


def _etag(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def _crc32(data: bytes) -> str:
    return base64.b64encode(crc32(data).to_bytes(4, "big")).decode()


_JSON_ANSWER = _framed(
    "200 OK",
    f"x-amzn-RequestId: {_ID * 3}\r\nx-amz-crc32: {crc32(_EMPTY_JSON)}\r\n"
    "Content-Type: application/x-amz-json-1.0\r\nServer: Server\r\n",
    _EMPTY_JSON,
)


class Connection(asyncio.Protocol):
    """One client; requests come one after the other, each is answered before the next."""

    transport: asyncio.Transport

    def __init__(self, aws: Aws) -> None:
        self._aws = aws
        self._buffer = b""
        self._said_continue = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[: end + 2]
            lowered = head.lower()
            length = _content_length(lowered)
            if len(self._buffer) < end + 4 + length:
                if b"\r\nexpect: 100-continue" in lowered and not self._said_continue:
                    self._said_continue = True
                    self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                return
            body = self._buffer[end + 4 : end + 4 + length]
            self._buffer, self._said_continue = self._buffer[end + 4 + length :], False
            method, path, _ = head[: head.index(b"\r\n")].decode().split(" ")
            self._reply(self._aws.answer(method, path, lowered, body), path)

    def _reply(self, answer: bytes, path: str) -> None:
        if self._aws.latency_seconds and not path.startswith(("/_stub/", "/SimpleNotificationService-")):
            asyncio.get_running_loop().call_later(self._aws.latency_seconds, self.transport.write, answer)
        else:
            self.transport.write(answer)


def _content_length(head: bytes) -> int:
    length = _LENGTH.search(head)
    return int(length[1]) if length else 0


async def serve(port: int, certificate: bytes) -> None:
    """Serve until cancelled; prints the port once it listens."""
    aws = Aws(certificate)
    server = await asyncio.get_running_loop().create_server(lambda: Connection(aws), HOST, port, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), Path(sys.argv[2]).read_bytes() if len(sys.argv) > 2 else b""))
