"""HTTP clients of the load, framed by hand: a library would take more CPU than some of the servers."""

import asyncio
from collections import Counter

HOST = "127.0.0.1"
TIMEOUT_SECONDS = 30.0


class Client(asyncio.Protocol):
    """One connection; `send` resolves to the status of the answer."""

    transport: asyncio.Transport

    def __init__(self) -> None:
        self._buffer = b""
        self._answer: asyncio.Future[int] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def send(self, request: bytes) -> "asyncio.Future[int]":
        """Write the request."""
        self._answer = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return self._answer

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, body = self._buffer.partition(b"\r\n\r\n")
        if found and _is_whole(head.lower(), body):
            status, self._buffer = int(head[9:12]), b""
            if b"connection: close" in head.lower():
                self.transport.close()
            self._resolve(status)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's name
        self._resolve(0)  # nobody answers any more

    def _resolve(self, status: int) -> None:
        if self._answer and not self._answer.done():
            self._answer.set_result(status)


def _is_whole(head: bytes, body: bytes) -> bool:
    if b"\r\ntransfer-encoding: chunked" in head:
        return body.endswith(b"0\r\n\r\n")
    at = head.find(b"\r\ncontent-length:")
    return len(body) >= (int(head[at + 17 :].split(b"\r\n", 1)[0]) if at >= 0 else 0)


class Connections:
    """As many as are needed at once; one that is free is used again."""

    def __init__(self, port: int) -> None:
        self._port, self._free = port, list[Client]()
        self.statuses: Counter[int] = Counter()

    async def post(self, request: bytes) -> None:
        """Send, wait, count the status; 0 is no answer."""
        client = self._take() or await self._connect()
        if client is None:
            self.statuses[0] += 1
            return
        try:
            status = await asyncio.wait_for(client.send(request), TIMEOUT_SECONDS)
        except TimeoutError:
            client.transport.abort()
            status = 0
        self.statuses[status] += 1
        self._free.append(client)

    def _take(self) -> Client | None:
        while self._free:
            client = self._free.pop()
            if not client.transport.is_closing():
                return client
        return None

    async def _connect(self) -> Client | None:
        try:
            _, client = await asyncio.get_running_loop().create_connection(Client, HOST, self._port)
        except OSError:
            return None
        return client

    def close(self) -> None:
        """Close those that are free."""
        for client in self._free:
            client.transport.close()
