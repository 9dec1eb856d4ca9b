"""Redrive: the messages that SNS gave up on, through the same pipeline.

The queue's policy lets only our topics write to it, so age and signature do not matter here
(such messages are old, and a bare event is unsigned); shape, topic and bucket do.
"""

import logging
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Protocol, TypeVar

from api import logs, metrics, sns
from api.delivery import Delivery
from api.maintenance.lease import Lease

logger = logging.getLogger(__name__)

# When nothing works any more, the rest of the queue is better left where it is safe.
MAX_FAILURES = 20
WAIT_SECONDS = 2
_OUTCOMES = frozenset({"stored", "superseded", "rejected", "repeated"})


class Letter(Protocol):
    """A message of the queue: the SNS envelope or a bare event, and the queue's own id."""

    @property
    def body(self) -> str: ...  # noqa: D102 - said above
    @property
    def message_id(self) -> str: ...  # noqa: D102 - said above


L = TypeVar("L", bound=Letter)


class Letters(Protocol[L]):
    """The dead-letter queue. Every method raises TemporaryFailure."""

    def receive(self, wait_seconds: int) -> tuple[L, ...]:
        """Return some messages, hidden from others for a while; none when it is empty."""

    def delete(self, letter: L) -> None:
        """Remove a message."""

    def depth(self) -> int:
        """Return about how many wait."""


@dataclass(slots=True, kw_only=True)
class Redriven:
    """What became of the messages: `refused` and `failed` ones are still in the queue."""

    delivered: int = 0
    ignored: int = 0
    refused: int = 0
    failed: int = 0

    def __str__(self) -> str:
        return (
            f"{self.delivered} delivered, {self.ignored} without documents,"
            f" {self.refused} refused and {self.failed} failed (left in the queue)"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Redrive(Generic[L]):
    """Drains the dead-letter queue."""

    queue: Letters[L]
    delivery: Delivery
    topics: AbstractSet[str]
    clock: Callable[[], datetime]

    def run(self, lease: Lease, *, progress: Callable[[Redriven], None] = lambda _: None) -> Redriven:
        """Deliver each message; delete it only after its outcomes are durable. Safe to repeat."""
        done = Redriven()
        while done.failed < MAX_FAILURES and (letters := self.queue.receive(WAIT_SECONDS)):
            for letter in letters:
                lease.keep()
                kind = self._attempt(letter)
                setattr(done, kind, getattr(done, kind) + 1)
                if kind in {"delivered", "ignored"}:
                    self.queue.delete(letter)
                progress(done)
        return done

    def _attempt(self, letter: L) -> str:
        try:
            return self._redrive(letter)
        except Exception:
            # It stays in the queue, and the others shall not wait for it.
            logger.exception(logs.DOCUMENT_FAILED, extra={"message_id": letter.message_id})
            return "failed"

    def _redrive(self, letter: L) -> str:
        message_id, text = letter.message_id, letter.body
        try:
            message = sns.parse(text.encode())
        except sns.BadMessage:
            pass  # no envelope: a bare event, as raw delivery leaves it
        else:
            if message.topic_arn not in self.topics:
                logger.warning(logs.REDRIVE_REFUSED, extra={"message_id": message.message_id})
                return "refused"
            if message.type != "Notification":
                return "ignored"  # its token is of no use any more
            message_id, text = message.message_id, message.text
        parts = self.delivery.deliver(message_id, text, self.clock())
        for part in parts:
            if part.outcome in _OUTCOMES:
                samples = metrics.of_document(part.outcome, part.code, part.uploaded_at, self.clock())
                facts = {"key": part.key, "message_id": message_id, "code": part.code, "metrics": samples}
                logger.info(logs.REDRIVE_DELIVERED, extra=facts)
        if any(part.outcome == "unavailable" for part in parts):
            return "failed"
        return "delivered" if any(part.outcome != "ignored" for part in parts) else "ignored"
