"""An HTTP endpoint that records what is posted to it: it plays the service for embedded SNS."""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One POST."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def message(self) -> dict[str, Any]:
        """The body read as JSON."""
        message: dict[str, Any] = json.loads(self.body)
        return message


class Receiver:
    """A context manager; `answer` decides the status of each POST and may take its time."""

    def __init__(self) -> None:
        self.posts: list[Received] = []
        self.answer: Callable[[Received], int] = lambda _post: 200
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self.url = f"http://127.0.0.1:{self._server.server_port}/sns"

    def of_type(self, kind: str) -> list[Received]:
        """Return what came with that Type."""
        return [post for post in list(self.posts) if post.message["Type"] == kind]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                post = Received(path=self.path, headers=headers, body=body)
                receiver.posts.append(post)
                self.send_response(receiver.answer(post))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler


def wait_for(condition: Callable[[], object], seconds: float = 60) -> None:
    """Return when the condition holds; fails after that many seconds, which a busy machine may need."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError("it did not happen in time")
        time.sleep(0.01)
