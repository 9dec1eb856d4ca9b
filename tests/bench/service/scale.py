"""What docs/scale.md computes: cores, dollars and limits, from measured CPU, real items and AWS's price list.

    python -m tests.bench.service.scale      # writes the tables into docs/scale.md

Prices are those of us-east-1 on api.reports.prices.PRICES_DATE, in dollars, without tax and free tier.
"""

import json
import math
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from statistics import median
from typing import Any

from api.decision import Arrival, decide
from api.records import Document, Seen
from api.reports.prices import GET_1000, LIST_1000, PRICES_DATE, scan_dollars
from api.stores.dynamodb_items import SHARDS, document_item, revision_item
from api.stores.dynamodb_schema import DOCUMENT_FACTS
from infra.local.service import ROOT
from invoice_parser import parse
from tests.bench.service.figures import waiting_seconds
from tests.bench.service.report import MEASURED, between_marks
from tests.bench.service.stub import invoice_text, source_key

DOCUMENT = ROOT / "docs" / "scale.md"
# Invoices a day, and how many of them come in the busiest second.
PEAKS = {100_000: 10, 1_000_000: 100, 100_000_000: 5_000}
# Measured is the service alone; nginx, TLS to AWS and the timers are an allowance.
ALLOWANCE = 1.5
LOAD = 0.5  # of the cores at the peak: room for a lost instance, and short waits
AWS_SECONDS = 0.06  # three calls of 20 ms
CORES, MONTH_HOURS, MONTH_DAYS = 2, 730, 30.4  # every instance here has two cores
# What runs at which volume, and its dollars an hour; one of them at least, day and night.
INSTANCES = {
    100_000: ("t3.small", 0.0208),
    1_000_000: ("c7i.large", 0.08925),
    100_000_000: ("c7i.large", 0.08925),
}
PUT_MILLION, PUBLISH_MILLION, DELIVERY_MILLION = 5.00, 0.50, 0.60
WRITE_UNIT_MILLION = 0.625
KMS_MILLION, KEYED_SHARE = 3.00, 0.01  # a bucket key leaves about one call in a hundred
LOG_GIGABYTE, LOG_LINE_BYTES = 0.50, 1_000
# As measured by bench_athena.py: bytes of a row that expenses by day reads, and compaction's ids.
READ_BYTES, ID_BYTES = 24.4, 9.0
# The tail begins at a full hour, 45 minutes before the last compaction or earlier: what a query finds
# on average, and a compaction, which comes last.
QUERY_TAIL_HOURS, COMPACTION_TAIL_HOURS = 1.25, 1.75
COMPACTIONS, QUERIES = 24, 100  # a day
KILOBYTE, MILLION, DAYS = 1024, 1_000_000, 365


def sample() -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the two items that an ordinary invoice of 574 bytes becomes."""
    now, data = datetime(2026, 11, 22, 12, 0, 0, 123456, tzinfo=UTC), invoice_text(4_711)
    document = Document(
        source_key=source_key(4_711),
        version_id="3sL4kqtJlcpXroDTDmJ.rmSpXd3dIbrHY",
        outcome="stored",
        recorded_at=now,
        etag="d" * 32,
        size_bytes=len(data),
        sha256="a" * 64,
        sequencer="0018EA310E11ECACE0",
        last_modified_at=now,
        message_id="165545c9-2a5c-472c-8df2-7ff2be2b3b1b",
    )
    change = decide(Arrival(document=document, invoice=parse(data), data=data, listed=tuple), Seen())
    assert change.document
    assert change.revision
    return document_item(change.document), revision_item(change.revision)


def item_bytes(item: Mapping[str, Mapping[str, Any]]) -> int:
    """Return the size of an item of texts and numbers, as DynamoDB counts it.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
    """
    return sum(len(name.encode()) + _value_bytes(value) for name, value in item.items())


def write_units() -> dict[str, int]:
    """Return the write units of an invoice by table and index; a transaction writes its items twice."""
    document, revision = sample()
    recent = {"source_key", "version_id", "hour_shard", "recorded", *DOCUMENT_FACTS}
    stored = {"customer_id", "invoice_id", "hour_shard", "stored_at", "rev"}
    return {
        "document": 2 * _units(document),
        "document, index recent": _units({k: v for k, v in document.items() if k in recent}),
        "invoice": 2 * _units(revision),
        "invoice, index stored": _units({k: v for k, v in revision.items() if k in stored}),
    }


def dollars(daily: int, cpu_ms: float) -> dict[str, float]:
    """Return what a million invoices cost when so many come a day."""
    return {
        "S3: the upload's PUT, the row's PUT": 2 * PUT_MILLION,
        "S3: GET": float(GET_1000) * 1000,
        "SNS: publish, deliver": PUBLISH_MILLION + DELIVERY_MILLION,
        f"DynamoDB: {sum(write_units().values())} write units": sum(write_units().values())
        * WRITE_UNIT_MILLION,
        "KMS, behind bucket keys": 2 * KEYED_SHARE * KMS_MILLION,
        f"CloudWatch Logs: a line of {LOG_LINE_BYTES:,} bytes": LOG_LINE_BYTES * MILLION / 1e9 * LOG_GIGABYTE,
        f"EC2: one instance, or CPU at {LOAD:.0%} load": instances(daily, cpu_ms),
        f"Athena: {COMPACTIONS} compactions a day": COMPACTIONS * compaction(daily) / daily * MILLION,
        f"Athena: {QUERIES} reports a day, to the second": QUERIES * query(daily) / daily * MILLION,
    }


def instances(daily: int, cpu_ms: float) -> float:
    """Return the dollars of the instances for a million invoices."""
    _, hour = INSTANCES[daily]
    hours = cpu_ms * ALLOWANCE / LOAD / CORES * MILLION / 1000 / 3600
    return hour * max(hours, MONTH_HOURS / (daily * MONTH_DAYS) * MILLION)


def compaction(daily: int) -> float:
    """Return the dollars of one compaction: the tail twice, and the ids of a year's rows."""
    return _tail(daily, COMPACTION_TAIL_HOURS) + float(scan_dollars(math.ceil(daily * DAYS * ID_BYTES)))


def query(daily: int) -> float:
    """Return the dollars of expenses by day over a year, up to the last second."""
    return _tail(daily, QUERY_TAIL_HOURS) + float(scan_dollars(math.ceil(daily * DAYS * READ_BYTES)))


def cores(rate: float, cpu_ms: float) -> int:
    """Return the cores that this rate keeps busy to the wanted share, a machine's at least."""
    return max(CORES, CORES * math.ceil(rate * cpu_ms * ALLOWANCE / 1000 / LOAD / CORES))


def limits() -> list[tuple[float, str, str]]:
    """Return (invoices a second, whose limit, what the design does), the lowest first."""
    units = write_units()
    found = [
        (
            1_000 / units["invoice"],
            "DynamoDB: 1,000 write units a second for one partition, here one customer's invoices",
            "DynamoDB splits a busy partition by itself; until then what it throttles is 503",
        ),
        (
            3_500,
            "S3: 3,500 PUTs a second for one prefix, here an hour's folder",
            "S3 splits a busy prefix by itself within minutes; its 503 becomes ours, and SNS comes again",
        ),
        (
            SHARDS * 1_000,
            f"DynamoDB: 1,000 write units a second for one of an index's {SHARDS} shards of an hour",
            "a busy index holds its table back, which is 503; beyond, raise `SHARDS`, which readers follow",
        ),
        (
            4_000 / units["invoice"],
            "DynamoDB: 4,000 write units a second for a new on-demand table",
            "doubles by itself every half hour of load; warm it for a known burst (`--warm-throughput`)",
        ),
        (
            40_000 / units["invoice"],
            "DynamoDB: 40,000 write units a second for a table, a quota",
            "a support case raises it",
        ),
        (
            30_000,
            "SNS: 30,000 publishes a second in us-east-1, a quota (other regions from 300)",
            "a support case raises it; S3 tries its notifications again",
        ),
        (
            5_500,
            "S3: 5,500 GETs a second for one prefix of uploads",
            "as many prefixes as customers; else as for PUTs",
        ),
    ]
    return sorted(found)


def tables(cpu_ms: float) -> str:
    """Return all tables of docs/scale.md."""
    rate = 1000 / cpu_ms / ALLOWANCE
    lines = [
        f"An invoice takes {cpu_ms:.2f} ms of CPU (measured), {ALLOWANCE} times that with what is around it:",
        f"**{rate:,.0f} notifications a second and vCPU** at most, {rate * LOAD:,.0f} at {LOAD:.0%} load.",
    ]
    lines += [
        "",
        "| invoices a day | at the peak, a second | vCPUs | instances | mean wait for a core | in all |",
    ]
    lines += ["|---|---|---|---|---|---|", *(_fleet_line(daily, cpu_ms) for daily in PEAKS)]
    costs = {daily: dollars(daily, cpu_ms) for daily in PEAKS}
    lines += ["", f"Dollars a million invoices, us-east-1, {PRICES_DATE}, at so many a day:", ""]
    lines += [f"| | {' | '.join(f'{daily:,}' for daily in PEAKS)} |", "|---|" + "---|" * len(PEAKS)]
    for name in next(iter(costs.values())):
        lines.append(f"| {name} | {' | '.join(f'{costs[daily][name]:.2f}' for daily in PEAKS)} |")
    sums = (f"**{sum(costs[daily].values()):.2f}**" for daily in PEAKS)
    lines += [f"| **sum** | {' | '.join(sums)} |"]
    lines += ["", "| write units | bytes | units |", "|---|---|---|", *_unit_lines()]
    lines += ["", "| invoices a second | whose limit | what the design does |", "|---|---|---|"]
    lines += [f"| {rate:,.0f} | {whose} | {what} |" for rate, whose, what in limits()]
    return "\n".join(lines)


def write() -> None:
    """Put the tables into docs/scale.md."""
    DOCUMENT.write_text(between_marks(DOCUMENT.read_text(), "computed", tables(measured_cpu_ms())))


def measured_cpu_ms() -> float:
    """Return the CPU of an invoice as the last whole run of bench_service.py found it."""
    rows = json.loads(MEASURED.read_text())["rows"]
    (row,) = (row for row in rows if (row["name"], row["aws_ms"]) == ("docproc", 0))
    costs: list[float] = row["costs_ms"]
    return median(costs)


def _fleet_line(daily: int, cpu_ms: float) -> str:
    peak = PEAKS[daily]
    needed, work = cores(peak, cpu_ms), cpu_ms * ALLOWANCE / 1000
    wait = waiting_seconds(peak, work, needed)
    whole = AWS_SECONDS + work + wait
    fleet = f"{needed // CORES} {INSTANCES[daily][0]}"
    waits = f"{wait * 1000:.2f} ms | {whole * 1000:.0f} ms"
    return f"| {daily:,} | {peak:,} | {needed} | {fleet} | {waits} |"


def _unit_lines() -> Iterator[str]:
    document, revision = sample()
    sizes = {"document": item_bytes(document), "invoice": item_bytes(revision)}
    for name, units in write_units().items():
        doubled = ", twice for the transaction" if name in sizes else ""
        yield f"| {name}{doubled} | {sizes.get(name, '')} | {units} |"
    yield f"| **an invoice** | | **{sum(write_units().values())}** |"


def _tail(daily: int, hours: float) -> float:
    objects = math.ceil(daily * hours / 24)
    lists = math.ceil(hours) + math.ceil(objects / 1000)
    return 2 * (objects * float(GET_1000) + lists * float(LIST_1000)) / 1000  # both branches read the tail


def _units(item: Mapping[str, Any]) -> int:
    return math.ceil(item_bytes(item) / KILOBYTE)


def _value_bytes(value: Mapping[str, Any]) -> int:
    ((kind, content),) = value.items()
    if kind == "N":
        return (len(content.lstrip("-0.").replace(".", "")) + 1) // 2 + 1
    if kind != "S":
        raise ValueError(f"no rule for {kind}")
    return len(content.encode())


if __name__ == "__main__":
    write()
