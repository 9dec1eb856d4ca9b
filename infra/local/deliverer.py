"""The postman: what SNS does with a message between the topic and an HTTP endpoint.

Posts each message until the endpoint takes it, refuses it for good, or the attempts are
used up; what was not taken goes to the dead-letter queue. 5xx, 429, a time-out and no
connection are tried again, every other answer is final:
https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html
"""

import heapq
import itertools
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import requests

from infra.local.loopback import is_loopback, session
from infra.local.sns_messages import Message

WORKERS = 6
TOO_MANY_REQUESTS, SERVER_ERROR = 429, 500


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often a message is tried, and the waits between: doubled each time up to the last."""

    attempts: int = 50
    first_wait_seconds: float = 0.2
    last_wait_seconds: float = 5.0
    timeout_seconds: float = 15.0

    def wait_seconds(self, number: int) -> float:
        """Return the wait after that attempt, counted from 1."""
        return min(self.first_wait_seconds * 2.0 ** min(number - 1, 30), self.last_wait_seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One post of a message, counted from 1; `status` is None when no answer came in time."""

    message: Message
    number: int
    status: int | None

    @property
    def is_taken(self) -> bool:
        """Whether the endpoint has taken the message."""
        return self.status is not None and self.status // 100 == 2  # noqa: PLR2004 - 2xx

    @property
    def may_pass(self) -> bool:
        """Whether the same message may be taken later."""
        return self.status is None or self.status == TOO_MANY_REQUESTS or self.status >= SERVER_ERROR


def once(_message: Message) -> Iterable[float]:
    """Plan one delivery, now."""
    return (0.0,)


class Deliverer:
    """Delivers to one endpoint on a few threads, unordered as SNS does.

    These may be set at any time, so that a test can play what networks and AWS do:
    `plan` returns, for a message, in how many seconds each of its deliveries starts:
    `()` loses it, `(0, 0)` duplicates it, random numbers put messages out of order.
    `observe` is called after each attempt, on the thread that made it. `retry` is the
    RetryPolicy. `hold()` keeps every attempt back until `release()`.
    """

    def __init__(self, *, dead_letter: Callable[[Message], None], retry: RetryPolicy | None = None) -> None:
        self.retry = retry or RetryPolicy()
        self.plan: Callable[[Message], Iterable[float]] = once
        self.observe: Callable[[Attempt], None] = lambda _attempt: None
        self._endpoint = ""
        self._dead_letter = dead_letter
        self._changed = threading.Condition()
        self._waiting: list[tuple[float, int, int, Message]] = []
        self._tie = itertools.count()
        self._under_way = 0
        self._held = self._stopped = False
        self._threads = [
            threading.Thread(target=self._work, name=f"postman-{n}", daemon=True) for n in range(WORKERS)
        ]

    @property
    def endpoint(self) -> str:
        """Where messages go; raises ValueError if set to anything but http on this machine."""
        return self._endpoint

    @endpoint.setter
    def endpoint(self, url: str) -> None:
        if not is_loopback(url):
            raise ValueError(f"embedded SNS posts to this machine only, not to {url}")
        self._endpoint = url

    @property
    def pending(self) -> int:
        """How many deliveries are waiting or under way."""
        with self._changed:
            return len(self._waiting) + self._under_way

    def start(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End the threads after the post that each is at; what waits is dropped."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def hold(self) -> None:
        """Keep every attempt back until `release`."""
        with self._changed:
            self._held = True

    def release(self) -> None:
        """Let go what `hold` kept back."""
        with self._changed:
            self._held = False
            self._changed.notify_all()

    def deliver(self, message: Message) -> None:
        """Post the message as planned, soon and elsewhere."""
        for wait_seconds in self.plan(message):
            self._schedule(wait_seconds, 1, message)

    def post(self, message: Message, number: int = 1) -> Attempt:
        """Post the message once, here and now."""
        with session() as http:
            try:
                answer = http.post(
                    self.endpoint,
                    data=message.body,
                    headers=dict(message.headers),
                    timeout=self.retry.timeout_seconds,
                    allow_redirects=False,
                )
            except requests.RequestException:
                return Attempt(message=message, number=number, status=None)
        return Attempt(message=message, number=number, status=answer.status_code)

    def _schedule(self, wait_seconds: float, number: int, message: Message) -> None:
        with self._changed:
            due_at = time.monotonic() + wait_seconds
            heapq.heappush(self._waiting, (due_at, next(self._tie), number, message))
            self._changed.notify()

    def _work(self) -> None:
        while (due := self._next()) is not None:
            number, message = due
            attempt = self.post(message, number)
            self.observe(attempt)
            if attempt.may_pass and number < self.retry.attempts:
                self._schedule(self.retry.wait_seconds(number), number + 1, message)
            elif not attempt.is_taken:
                self._dead_letter(message)
            with self._changed:
                self._under_way -= 1

    def _next(self) -> tuple[int, Message] | None:
        """Return the next attempt when it is due; None when there is to be none any more."""
        with self._changed:
            while not self._stopped:
                wait_seconds = self._waiting[0][0] - time.monotonic() if self._waiting else None
                if self._held or wait_seconds is None or wait_seconds > 0:
                    self._changed.wait(None if self._held else wait_seconds)
                    continue
                _due_at, _tie, number, message = heapq.heappop(self._waiting)
                self._under_way += 1
                return number, message
            return None
