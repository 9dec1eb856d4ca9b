"""Counters of this process, and metrics for CloudWatch. Each is declared here before it is used.

A metric goes out in a log line, in CloudWatch's embedded metric format: whoever carries the lines to
CloudWatch Logs carries the metrics, and none is lost with a process.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from threading import Lock

NAMESPACE = "docproc"

# Name -> what it counts; the code says which kind.
COUNTERS: Mapping[str, str] = {
    "sns.answers": "POSTs to /sns, by the code of the answer",
    "sns.parts": "parts of notifications, by outcome:code",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """What CloudWatch is told: `by` is a second dimension beside the stack, `alarm` what the sum means."""

    unit: str
    meaning: str
    alarm: str
    by: str = ""


# Every alarm of infra/template.yaml on our namespace is on one of these.
METRICS: Mapping[str, Metric] = {
    "answers_5xx": Metric(
        unit="Count",
        meaning="POSTs to /sns answered 5xx",
        alarm="5 in each of three 5 min: AWS or we are down",
    ),
    "outcomes": Metric(
        unit="Count",
        meaning="documents by outcome",
        alarm="none; the rate of rejections is out of these",
        by="outcome",
    ),
    "rejections": Metric(
        unit="Count",
        meaning="rejected documents by reason",
        alarm="over 5 % in an hour; one conflicting-invoice; one internal-error",
        by="reason",
    ),
    "upload_to_row_seconds": Metric(
        unit="Seconds",
        meaning="from the upload to the row in its bucket",
        alarm="none; it is on the dashboard",
    ),
    "pending": Metric(
        unit="Count", meaning="versions without an outcome after a sweep", alarm="none; their age has one"
    ),
    "oldest_pending_seconds": Metric(
        unit="Seconds", meaning="age of the oldest of those", alarm="over 30 min, or no sweep at all"
    ),
    "compaction_age_seconds": Metric(
        unit="Seconds", meaning="since the last compaction began", alarm="over 6 h, or none at all for 2 h"
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One value of a declared metric; `kind` is its second dimension's value, if it has one."""

    name: str
    value: float
    kind: str = ""


_lock = Lock()
_counts: Counter[tuple[str, str]] = Counter()


def count(name: str, code: str) -> None:
    """Add one. Codes are constants of the program, never a sender's words, so that they stay few.

    Raises KeyError for a counter that is not declared.
    """
    if name not in COUNTERS:
        raise KeyError(name)
    with _lock:
        _counts[name, code] += 1


def counts() -> dict[tuple[str, str], int]:
    """Return (name, code) -> how often, since the process began."""
    with _lock:
        return dict(_counts)


def of_document(outcome: str, reason: str, uploaded_at: datetime | None, now: datetime) -> tuple[Sample, ...]:
    """Return what a document's outcome adds to the metrics."""
    samples = [Sample(name="outcomes", value=1, kind=outcome)]
    if outcome == "rejected":
        samples.append(Sample(name="rejections", value=1, kind=reason))
    if outcome == "stored" and uploaded_at is not None:
        samples.append(Sample(name="upload_to_row_seconds", value=(now - uploaded_at).total_seconds()))
    return tuple(samples)


def embedded(samples: Iterable[Sample], stack: str, at: datetime) -> tuple[dict[str, object], ...]:
    """Return the samples as members of log lines: as few as hold them, since a line has one value of each.

    Raises KeyError for a metric that is not declared.
    """
    lines: list[dict[str, Sample]] = []
    for sample in samples:
        line = next((line for line in lines if sample.name not in line), None)
        if line is None:
            lines.append(line := {})
        line[sample.name] = sample
    return tuple(_line(line, stack, at) for line in lines)


def _line(samples: Mapping[str, Sample], stack: str, at: datetime) -> dict[str, object]:
    line: dict[str, object] = {"stack": stack}
    for name, sample in samples.items():
        if METRICS[name].by:
            line[METRICS[name].by] = sample.kind
        line[name] = sample.value
    directives = [_directive(name) for name in samples]
    return {**line, "_aws": {"Timestamp": int(at.timestamp() * 1000), "CloudWatchMetrics": directives}}


@cache
def _directive(name: str) -> Mapping[str, object]:
    metric = METRICS[name]
    dimensions = [["stack"], ["stack", metric.by]] if metric.by else [["stack"]]
    unit = {"Name": name, "Unit": metric.unit}
    return {"Namespace": NAMESPACE, "Dimensions": dimensions, "Metrics": [unit]}
