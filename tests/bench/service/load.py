"""Two ways to load a server on this machine: as fast as it answers, and at a rate that does not wait for it.

The first is wrk where Debian's package is installed, else Python's; the second always Python's.
"""

import asyncio
import json
import random
import shutil
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

from tests.bench.service import corpus

HOST = "127.0.0.1"
TIMEOUT_SECONDS = 30.0
_SCRIPT = Path(__file__).with_name("wrk.lua")


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What a load saw: answers, how many of them were not 200 (or never came), seconds in all and of each."""

    answers: int
    bad: int
    seconds: float
    latencies: tuple[float, ...] = ()

    @property
    def rate(self) -> float:
        """Answers a second."""
        return self.answers / self.seconds


def generator() -> str:
    """Return what makes the closed loop here."""
    return "wrk" if shutil.which("wrk") else "Python"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedLoop:
    """Sends the next request of each connection when the last one is answered, for so long.

    What is cut off at the end is still being worked on when it returns. `file` holds the corpus.
    """

    file: Path
    connections: int
    seconds: float

    def __call__(self, port: int) -> Load:
        """Load the server on that port."""
        return _wrk(self, port) if generator() == "wrk" else asyncio.run(_closed(self, port))

    def in_process(self, port: int) -> Load:
        """Let the process behind the port call its own handler over and over, one call at a time."""
        began = time.perf_counter()
        with socket.create_connection((HOST, port)) as connection:
            connection.sendall(f"{self.seconds} {self.file}\n".encode())
            answers, bad = connection.makefile().readline().split()
        return Load(answers=int(answers), bad=int(bad), seconds=time.perf_counter() - began)


def open_loop(port: int, file: Path, *, rate: float, seconds: float, seed: int = 1) -> Load:
    """Send at the moments of a Poisson process, however late answers are; latencies count from those."""
    return asyncio.run(_open(port, file, rate, seconds, random.Random(seed)))


def _wrk(loop: ClosedLoop, port: int) -> Load:
    command = ["wrk", "-t1", f"-c{loop.connections}", f"-d{loop.seconds:.0f}s"]
    command += [f"--timeout={TIMEOUT_SECONDS:.0f}s"]
    command += ["-s", str(_SCRIPT), f"http://{HOST}:{port}", "--", str(loop.file)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    facts = json.loads(done.stdout.splitlines()[-1])
    return Load(answers=facts["answers"], bad=facts["bad"] + facts["broken"], seconds=facts["seconds"])


class _Client(asyncio.Protocol):
    """One connection; `send` resolves to the status of the answer."""

    transport: asyncio.Transport

    def __init__(self) -> None:
        self._buffer = b""
        self._answer: asyncio.Future[int] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def send(self, request: bytes) -> "asyncio.Future[int]":
        self._answer = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return self._answer

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self._buffer[:end].lower()
        at = head.find(b"content-length:")
        length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if len(self._buffer) >= end + 4 + length:
            status, self._buffer = int(self._buffer[9:12]), b""
            if b"connection: close" in head:
                self.transport.close()
            self._resolve(status)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's name
        self._resolve(0)  # nobody answers any more

    def _resolve(self, status: int) -> None:
        if self._answer and not self._answer.done():
            self._answer.set_result(status)


class _Connections:
    """As many as are needed at once; one that is free is used again."""

    def __init__(self, port: int) -> None:
        self._port, self._free = port, list[_Client]()
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

    def _take(self) -> _Client | None:
        while self._free:
            client = self._free.pop()
            if not client.transport.is_closing():
                return client
        return None

    async def _connect(self) -> _Client | None:
        try:
            _, client = await asyncio.get_running_loop().create_connection(_Client, HOST, self._port)
        except OSError:
            return None
        return client

    def close(self) -> None:
        for client in self._free:
            client.transport.close()


async def _closed(loop: ClosedLoop, port: int) -> Load:
    pool, posts = _Connections(port), cycle(corpus.read(loop.file))
    began = time.perf_counter()
    latencies: list[float] = []

    async def client() -> None:
        while (sent := time.perf_counter()) - began < loop.seconds:
            await pool.post(next(posts))
            latencies.append(time.perf_counter() - sent)

    await asyncio.gather(*(client() for _ in range(loop.connections)))
    return _load(pool, time.perf_counter() - began, latencies)


async def _open(port: int, file: Path, rate: float, seconds: float, chance: random.Random) -> Load:
    pool, posts, tasks = _Connections(port), cycle(corpus.read(file)), set[asyncio.Task[None]]()
    latencies: list[float] = []
    began = due = time.perf_counter()

    async def one(request: bytes, due: float) -> None:
        await pool.post(request)
        latencies.append(time.perf_counter() - due)

    while (due := due + chance.expovariate(rate)) - began < seconds:
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        tasks.add(asyncio.create_task(one(next(posts), due)))
    await asyncio.gather(*tasks)
    return _load(pool, time.perf_counter() - began, latencies)


def _load(pool: _Connections, seconds: float, latencies: Sequence[float]) -> Load:
    pool.close()
    answers = pool.statuses.total()
    return Load(
        answers=answers,
        bad=answers - pool.statuses[200],
        seconds=seconds,
        latencies=tuple(latencies),
    )
