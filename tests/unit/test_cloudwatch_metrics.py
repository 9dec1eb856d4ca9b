"""Metrics in CloudWatch's embedded metric format, as AWS specifies it."""

import json
import logging
from datetime import UTC, datetime

import pytest

from api import metrics
from api.logs import JsonFormatter
from api.metrics import METRICS, Sample, embedded, of_document
from tests.support.stack_contract import watched
from tests.support.template import CONFIGURATIONS, load, resolve

AT = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
STACK = resolve(load(), CONFIGURATIONS["scaled"])


class TestEmbedded:
    def test_writes_what_the_specification_says(self) -> None:
        [line] = embedded([Sample(name="rejections", value=1, kind="bad-date")], "billing", AT)

        assert line == {
            "_aws": {
                "Timestamp": 1795262400000,
                "CloudWatchMetrics": [
                    {
                        "Namespace": "docproc",
                        "Dimensions": [["stack"], ["stack", "reason"]],
                        "Metrics": [{"Name": "rejections", "Unit": "Count"}],
                    }
                ],
            },
            "stack": "billing",
            "reason": "bad-date",
            "rejections": 1,
        }

    def test_starts_another_line_for_a_second_value_of_a_metric(self) -> None:
        lines = embedded([Sample(name="outcomes", value=1, kind=k) for k in ("stored", "rejected")], "s", AT)

        assert [line["outcome"] for line in lines] == ["stored", "rejected"]

    def test_refuses_a_metric_that_is_not_declared(self) -> None:
        with pytest.raises(KeyError):
            embedded([Sample(name="outcome", value=1)], "s", AT)


class TestOfDocument:
    def test_a_stored_one_counts_and_tells_how_long_it_took(self) -> None:
        uploaded_at = datetime(2026, 11, 21, 11, 59, 58, 500_000, tzinfo=UTC)

        samples = of_document("stored", "", uploaded_at, AT)

        assert [(s.name, s.value, s.kind) for s in samples] == [
            ("outcomes", 1, "stored"),
            ("upload_to_row_seconds", 1.5, ""),
        ]

    def test_a_rejected_one_counts_under_its_reason(self) -> None:
        samples = of_document("rejected", "internal-error", None, AT)

        assert [(s.name, s.kind) for s in samples] == [
            ("outcomes", "rejected"),
            ("rejections", "internal-error"),
        ]


class TestFormatter:
    def _lines(self, **facts: object) -> list[dict[str, object]]:
        record = logging.makeLogRecord({"msg": "x", "created": AT.timestamp(), **facts})
        return [json.loads(line) for line in JsonFormatter("billing").format(record).splitlines()]

    def test_puts_metrics_beside_the_facts_of_the_line(self) -> None:
        samples = (Sample(name="answers_5xx", value=1),)

        [line] = self._lines(code="busy", metrics=samples)

        assert (line["code"], line["answers_5xx"], line["stack"]) == ("busy", 1, "billing")
        assert "metrics" not in line

    def test_writes_a_line_without_metrics_as_ever(self) -> None:
        [line] = self._lines(code="busy")

        assert "_aws" not in line


def test_every_alarm_on_our_namespace_is_on_a_declared_metric() -> None:
    ours = {
        (metric, reason) for namespace, metric, reason in watched(STACK) if namespace == metrics.NAMESPACE
    }

    assert {metric for metric, _ in ours} <= set(METRICS)
    assert all(METRICS[metric].by == "reason" for metric, reason in ours if reason)


def test_every_metric_on_the_dashboard_is_declared_with_its_dimension() -> None:
    body = json.loads(STACK.properties("Dashboard")["DashboardBody"])
    rows = [
        m for w in body["widgets"] for m in w["properties"].get("metrics", ()) if m[0] == metrics.NAMESPACE
    ]

    shown = {(row[1], *[word for word in row[4:5] if isinstance(word, str)]) for row in rows}

    assert shown == {
        ("outcomes", "outcome"),
        ("upload_to_row_seconds",),
        ("pending",),
        ("answers_5xx",),
        ("oldest_pending_seconds",),
        ("compaction_age_seconds",),
    }
    assert all(METRICS[name].by == "".join(by) for name, *by in shown)
