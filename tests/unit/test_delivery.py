import json
from dataclasses import dataclass, field
from datetime import datetime

from api.delivery import Delivery, Part
from api.pipeline import Outcome
from api.ports import TemporaryFailure
from api.records import Reason
from api.s3_event import ObjectRef
from tests.support.sns_signing import MESSAGE_ID, NOW


@dataclass
class FakePipeline:
    """Fails for some keys, stores the rest."""

    failing: tuple[str, ...] = ()
    ingested: list[str] = field(default_factory=list)
    rejected: list[tuple[str, str, bytes]] = field(default_factory=list)

    def ingest(self, ref: ObjectRef, *, message_id: str, now: datetime) -> Outcome:
        assert (message_id, now) == (MESSAGE_ID, NOW)
        self.ingested.append(ref.key)
        if ref.key in self.failing:
            raise TemporaryFailure("s3", "GetObject", "SlowDown")
        return Outcome(kind="rejected", source_key=ref.key, version_id="v1", code="no-total")

    def reject_message(self, message_id: str, reason: Reason, body: bytes, now: datetime) -> Outcome:
        assert (message_id, now) == (MESSAGE_ID, NOW)
        self.rejected.append((reason.code, reason.message, body))
        if "message" in self.failing:
            raise TemporaryFailure("dynamodb", "TransactWriteItems", "Throttling")
        return Outcome(kind="rejected", source_key="message", version_id="message", code=reason.code)


def record(key: str, bucket: str = "ours", name: str = "ObjectCreated:Put") -> dict[str, object]:
    part = {"bucket": {"name": bucket}, "object": {"key": key}}
    return {"eventVersion": "2.1", "eventName": name, "s3": part}


def deliver(pipeline: FakePipeline, *records: object) -> tuple[Part, ...]:
    delivery = Delivery(pipeline=pipeline, source_bucket="ours")  # type: ignore[arg-type] # a fake of the class
    return delivery.deliver(MESSAGE_ID, json.dumps({"Records": records}), NOW)


class TestDeliver:
    def test_tells_of_each_part(self) -> None:
        pipeline = FakePipeline()

        parts = deliver(
            pipeline, record("a"), record("b", name="ObjectRemoved:Delete"), record("c", "theirs")
        )

        assert set(parts) == {
            Part(outcome="rejected", key="a", code="no-total"),
            Part(outcome="ignored", key="", code="other-event"),
            Part(outcome="refused", key="c", code="foreign-bucket"),
        }
        assert pipeline.ingested == ["a"]

    def test_tries_all_parts_when_one_is_unavailable(self) -> None:
        pipeline = FakePipeline(failing=("a", "message"))

        parts = deliver(pipeline, record("a"), record("b"), "no record")

        assert parts == (
            Part(outcome="unavailable", key="a", code="s3-GetObject", fault="s3 GetObject: SlowDown"),
            Part(outcome="rejected", key="b", code="no-total"),
            Part(
                outcome="unavailable",
                key=f"message:{MESSAGE_ID}",
                code="dynamodb-TransactWriteItems",
                fault="dynamodb TransactWriteItems: Throttling",
            ),
        )

    def test_rejects_a_message_once_for_all_its_bad_records(self) -> None:
        pipeline = FakePipeline()

        deliver(pipeline, "x", record("a"), None)

        ((code, message, body),) = pipeline.rejected
        assert code == "message-bad-record"
        assert message == "Record 1 of 3: it is not a JSON object. Record 3 of 3: it is not a JSON object."
        assert json.loads(body)["Records"][0] == "x"

    def test_rejects_what_is_no_event(self) -> None:
        pipeline = FakePipeline()
        delivery = Delivery(pipeline=pipeline, source_bucket="ours")  # type: ignore[arg-type] # the same

        parts = delivery.deliver(MESSAGE_ID, "no event", NOW)

        assert [(part.outcome, part.key) for part in parts] == [("rejected", f"message:{MESSAGE_ID}")]
        assert pipeline.rejected == [
            ("message-not-json", "The message is not JSON, so it is no S3 event.", b"no event")
        ]
