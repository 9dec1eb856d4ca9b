"""Redrive over in-memory ports."""

import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from api.delivery import Delivery
from api.maintenance.lease import held
from api.maintenance.redrive import MAX_FAILURES, Redrive, Redriven
from api.pipeline import Pipeline
from api.ports import TemporaryFailure
from api.records import Change
from api.s3_event import ObjectRef
from tests.support.invoices import invoice_text
from tests.support.memory import NOON, MemoryBucket, MemoryLedger, MemorySink

TOPIC = "arn:aws:sns:us-east-1:123456789012:docproc"


@dataclass(frozen=True)
class Letter:
    """A message of the fake queue."""

    body: str
    message_id: str


@dataclass
class Queue:
    """A queue that hands each message out once, as a visibility time-out does."""

    waiting: list[Letter] = field(default_factory=list)
    hidden: list[Letter] = field(default_factory=list)

    def put(self, body: str) -> None:
        self.waiting.append(Letter(body=body, message_id=f"00000000-0000-0000-0000-{len(self.waiting):012d}"))

    def receive(self, wait_seconds: int) -> tuple[Letter, ...]:
        assert wait_seconds > 0
        batch, self.waiting = self.waiting[:10], self.waiting[10:]
        self.hidden += batch
        return tuple(batch)

    def delete(self, letter: Letter) -> None:
        self.hidden.remove(letter)

    def depth(self) -> int:
        return len(self.waiting)


@dataclass
class World:
    """A bucket, a ledger and a queue."""

    bucket: MemoryBucket = field(default_factory=MemoryBucket)
    ledger: MemoryLedger = field(default_factory=MemoryLedger)
    queue: Queue = field(default_factory=Queue)

    def run(self) -> Redriven:
        pipeline = Pipeline(source=self.bucket, ledger=self.ledger, sink=MemorySink())
        redrive = Redrive(
            queue=self.queue,
            delivery=Delivery(pipeline=pipeline, source_bucket="docproc-source"),
            topics={TOPIC},
            clock=lambda: NOON,
        )
        with held(self.ledger, "redrive", "me", lambda: NOON) as lease:
            return redrive.run(lease)


@pytest.fixture
def world() -> World:
    return World()


def event(ref: ObjectRef) -> str:
    """Return the event that S3 sends for an object."""
    s3 = {
        "bucket": {"name": ref.bucket},
        "object": {
            "key": ref.key,
            "size": ref.size_bytes,
            "eTag": ref.etag,
            "versionId": ref.version_id,
            "sequencer": ref.sequencer,
        },
    }
    return json.dumps({"Records": [{"eventVersion": "2.1", "eventName": "ObjectCreated:Put", "s3": s3}]})


def envelope(text: str, **fields: Any) -> str:
    """Return the envelope that SNS leaves in a dead-letter queue, months old."""
    return json.dumps(
        {
            "Type": "Notification",
            "MessageId": "11111111-2222-3333-4444-555555555555",
            "TopicArn": TOPIC,
            "Message": text,
            "Timestamp": "2026-01-01T00:00:00.000Z",
            "SignatureVersion": "2",
            "Signature": "A" * 342 + "==",
            "SigningCertURL": "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0.pem",
        }
        | fields
    )


class TestRedrive:
    def test_delivers_an_envelope_however_old(self, world: World) -> None:
        world.queue.put(envelope(event(world.bucket.put("a.txt", invoice_text()))))

        done = world.run()

        document = world.ledger.document("a.txt", "v000001")
        assert (done.delivered, world.queue.hidden) == (1, [])
        assert document is not None
        assert (document.outcome, document.message_id) == ("stored", "11111111-2222-3333-4444-555555555555")

    def test_delivers_a_bare_event(self, world: World) -> None:
        world.queue.put(event(world.bucket.put("a.txt", invoice_text())))

        done = world.run()

        assert done.delivered == 1
        assert world.ledger.document("a.txt", "v000001") is not None

    def test_leaves_the_message_of_a_foreign_topic(self, world: World) -> None:
        text = event(world.bucket.put("a.txt", invoice_text()))
        world.queue.put(envelope(text, TopicArn="arn:aws:sns:us-east-1:999999999999:docproc"))

        done = world.run()

        assert (done.refused, len(world.queue.hidden)) == (1, 1)
        assert world.ledger.documents_by_id == {}

    def test_does_not_touch_an_object_of_a_foreign_bucket(self, world: World) -> None:
        bucket = MemoryBucket(name="someone-elses")
        world.queue.put(event(bucket.put("a.txt", invoice_text())))

        world.run()

        assert world.ledger.documents_by_id == {}

    def test_keeps_a_message_that_is_no_event_as_a_rejection(self, world: World) -> None:
        world.queue.put("hello")

        done = world.run()

        (document,) = world.ledger.documents_by_id.values()
        assert done.delivered == 1
        assert (document.source_key, document.data) == (
            "message:00000000-0000-0000-0000-000000000000",
            b"hello",
        )

    def test_drops_an_old_confirmation_request(self, world: World) -> None:
        world.queue.put(
            envelope(
                "You have chosen to subscribe",
                Type="SubscriptionConfirmation",
                Token="abc",
                SubscribeURL="https://sns.us-east-1.amazonaws.com/?x",
            )
        )

        done = world.run()

        assert (done.ignored, world.queue.hidden, world.ledger.documents_by_id) == (1, [], {})

    def test_leaves_what_cannot_be_delivered_now(self, world: World) -> None:
        def failing(_change: Change) -> None:
            raise TemporaryFailure("dynamodb", "TransactWriteItems", "ThrottlingException")

        world.ledger.before_commit = failing
        world.queue.put(event(world.bucket.put("a.txt", invoice_text())))

        done = world.run()

        assert (done.failed, len(world.queue.hidden)) == (1, 1)

    def test_does_not_let_one_message_stop_the_others(self, world: World) -> None:
        def break_on_a(change: Change) -> None:
            if change.document and change.document.source_key == "a.txt":
                raise RuntimeError("the ledger cannot hold this key")

        world.ledger.before_commit = break_on_a
        for key in ("a.txt", "b.txt"):
            world.queue.put(event(world.bucket.put(key, invoice_text(invoice_id=key[0]))))

        done = world.run()

        assert (done.failed, done.delivered, len(world.queue.hidden)) == (1, 1, 1)

    def test_gives_up_early_when_nothing_works(self, world: World) -> None:
        def failing(_change: Change) -> None:
            raise TemporaryFailure("dynamodb", "TransactWriteItems", "ThrottlingException")

        world.ledger.before_commit = failing
        for number in range(100):
            world.queue.put(event(world.bucket.put(f"{number}.txt", invoice_text())))

        done = world.run()

        assert done.failed == MAX_FAILURES
        assert len(world.queue.waiting) == 80

    def test_delivers_twice_without_a_second_outcome(self, world: World) -> None:
        text = event(world.bucket.put("a.txt", invoice_text()))
        world.queue.put(envelope(text))
        world.queue.put(envelope(text))

        done = world.run()

        assert (done.delivered, len(world.ledger.documents_by_id)) == (2, 1)
