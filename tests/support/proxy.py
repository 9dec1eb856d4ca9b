"""A small TCP proxy between the service and AWS, which does to connections what networks do.

It knows nothing of HTTP: each burst of bytes from the service counts as a request, and the fate of a
request is decided when its first bytes come.
"""

import random
import select
import socket
import struct
import threading
import time
from collections import Counter
from typing import Literal, Self, TypeAlias

Fate: TypeAlias = Literal["pass", "slow", "reset", "reset after", "half-closed", "silent"]
FAULTS: tuple[Fate, ...] = ("slow", "reset", "reset after", "half-closed", "silent")
HOST = "127.0.0.1"
CHUNK_BYTES = 65_536
SLOW_SECONDS = 0.7
# Longer than the service waits for an answer.
SILENT_SECONDS = 3.0
# The last of an answer that a half-closed connection lets through.
TORN_BYTES = 40


class Proxy:
    """A context manager; `share` of the requests suffer, `is_down` refuses every connection."""

    def __init__(self, port: int, seed: int) -> None:
        self.share = 0.0
        self.delay_seconds = 0.0
        self.is_down = False
        self.tried: Counter[str] = Counter()
        self._port, self._random, self._lock = port, random.Random(seed), threading.Lock()
        self._listener = socket.create_server((HOST, 0), backlog=128)
        self._is_stopped = threading.Event()
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self.url = f"http://{HOST}:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_stopped.set()
        self._thread.join()
        self._listener.close()

    def _accept(self) -> None:
        self._listener.settimeout(0.1)
        while not self._is_stopped.is_set():
            try:
                client, _ = self._listener.accept()
            except TimeoutError:
                continue
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        try:
            with client, socket.create_connection((HOST, self._port)) as server:
                self._relay(client, server)
        except OSError:
            pass  # one side is gone, and with the sockets so is the other

    def _relay(self, client: socket.socket, server: socket.socket) -> None:
        fate: Fate | None = None
        while not self._is_stopped.is_set():
            readable, _, _ = select.select([client, server], [], [], 0.2)
            if self.is_down:
                _reset(client)
                return
            if client in readable:
                data = client.recv(CHUNK_BYTES)
                if not data:
                    return
                if fate is None:
                    fate = self._decide()
                    if fate == "reset":
                        _reset(client)
                        return
                server.sendall(data)
            if server in readable:
                data = server.recv(CHUNK_BYTES)
                if not data or not self._answer(client, data, fate or "pass"):
                    return
                fate = None

    def _decide(self) -> Fate:
        with self._lock:
            is_faulty = self._random.random() < self.share
            fate: Fate = self._random.choice(FAULTS) if is_faulty else "pass"
            self.tried[fate] += 1
        return fate

    def _answer(self, client: socket.socket, data: bytes, fate: Fate) -> bool:
        """Hand the answer on, or what is left of it; False when the connection is over."""
        if fate == "reset after":
            _reset(client)
            return False
        if fate == "half-closed":
            client.sendall(data[:TORN_BYTES])
            client.shutdown(socket.SHUT_WR)
            return False
        if fate == "silent":
            self._is_stopped.wait(SILENT_SECONDS)
            return False
        time.sleep(self.delay_seconds + (SLOW_SECONDS if fate == "slow" else 0))
        client.sendall(data)
        return True


def _reset(client: socket.socket) -> None:
    """Close with a reset rather than an end."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
