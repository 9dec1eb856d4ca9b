"""The lean HTTP, against a server on this machine that says what it is told to."""

import socket
import ssl
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from botocore.exceptions import (
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
    SSLError,
)
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from api.wire import Answer, TooLong, Wire
from tests.support.scripted import Scripted, breaks_off, chunked, http, is_silent, says, scripted
from tests.support.sns_signing import certificate, rsa_key

CERTIFICATE = certificate(
    not_before=datetime.now(UTC) - timedelta(days=1), not_after=datetime.now(UTC) + timedelta(days=1)
)
WHOLE = b'HTTP/1.1 200 OK\r\nETag: "a"\r\nX-Two: 1\r\nContent-Length: 5\r\nx-two:  2 \r\n\r\nhello'


@pytest.fixture
def server() -> Iterator[Scripted]:
    with scripted() as server:
        yield server


def wire(port: int, *, tls: ssl.SSLContext | None = None, size: int = 4, patience: float = 5) -> Wire:
    return Wire(
        host="127.0.0.1",
        port=port,
        tls=tls,
        size=size,
        connect_timeout_seconds=patience,
        read_timeout_seconds=patience,
        max_body_bytes=1000,
    )


def get(wire: Wire) -> Answer:
    return wire.exchange("GET", "/a?b=c", {"host": "h", "x-a": "b"}, b"")


class TestExchange:
    def test_sends_one_request_and_returns_its_answer(self, server: Scripted) -> None:
        server.answers = [says(WHOLE)]

        answer = wire(server.port).exchange("PUT", "/a%20b?c=d", {"host": "h"}, b"body")

        assert server.requests == [b"PUT /a%20b?c=d HTTP/1.1\r\nhost: h\r\ncontent-length: 4\r\n\r\nbody"]
        assert answer == Answer(200, {"etag": '"a"', "x-two": "1, 2", "content-length": "5"}, b"hello")

    def test_sends_more_than_the_connection_takes_at_once(self, server: Scripted) -> None:
        body = bytes(range(256)) * 32_768  # 8 MiB
        server.answers = [says(WHOLE)]

        assert wire(server.port).exchange("PUT", "/", {"host": "h"}, body).status == 200
        assert server.requests[0].endswith(b"content-length: 8388608\r\n\r\n" + body)

    def test_takes_an_answer_in_any_two_pieces(self, server: Scripted) -> None:
        server.answers = [says(WHOLE[:at], WHOLE[at:]) for at in range(1, len(WHOLE), 7)]
        it = wire(server.port)

        bodies = {get(it).body for _ in range(len(server.answers))}

        assert bodies == {b"hello"}
        assert server.connections == 1

    def test_takes_chunks(self, server: Scripted) -> None:
        server.answers = [chunked("412 Precondition Failed", b"<Error>no, not now</Error>"), says(WHOLE)]
        it = wire(server.port)

        assert (get(it).status, get(it).status) == (412, 200)
        assert server.connections == 1

    @pytest.mark.parametrize("at", range(len(WHOLE)))
    def test_takes_no_part_of_an_answer_for_one(self, server: Scripted, at: int) -> None:
        server.answers = [breaks_off(WHOLE[:at])]

        with pytest.raises(ConnectionClosedError):
            get(wire(server.port))

    @pytest.mark.parametrize(
        "said",
        [
            b"HTTP/1.1 200 OK\r\nETag: a\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
            b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 0x1\r\n\r\na",
            b"HTTP/1.1 200 OK\r\nContent-Length: \xb2\r\n\r\nab",
            b"HTTP/1.1 200 OK\r\nContent Length: 1\r\n\r\na",
            b"HTTP/1.1 200 OK\r\nContent-Length : 1\r\n\r\na",
            b"HTTP/1.1 200 OK\r\nno colon\r\nContent-Length: 1\r\n\r\na",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\na",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\na\r\n0\r\n\r\n",
            b"HTTP/1.1 100 Continue\r\n\r\n" + WHOLE,
            b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na",
            b"HTTP/2 200\r\nContent-Length: 1\r\n\r\na",
            b"<html>no HTTP</html>\r\n\r\n",
            b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 20_000,
        ],
    )
    def test_takes_nothing_odd_for_an_answer(self, server: Scripted, said: bytes) -> None:
        server.answers = [breaks_off(said)]

        with pytest.raises(ConnectionClosedError):
            get(wire(server.port))

    def test_does_not_read_what_is_too_long(self, server: Scripted) -> None:
        server.answers = [http("200 OK", b"x" * 1001), chunked("200 OK", b"x" * 1001)]
        it = wire(server.port)

        for _ in range(2):
            with pytest.raises(TooLong):
                get(it)

        assert server.connections == 2

    def test_waits_so_long_and_no_longer(self, server: Scripted) -> None:
        server.answers = [is_silent(0.6)]

        with pytest.raises(ReadTimeoutError):
            get(wire(server.port, patience=0.2))

    def test_says_that_nobody_listens(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as gone:
            port = gone.getsockname()[1]

        with pytest.raises(EndpointConnectionError):
            get(wire(port))

    def test_says_that_nobody_accepts(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def never(*_: object) -> None:
            raise TimeoutError

        monkeypatch.setattr(socket, "create_connection", never)

        with pytest.raises(ConnectTimeoutError):
            get(wire(1))

    def test_speaks_tls_only_with_whom_it_trusts(self, server: Scripted) -> None:
        server.answers = [says(WHOLE)]

        with pytest.raises((SSLError, ConnectionClosedError, ConnectTimeoutError)):
            get(wire(server.port, tls=ssl.create_default_context(), patience=0.5))

        assert server.requests == []


class TestTls:
    @pytest.fixture
    def trusting(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cadata=CERTIFICATE.decode())
        context.check_hostname = False  # the certificate names no address
        return context

    @pytest.fixture
    def server(self, tmp_path: Path) -> Iterator[Scripted]:
        file = tmp_path / "server.pem"
        file.write_bytes(
            CERTIFICATE + rsa_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        with scripted(context) as server:
            yield server

    def test_takes_answers_of_many_records_over_one_connection(
        self, server: Scripted, trusting: ssl.SSLContext
    ) -> None:
        long = bytes(range(256)) * 400  # a record has at most 16 KiB
        server.answers = [http("200 OK", long), says(WHOLE[:30], WHOLE[30:]), chunked("200 OK", long)]
        it = replace(wire(server.port, tls=trusting), max_body_bytes=len(long))

        answers = [it.exchange("PUT", "/", {"host": "h"}, long) for _ in range(3)]

        assert [answer.body for answer in answers] == [long, b"hello", long]
        assert [request.partition(b"\r\n\r\n")[2] for request in server.requests] == [long] * 3
        assert server.connections == 1

    def test_waits_so_long_and_no_longer(self, server: Scripted, trusting: ssl.SSLContext) -> None:
        server.answers = [is_silent(0.6)]

        with pytest.raises(ReadTimeoutError):
            get(wire(server.port, tls=trusting, patience=0.3))

    def test_takes_no_part_of_an_answer_for_one(self, server: Scripted, trusting: ssl.SSLContext) -> None:
        server.answers = [breaks_off(WHOLE[:-1])]

        with pytest.raises(ConnectionClosedError):
            get(wire(server.port, tls=trusting))


class TestConnections:
    def test_are_used_again(self, server: Scripted) -> None:
        server.answers = [says(WHOLE)] * 3
        it = wire(server.port)

        for _ in range(3):
            get(it)

        assert (len(server.requests), server.connections) == (3, 1)

    def test_that_the_server_ends_are_not(self, server: Scripted) -> None:
        server.answers = [http("200 OK", connection="close"), says(WHOLE)]
        it = wire(server.port)

        assert (get(it).status, get(it).status) == (200, 200)
        assert server.connections == 2

    def test_that_ended_while_idle_are_left_alone(self, server: Scripted) -> None:
        server.answers = [breaks_off(WHOLE), says(WHOLE)]
        it = wire(server.port)
        get(it)
        while it._idle[0].is_alive():
            pass

        assert get(it).status == 200
        assert server.connections == 2

    def test_with_bytes_that_nobody_asked_for_are_left_alone(self, server: Scripted) -> None:
        server.answers = [says(WHOLE + b"HTTP/1.1 200 OK\r\n"), says(WHOLE)]
        it = wire(server.port)

        assert (get(it).status, get(it).status) == (200, 200)
        assert server.connections == 2

    def test_wait_in_a_number_that_is_bounded(self, server: Scripted) -> None:
        server.answers = [says(WHOLE)] * 2
        it = wire(server.port, size=0)

        get(it)
        get(it)

        assert (server.connections, len(it._idle)) == (2, 0)
