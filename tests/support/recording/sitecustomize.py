"""Notes each AWS request that the program makes, in every Python process with this folder on PYTHONPATH.

    RECORD_AWS_REQUESTS=FILE PYTHONPATH=tests/support/recording make test demo ARGS=--once

Looked at where nothing passes by: http.client, below urllib3 and requests; the socket, below that and any
client that frames HTTP by hand; and, since moto answers there within a test's process, botocore's last step
before it and tests/support/moto_wire.py, which asks for `note`. Only requests with a frame of api/,
infra/ec2/ or infra/spark/ on the stack count: a test's own calls need no permission.
"""

import http.client
import json
import os
import socket
import ssl
import sys
from pathlib import Path
from typing import Any

import botocore.endpoint

_ROOT = str(Path(__file__).resolve().parents[3])
_OURS = (f"{_ROOT}/api/", f"{_ROOT}/infra/ec2/", f"{_ROOT}/infra/spark/", "/opt/docproc/")
_MAX_BODY_BYTES = 1 << 16


def _is_ours() -> bool:
    frame: Any = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_filename.startswith(_OURS):
            return True
        frame = frame.f_back
    return False


def note(seen: str, method: str, url: str, headers: dict[str, str], body: bytes) -> None:
    authorization = headers.get("authorization", "")
    if not authorization.startswith("AWS4-HMAC-SHA256") or not _is_ours():
        return
    facts = {
        "seen": seen,
        "service": authorization.split("Credential=")[1].split("/")[3],
        "method": method,
        "url": url,
        "host": headers.get("host", ""),
        "target": headers.get("x-amz-target", ""),
        "copies": headers.get("x-amz-copy-source", ""),
        "body": body[:_MAX_BODY_BYTES].decode(errors="replace"),
    }
    line = json.dumps(facts) + "\n"
    # One write to a file that is opened to append: lines of several processes do not mix.
    descriptor = os.open(os.environ["RECORD_AWS_REQUESTS"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.write(descriptor, line.encode())
    os.close(descriptor)


def _lower(headers: Any) -> dict[str, str]:
    texts = ((k, v.decode() if isinstance(v, bytes) else str(v)) for k, v in headers.items())
    return {key.lower(): value for key, value in texts}


def _watch_botocore() -> None:
    endpoint: Any = botocore.endpoint.Endpoint
    inner = endpoint._do_get_response

    def watched(self: Any, request: Any, *rest: Any) -> Any:
        body = request.body if isinstance(request.body, bytes) else str(request.body or "").encode()
        note("botocore", request.method, request.url, _lower(request.headers), body)
        return inner(self, request, *rest)

    endpoint._do_get_response = watched


def _watch_http() -> None:
    connection: Any = http.client.HTTPConnection
    putrequest, putheader, send, getresponse = (
        connection.putrequest,
        connection.putheader,
        connection.send,
        connection.getresponse,
    )

    def watched_request(self: Any, method: str, url: str, *rest: Any, **named: Any) -> None:
        self._noted = (method, url, {}, bytearray())
        putrequest(self, method, url, *rest, **named)

    def watched_header(self: Any, header: Any, *values: Any) -> None:
        name = header.decode() if isinstance(header, bytes) else header
        noted = getattr(self, "_noted", None)
        if noted:
            first = values[0] if values else ""
            noted[2][name.lower()] = first.decode() if isinstance(first, bytes) else str(first)
        putheader(self, header, *values)

    def watched_send(self: Any, data: Any) -> None:
        noted = getattr(self, "_noted", None)
        if noted and isinstance(data, bytes | bytearray) and len(noted[3]) < _MAX_BODY_BYTES:
            noted[3].extend(data)
        send(self, data)

    def watched_response(self: Any, *rest: Any, **named: Any) -> Any:
        noted, self._noted = getattr(self, "_noted", None), None
        if noted:
            method, url, headers, sent = noted
            note("http", method, url, headers, bytes(sent).partition(b"\r\n\r\n")[2])
        return getresponse(self, *rest, **named)

    connection.putrequest, connection.putheader = watched_request, watched_header
    connection.send, connection.getresponse = watched_send, watched_response


def _watch_socket(kind: Any, name: str) -> None:
    inner = getattr(kind, name)

    def watched(self: Any, data: Any, *rest: Any) -> Any:
        head, end, body = bytes(data).partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        if end and first.endswith(" HTTP/1.1"):
            headers = {
                name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
            }
            # http.client's own, which it sends apart from their bodies, are noted above.
            if len(body) == int(headers.get("content-length", -1)):
                method, url, _ = first.split(" ")
                note("socket", method, url, headers, body)
        return inner(self, data, *rest)

    setattr(kind, name, watched)


if os.environ.get("RECORD_AWS_REQUESTS"):
    _watch_botocore()
    _watch_http()
    for kind in (socket.socket, ssl.SSLSocket):
        for name in ("send", "sendall"):
            _watch_socket(kind, name)
