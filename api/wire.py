"""HTTP/1.1 to one host of AWS over connections that stay open, for small requests and small answers.

A request is one write and its answer mostly one read; http.client's and urllib3's ways of reading
headers alone cost more than all of this. Strict where they are lenient: what is not an answer from its
first byte to its last is none. https://www.rfc-editor.org/rfc/rfc9112
"""

import re
import select
import socket
import ssl
import weakref
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from botocore.exceptions import (
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
    SSLError,
)

MAX_HEAD_BYTES = 64 * 1024
_MAX_DIGITS = 16
_CHUNK = 64 * 1024
_STATUS_LINE = re.compile(r"HTTP/1\.1 ([2-5][0-9]{2})(?: .*)?")
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;.*)?")
_BODILESS = frozenset({204, 304})


class TooLong(Exception):  # noqa: N818 - it names what is wrong
    """The answer's body is longer than what is read here; it was not read."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, whole. Names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """Sends requests to an origin. Safe to use from several threads.

    `tls` is None for plain HTTP. At most `size` connections wait for the next request; there are as
    many as there are requests at once.
    """

    host: str
    port: int
    tls: ssl.SSLContext | None
    size: int
    connect_timeout_seconds: float
    read_timeout_seconds: float
    max_body_bytes: int
    _idle: "deque[_Connection]" = field(default_factory=deque)

    def exchange(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Send a request, once, and return its answer, whatever that says.

        Raises TooLong, or botocore's exception for what happened to the connection. After any but
        EndpointConnectionError and ConnectTimeoutError the request may have been carried out.
        """
        lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
        head = f"{method} {target} HTTP/1.1\r\n{lines}content-length: {len(body)}\r\n\r\n"
        connection = self._take()
        try:
            answer, is_reusable = connection.exchange(head.encode("ascii") + body, self.max_body_bytes)
        except BaseException as error:
            connection.close()
            if isinstance(error, TimeoutError):
                raise ReadTimeoutError(endpoint_url=self._url, error=error) from error
            if isinstance(error, OSError):
                raise ConnectionClosedError(endpoint_url=self._url, error=error) from error
            raise
        if is_reusable and len(self._idle) < self.size:
            self._idle.append(connection)
        else:
            connection.close()
        return answer

    @property
    def _url(self) -> str:
        return f"{'https' if self.tls else 'http'}://{self.host}:{self.port}"

    def _take(self) -> "_Connection":
        while True:
            try:
                connection = self._idle.pop()  # the one used last: the others may age and go
            except IndexError:
                return self._connect()
            if connection.is_alive():
                return connection
            connection.close()

    def _connect(self) -> "_Connection":
        plain = None
        try:
            plain = socket.create_connection((self.host, self.port), self.connect_timeout_seconds)
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            open_socket = self.tls.wrap_socket(plain, server_hostname=self.host) if self.tls else plain
        except OSError as error:
            if plain:
                plain.close()
            if isinstance(error, TimeoutError):
                raise ConnectTimeoutError(endpoint_url=self._url, error=error) from error
            if isinstance(error, ssl.SSLError):
                raise SSLError(endpoint_url=self._url, error=error) from error
            raise EndpointConnectionError(endpoint_url=self._url, error=error) from error
        return _Connection(open_socket, self.read_timeout_seconds)


class _Connection:
    """One connection; `_left` is what was read and not yet used.

    The socket does not block. Python's time-outs ask before each call whether it would, and each system
    call lets another thread take the interpreter: with many threads, that is what the calls cost.
    """

    def __init__(self, open_socket: socket.socket, timeout_seconds: float) -> None:
        open_socket.settimeout(0)
        self._socket, self._left = open_socket, b""
        self._timeout_seconds = timeout_seconds
        self._poll = select.poll()
        self._poll.register(open_socket, select.POLLIN)
        weakref.finalize(self, open_socket.close)

    def is_alive(self) -> bool:
        # Nothing is to be read between two answers but the end.
        return not self._poll.poll(0)

    def close(self) -> None:
        self._socket.close()

    def exchange(self, request: bytes, max_body_bytes: int) -> tuple[Answer, bool]:
        """Return the answer, and whether the connection can take another request."""
        self._send(request)
        self._wait(select.POLLIN)
        status, headers = _head(self._until(b"\r\n\r\n"))
        body = self._body(status, headers, max_body_bytes)
        is_reusable = not self._left and headers.get("connection", "keep-alive").lower() == "keep-alive"
        return Answer(status, headers, body), is_reusable

    def _send(self, request: bytes) -> None:
        rest = memoryview(request)
        while rest:
            try:
                rest = rest[self._socket.send(rest) :]
            except (BlockingIOError, ssl.SSLWantWriteError):
                self._wait(select.POLLOUT)

    def _wait(self, event: int) -> None:
        self._poll.modify(self._socket, event)
        if not self._poll.poll(self._timeout_seconds * 1000):
            raise TimeoutError

    def _body(self, status: int, headers: Mapping[str, str], max_body_bytes: int) -> bytes:
        length, coding = headers.get("content-length", ""), headers.get("transfer-encoding")
        if status in _BODILESS:
            return b""
        if coding == "chunked" and not length:
            return self._chunks(max_body_bytes)
        if coding or not (length.isascii() and length.isdigit() and len(length) < _MAX_DIGITS):
            raise ConnectionError("the answer does not say how long it is")
        if int(length) > max_body_bytes:
            raise TooLong(length)
        return self._exactly(int(length))

    def _until(self, mark: bytes) -> bytes:
        while (end := self._left.find(mark)) < 0:
            if len(self._left) > MAX_HEAD_BYTES:
                raise ConnectionError("the answer's head does not end")
            self._left += self._more()
        found, self._left = self._left[:end], self._left[end + len(mark) :]
        return found

    def _exactly(self, number: int) -> bytes:
        while len(self._left) < number:
            self._left += self._more()
        found, self._left = self._left[:number], self._left[number:]
        return found

    def _chunks(self, max_body_bytes: int) -> bytes:
        body = b""
        while size := _SIZE.fullmatch(self._until(b"\r\n")):
            number = int(size[1], 16)
            if not number:
                while self._until(b"\r\n"):  # trailers
                    pass
                return body
            if len(body) + number > max_body_bytes:
                raise TooLong
            body += self._exactly(number)
            if self._exactly(2) != b"\r\n":
                break
        raise ConnectionError("a chunk of the answer is not framed")

    def _more(self) -> bytes:
        while True:
            try:
                data = self._socket.recv(_CHUNK)
            except (BlockingIOError, ssl.SSLWantReadError):
                self._wait(select.POLLIN)
                continue
            if not data:
                raise ConnectionError("the answer broke off")
            return data


def _head(head: bytes) -> tuple[int, dict[str, str]]:
    first, *lines = head.decode("latin-1").split("\r\n")
    status = _STATUS_LINE.fullmatch(first)
    if not status:
        raise ConnectionError("the answer is not HTTP/1.1")
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        name, value = name.lower(), value.strip()
        if not colon or not name or name != name.strip():
            raise ConnectionError("a header of the answer is not a line of name and value")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return int(status[1]), headers
