"""Each alarm on a metric of ours rings: a fault of its kind writes the metric, beyond its threshold."""

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from io import StringIO
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from api import wiring
from api.delivery import Delivery
from api.logs import JsonFormatter
from api.maintenance.lease import held
from api.maintenance.reconcile import Reconciler
from api.management.commands import compact as compact_command
from api.pipeline import Pipeline
from api.ports import TemporaryFailure
from api.records import Change
from api.reports.compaction import Compaction
from api.s3_event import ObjectRef
from tests.support.invoices import invoice_text
from tests.support.memory import NOON, MemoryBucket, MemoryLedger, MemorySink
from tests.support.template import CONFIGURATIONS, load, resolve

ALARMS = {
    name: alarm
    for name, alarm in resolve(load(), CONFIGURATIONS["scaled"]).of("AWS::CloudWatch::Alarm").items()
    if '"docproc"' in json.dumps(alarm.get("Namespace") or alarm.get("Metrics"))
}


@dataclass
class World:
    """The service over in-memory ports, and what CloudWatch would read in its log."""

    monkeypatch: pytest.MonkeyPatch
    output: StringIO
    bucket: MemoryBucket = field(default_factory=MemoryBucket)
    ledger: MemoryLedger = field(default_factory=MemoryLedger)

    @property
    def pipeline(self) -> Pipeline:
        return Pipeline(source=self.bucket, ledger=self.ledger, sink=MemorySink())

    def upload(self, key: str, data: bytes) -> ObjectRef:
        return self.bucket.put(key, data)

    def deliver(self, ref: ObjectRef) -> int:
        """Let SNS post the notification of it; the status of the answer."""
        named = {"bucket": {"name": ref.bucket}, "object": {"key": ref.key, "versionId": ref.version_id}}
        record = {"eventVersion": "2.1", "eventName": "ObjectCreated:Put", "s3": named}
        message = SimpleNamespace(
            type="Notification",
            message_id="22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
            text=json.dumps({"Records": [record]}),
        )
        service = SimpleNamespace(
            gate=SimpleNamespace(admit=lambda *_: message),
            delivery=Delivery(pipeline=self.pipeline, source_bucket=ref.bucket),
            max_in_flight=8,
        )
        self.monkeypatch.setattr(wiring, "service", lambda: service)
        return Client().post("/sns", b"{}", content_type="text/plain").status_code

    def values(self, metric: str, reason: str) -> list[float]:
        """Return the values of a metric that the log has, as CloudWatch finds them."""
        found = []
        for line in map(json.loads, self.output.getvalue().splitlines()):
            for directive in line.get("_aws", {}).get("CloudWatchMetrics", ()):
                names = [entry["Name"] for entry in directive["Metrics"]]
                dimensions = ["stack", "reason"] if reason else ["stack"]
                is_meant = not reason or line.get("reason") == reason
                if metric in names and dimensions in directive["Dimensions"] and is_meant:
                    assert line["stack"] == "docproc"
                    found.append(line[metric])
        return found


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    output = StringIO()
    handler = logging.StreamHandler(output)
    handler.setFormatter(JsonFormatter("docproc"))
    logger = logging.getLogger("api")
    logger.addHandler(handler)
    try:
        yield World(monkeypatch=monkeypatch, output=output)
    finally:
        logger.removeHandler(handler)


def _throttled(_change: Change) -> None:
    raise TemporaryFailure("dynamodb", "TransactWriteItems", "ThrottlingException")


def aws_is_down(world: World) -> None:
    world.ledger.before_commit = _throttled

    assert world.deliver(world.upload("a.txt", invoice_text())) == 503


def a_document_is_no_invoice(world: World) -> None:
    assert world.deliver(world.upload("a.txt", b"no invoice")) == 200


def two_documents_claim_one_invoice(world: World) -> None:
    world.deliver(world.upload("a.txt", invoice_text(invoice_id="INV-1")))
    world.deliver(world.upload("b.txt", invoice_text(invoice_id="INV-1").replace(b"Acme", b"Evil")))


def the_parser_breaks(world: World) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError("a bug")

    world.monkeypatch.setattr("api.pipeline.parse", broken)

    assert world.deliver(world.upload("a.txt", invoice_text())) == 200


def a_document_waits_for_40_minutes(world: World) -> None:
    world.upload("a.txt", invoice_text())
    world.ledger.before_commit = _throttled
    clock: Callable[[], datetime] = lambda: NOON + timedelta(minutes=40)  # noqa: E731 - a clock that stands
    sweep = Reconciler(
        source=world.bucket, sink=MemorySink(), ledger=world.ledger, pipeline=world.pipeline, clock=clock
    )
    with held(world.ledger, "reconcile", "me", clock) as lease:
        sweep.run(lease)


def compaction_takes_seven_hours(world: World) -> None:
    @contextmanager
    def tables(*_: Any) -> Iterator[None]:
        yield None

    began_at = datetime.now(UTC) - timedelta(hours=7)
    done = Compaction(at=began_at, months=1, merges=1, tail_from="2026-11-21-00", optimized=False)
    world.monkeypatch.setattr(wiring, "ledger", lambda: world.ledger)
    world.monkeypatch.setattr(wiring, "eraser", lambda: SimpleNamespace(orders=tuple))
    world.monkeypatch.setattr(wiring, "compactable", tables)
    world.monkeypatch.setattr(compact_command, "erase", lambda *_: None)
    world.monkeypatch.setattr(compact_command, "compact", lambda *_: done)

    call_command("compact", stdout=StringIO())


# Alarm -> the fault that must set it off.
FAULTS: dict[str, Callable[[World], None]] = {
    "ServerErrorsAlarm": aws_is_down,
    "RejectionRateAlarm": a_document_is_no_invoice,
    "ConflictingInvoiceAlarm": two_documents_claim_one_invoice,
    "InternalErrorAlarm": the_parser_breaks,
    "OldestPendingAlarm": a_document_waits_for_40_minutes,
    "CompactionAgeAlarm": compaction_takes_seven_hours,
}


def test_each_alarm_on_our_metrics_has_a_fault() -> None:
    assert set(FAULTS) == set(ALARMS)


@pytest.mark.parametrize("name", sorted(set(FAULTS) - {"RejectionRateAlarm", "ServerErrorsAlarm"}))
def test_one_fault_is_beyond_the_threshold(name: str, world: World) -> None:
    alarm = ALARMS[name]
    reason = "".join(d["Value"] for d in alarm["Dimensions"] if d["Name"] == "reason")

    FAULTS[name](world)

    values = world.values(alarm["MetricName"], reason)
    assert values
    assert max(values) >= alarm["Threshold"]


def test_each_answer_of_5xx_counts(world: World) -> None:
    aws_is_down(world)

    assert world.values("answers_5xx", "") == [1]


def test_rejections_are_counted_out_of_all_outcomes(world: World) -> None:
    a_document_is_no_invoice(world)
    world.deliver(world.upload("b.txt", invoice_text()))

    assert (world.values("rejections", ""), world.values("outcomes", "")) == ([1], [1, 1])
    assert len(world.values("upload_to_row_seconds", "")) == 1


def test_a_sweep_that_closes_tells_that_nothing_waits(world: World) -> None:
    clock: Callable[[], datetime] = lambda: NOON  # noqa: E731 - a clock that stands
    sweep = Reconciler(
        source=world.bucket, sink=MemorySink(), ledger=world.ledger, pipeline=world.pipeline, clock=clock
    )

    with held(world.ledger, "reconcile", "me", clock) as lease:
        sweep.run(lease)

    assert (world.values("pending", ""), world.values("oldest_pending_seconds", "")) == ([0], [0])
