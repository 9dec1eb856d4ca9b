"""An HTTP server that says, byte for byte, what a test wants, and keeps what it was sent."""

import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TypeAlias

_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *([0-9]+)")
# What it does with a connection once it has a request. True if it can take another.
Answer: TypeAlias = Callable[[socket.socket], bool]


@dataclass
class Scripted:
    """Each request takes the next answer; when there is none left, the connection ends."""

    port: int
    answers: list[Answer] = field(default_factory=list)
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"


def says(*pieces: bytes) -> Answer:
    """Return the answer of these bytes, sent one piece after the other."""

    def answer(client: socket.socket) -> bool:
        for number, piece in enumerate(pieces):
            if number:
                threading.Event().wait(0.01)
            client.sendall(piece)
        return True

    return answer


def breaks_off(words: bytes = b"") -> Answer:
    """Return the answer that ends after these bytes."""

    def answer(client: socket.socket) -> bool:
        client.sendall(words)
        return False

    return answer


def is_silent(seconds: float) -> Answer:
    """Return the answer that does not come for so long."""

    def answer(_: socket.socket) -> bool:
        threading.Event().wait(seconds)  # a test may have stopped the clock of time.sleep
        return False

    return answer


def http(status: str, body: bytes = b"", **headers: str) -> Answer:
    """Return a whole answer."""
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return says(f"HTTP/1.1 {status}\r\n{lines}Content-Length: {len(body)}\r\n\r\n".encode() + body)


def chunked(status: str, body: bytes, **headers: str) -> Answer:
    """Return a whole answer in two chunks, as S3 sends errors."""
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    head = f"HTTP/1.1 {status}\r\n{lines}Transfer-Encoding: chunked\r\n\r\n".encode()
    parts = (body[:7], body[7:])
    framed = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts if part)
    return says(head, framed + b"0\r\n\r\n")


@contextmanager
def scripted(tls: ssl.SSLContext | None = None) -> Iterator[Scripted]:
    """Yield the server."""
    stopped, threads = threading.Event(), list[threading.Thread]()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.02)
        server = Scripted(port=listener.getsockname()[1])

        def accept() -> None:
            while not stopped.is_set():
                try:
                    client, _ = listener.accept()
                except TimeoutError:
                    continue
                server.connections += 1
                if tls:
                    client = tls.wrap_socket(client, server_side=True, do_handshake_on_connect=False)
                threads.append(threading.Thread(target=partial(_serve, server, client, stopped)))
                threads[-1].start()

        threads.append(threading.Thread(target=accept))
        threads[0].start()
        yield server
        stopped.set()
        for thread in threads:
            thread.join(10)


def _serve(server: Scripted, client: socket.socket, stopped: threading.Event) -> None:
    client.settimeout(0.02)
    with client:
        data = b""
        while not stopped.is_set():
            end = data.find(b"\r\n\r\n")
            length = _LENGTH.search(data[: end + 2]) if end >= 0 else None
            if end >= 0 and len(data) >= end + 4 + (int(length[1]) if length else 0):
                server.requests.append(data)
                data = b""
                try:
                    if not server.answers or not server.answers.pop(0)(client):
                        return
                except OSError:
                    return  # the other side had enough
                continue
            try:
                if not (more := client.recv(65_536)):
                    return
            except TimeoutError:
                continue
            except OSError:
                return
            data += more
