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
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

from tests.bench.service import corpus
from tests.bench.service.clients import HOST, TIMEOUT_SECONDS, Connections

_SCRIPT = Path(__file__).with_name("wrk.lua")


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What a load saw: answers, what was bad among them ("" for nothing), seconds in all and of each."""

    answers: int
    bad: str
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
    seconds: int

    def __call__(self, port: int) -> Load:
        """Load the server on that port."""
        return _wrk(self, port) if generator() == "wrk" else asyncio.run(_closed(self, port))

    def in_process(self, port: int) -> Load:
        """Let the process behind the port call its own handler over and over, one call at a time."""
        began = time.perf_counter()
        with socket.create_connection((HOST, port)) as connection:
            connection.sendall(f"{self.seconds} {self.file}\n".encode())
            answers, bad = connection.makefile().readline().split()
        is_bad = f"{bad} not done" if bad != "0" else ""
        return Load(answers=int(answers), bad=is_bad, seconds=time.perf_counter() - began)


def open_loop(port: int, file: Path, *, rate: float, seconds: float, seed: int = 1) -> Load:
    """Send at the moments of a Poisson process, however late answers are; latencies count from those."""
    return asyncio.run(_open(port, file, rate, seconds, random.Random(seed)))


def _wrk(loop: ClosedLoop, port: int) -> Load:
    command = ["wrk", "-t1", f"-c{loop.connections}", f"-d{loop.seconds}s"]
    command += [f"--timeout={TIMEOUT_SECONDS:.0f}s"]
    command += ["-s", str(_SCRIPT), f"http://{HOST}:{port}", "--", str(loop.file)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    facts = json.loads(done.stdout.splitlines()[-1])
    bad = f"{facts['bad']} not 200, {facts['broken']} broken off" if facts["bad"] + facts["broken"] else ""
    return Load(answers=facts["answers"], bad=bad, seconds=facts["seconds"])


async def _closed(loop: ClosedLoop, port: int) -> Load:
    pool, posts = Connections(port), cycle(corpus.read(loop.file))
    began = time.perf_counter()
    latencies: list[float] = []

    async def client() -> None:
        while (sent := time.perf_counter()) - began < loop.seconds:
            await pool.post(next(posts))
            latencies.append(time.perf_counter() - sent)

    await asyncio.gather(*(client() for _ in range(loop.connections)))
    return _load(pool, time.perf_counter() - began, latencies)


async def _open(port: int, file: Path, rate: float, seconds: float, chance: random.Random) -> Load:
    pool, posts, tasks = Connections(port), cycle(corpus.read(file)), set[asyncio.Task[None]]()
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


def _load(pool: Connections, seconds: float, latencies: Sequence[float]) -> Load:
    pool.close()
    bad = [f"{number} times {status}" for status, number in pool.statuses.items() if status != 200]
    return Load(
        answers=pool.statuses.total(),
        bad=", ".join(bad),
        seconds=seconds,
        latencies=tuple(latencies),
    )
