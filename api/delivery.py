"""A trusted notification's way to the outcomes of the objects that it names. Pure.

The endpoint and `redrive` both come through here: a message means the same on either way.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from api.pipeline import Outcome, Pipeline
from api.ports import TemporaryFailure
from api.records import Reason
from api.s3_event import NotAnEvent, ObjectRef, parse


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What was done about one part of a notification.

    `outcome` is the pipeline's (stored, superseded, rejected, repeated), or `ignored` (no object was
    made), `refused` (an object of a foreign bucket), `unavailable` (to be delivered again). `key` is
    the object's, or `message:<MessageId>`; `fault` says what failed and what mends it.
    """

    outcome: str
    key: str
    code: str = ""
    fault: str = ""
    uploaded_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """Takes notifications to their outcomes; only objects of `source_bucket` are ours."""

    pipeline: Pipeline
    source_bucket: str

    def deliver(self, message_id: str, text: str, now: datetime) -> tuple[Part, ...]:
        """Do all parts, each on its own, and return what was done. Safe to repeat.

        Where a part is `unavailable`, the whole message is to be delivered again.
        """
        try:
            event = parse(text)
        except NotAnEvent as error:
            return (self._reject(message_id, Reason(code=error.code, message=error.message), text, now),)
        parts = [Part(outcome="ignored", key="", code=code) for code in event.ignored]
        parts += [self._ingest(ref, message_id, now) for ref in event.objects]
        if event.problems:
            reason = Reason(code="message-bad-record", message=" ".join(event.problems))
            parts.append(self._reject(message_id, reason, text, now))
        return tuple(parts)

    def _ingest(self, ref: ObjectRef, message_id: str, now: datetime) -> Part:
        if ref.bucket != self.source_bucket:
            return Part(outcome="refused", key=ref.key, code="foreign-bucket")
        return _attempt(ref.key, lambda: self.pipeline.ingest(ref, message_id=message_id, now=now))

    def _reject(self, message_id: str, reason: Reason, text: str, now: datetime) -> Part:
        return _attempt(
            f"message:{message_id}",
            lambda: self.pipeline.reject_message(message_id, reason, text.encode(), now),
        )


def _attempt(key: str, act: Callable[[], Outcome]) -> Part:
    try:
        outcome = act()
    except TemporaryFailure as failure:
        code = f"{failure.service}-{failure.operation}"
        return Part(outcome="unavailable", key=key, code=code, fault=str(failure))
    return Part(outcome=outcome.kind, key=key, code=outcome.code, uploaded_at=outcome.uploaded_at)
