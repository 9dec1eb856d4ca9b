"""The download, against a real HTTP server on this machine that behaves badly."""

import gzip
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from api import fetch
from api.fetch import fetch_certificate
from api.sns import CertificateUnavailable

Answer = Callable[[BaseHTTPRequestHandler], None]


class Server:
    """Answers every GET by `answer`, and remembers what was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.answer: Answer = reply(200, b"certificate")
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.asked.append(
                    (self.path, {name.lower(): value for name, value in self.headers.items()})
                )
                with suppress(BrokenPipeError, ConnectionResetError):  # the client had enough, as it should
                    server.answer(self)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_port}/SimpleNotificationService-0.pem"


def reply(status: int, body: bytes, **headers: str) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | headers).items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    thread = threading.Thread(target=server.http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.http.shutdown()
    thread.join()
    server.http.server_close()


def code_of(url: str) -> str:
    with pytest.raises(CertificateUnavailable) as refusal:
        fetch_certificate(url)
    return refusal.value.code


class TestFetchCertificate:
    def test_returns_the_body(self, server: Server) -> None:
        assert fetch_certificate(server.url) == b"certificate"
        assert [path for path, _ in server.asked] == ["/SimpleNotificationService-0.pem"]

    def test_reads_a_chunked_body(self, server: Server) -> None:
        def answer(handler: BaseHTTPRequestHandler) -> None:
            handler.protocol_version = "HTTP/1.1"
            handler.send_response(200)
            handler.send_header("Transfer-Encoding", "chunked")
            handler.send_header("Connection", "close")
            handler.end_headers()
            handler.wfile.write(b"4\r\ncert\r\n7\r\nificate\r\n0\r\n\r\n")

        server.answer = answer

        assert fetch_certificate(server.url) == b"certificate"

    @pytest.mark.parametrize("status", [201, 204, 301, 302, 303, 307, 308, 400, 403, 404, 429, 500, 502, 503])
    def test_takes_no_answer_but_200_and_follows_no_redirect(self, server: Server, status: int) -> None:
        server.answer = reply(status, b"", Location=f"{server.url}-elsewhere")

        assert code_of(server.url) == "certificate-status"
        assert len(server.asked) == 1

    def test_reads_16_kib_and_no_more(self, server: Server) -> None:
        server.answer = reply(200, b"x" * 16384)
        assert len(fetch_certificate(server.url)) == 16384

        server.answer = reply(200, b"x" * 16385)
        assert code_of(server.url) == "certificate-size"

    def test_stops_reading_a_large_body(self, server: Server) -> None:
        written = []

        def answer(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(200)
            handler.end_headers()
            for _ in range(80):
                handler.wfile.write(b"x" * 65536)
                written.append(65536)

        server.answer = answer

        assert code_of(server.url) == "certificate-size"
        time.sleep(0.1)
        assert sum(written) < 5 * 1024 * 1024

    def test_does_not_unpack(self, server: Server) -> None:
        packed = gzip.compress(b"x" * 1_000_000)
        server.answer = reply(200, packed, Content_Encoding="gzip")

        assert fetch_certificate(server.url) == packed
        assert server.asked[0][1]["accept-encoding"] == "identity"

    def test_gives_up_on_a_silent_host(self, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(fetch, "TIMEOUT_SECONDS", 0.2)
        server.answer = lambda _: time.sleep(1)
        began = time.monotonic()

        assert code_of(server.url) == "certificate-unreachable"
        assert time.monotonic() - began < 0.8

    def test_gives_up_on_a_trickle(self, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(fetch, "TIMEOUT_SECONDS", 0.2)

        def answer(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(200)
            handler.end_headers()
            for _ in range(100):
                handler.wfile.write(b"x")
                handler.wfile.flush()
                time.sleep(0.02)

        server.answer = answer
        began = time.monotonic()

        assert code_of(server.url) == "certificate-time"
        assert time.monotonic() - began < 1

    def test_gives_up_where_nobody_listens(self, server: Server) -> None:
        server.http.server_close()

        assert code_of(server.url) == "certificate-unreachable"

    def test_gives_up_on_what_is_not_http(self, server: Server) -> None:
        def answer(handler: BaseHTTPRequestHandler) -> None:
            handler.wfile.write(b"\x00\xff not http\r\n\r\n")

        server.answer = answer

        assert code_of(server.url) == "certificate-unreachable"

    def test_gives_up_on_a_body_that_breaks_off(self, server: Server) -> None:
        def answer(handler: BaseHTTPRequestHandler) -> None:
            handler.protocol_version = "HTTP/1.1"
            handler.send_response(200)
            handler.send_header("Transfer-Encoding", "chunked")
            handler.end_headers()
            handler.wfile.write(b"ff\r\ncert")
            handler.close_connection = True

        server.answer = answer

        assert code_of(server.url) == "certificate-unreachable"

    def test_believes_nothing_of_the_environment(
        self, server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        netrc = tmp_path / "netrc"
        netrc.write_text("machine 127.0.0.1 login somebody password secret\n")
        netrc.chmod(0o600)
        monkeypatch.setenv("NETRC", str(netrc))
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, "http://127.0.0.1:9")

        assert fetch_certificate(server.url) == b"certificate"
        assert "authorization" not in server.asked[0][1]

    def test_waits_three_seconds(self) -> None:
        assert fetch.TIMEOUT_SECONDS == 3
