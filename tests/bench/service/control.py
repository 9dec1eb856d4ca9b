"""Asks the running stub, from another process, what it has counted and seen, and how slow to be."""

import json
import time
from collections import Counter
from http.client import HTTPConnection
from typing import Any

from tests.bench.service.stub import HOST


class Control:
    """Asks a running stub, from another process."""

    def __init__(self, port: int) -> None:
        self._port = port

    def counts(self) -> Counter[str]:
        """Return the answers by operation since the stub's start."""
        return Counter(self._ask("GET", "counts"))

    def last(self) -> dict[str, str]:
        """Return the last `object` and the last `item` that were written."""
        return self._ask("GET", "last")

    def set_latency(self, milliseconds: float) -> None:
        """Let AWS take so long to answer."""
        self._ask("PUT", f"latency/{milliseconds}")

    def settled(self) -> Counter[str]:
        """Return the counts once they stand still: whoever was cut off has finished its work."""
        counts = self.counts()
        while True:
            time.sleep(0.2)
            counts, before = self.counts(), counts
            if counts == before:
                return counts

    def _ask(self, method: str, what: str) -> dict[str, Any]:
        connection = HTTPConnection(HOST, self._port, timeout=10)
        try:
            connection.request(method, f"/_stub/{what}")
            answer: dict[str, Any] = json.loads(connection.getresponse().read())
            return answer
        finally:
            connection.close()
