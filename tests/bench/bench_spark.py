"""Import on Spark: texts a second and core, with and without the ledger's calls; what 1e8 take and cost.

    python tests/bench/bench_spark.py [--files 20000] [--objects 2000]        (or make bench-spark)

Counted is the CPU of Spark's Python workers, on two cores, with the job's own code. Embedded AWS and
the JVM share the machine, so wall times say little. Three kinds of work on the canonical sample:

    files   read from this disk, parse, make the row
    reads   the same, read from embedded S3 by boto3
    whole   the same, and the ledger asked and written, and the rows put

The dollars are computed from api/reports/prices.py and from the sizes of the ledger's items.
"""

import argparse
import json
import math
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from api.reports import prices
from api.stores.dynamodb_items import SHARDS
from api.stores.dynamodb_schema import table_definitions
from infra.local.embedded_aws import EmbeddedAws
from infra.local.provision import DESTINATION_BUCKET, DOCUMENT_TABLE, INVOICE_TABLE
from tests.support.spark import PYTHON, ROOT, environ_of

DATA = (ROOT / "tests" / "data" / "invoices" / "canonical.txt").read_bytes()
BUCKET = "old"
ARCHIVE = 10**8
# The quota of one table of DynamoDB on demand, which a support case raises.
TABLE_UNITS_A_SECOND = 40_000
# What one partition takes; all that is written in an hour is in SHARDS of them in each index.
PARTITION_UNITS_A_SECOND = 1_000
GIGABYTES_A_VCPU = 2
TEXTS_AN_OBJECT = 10_000


def text_of(number: int) -> bytes:
    return DATA.replace(b"inv-00001", b"inv-%09d" % number)


def measure(aws: EmbeddedAws, mode: str, source: Path, count: int) -> tuple[float, float]:
    """Run one mode; returns texts a second of a worker's CPU, and of wall time."""
    out = source.parent / f"{mode}.json"
    command = [
        PYTHON,
        str(ROOT / "tests" / "bench" / "spark_job.py"),
        mode,
        str(source),
        str(count),
        str(out),
    ]
    subprocess.run(command, env=environ_of(aws), cwd=ROOT, check=True, capture_output=True, timeout=600)
    found = json.loads(out.read_text())
    texts, cpu_seconds = (sum(column) for column in zip(*found["tasks"], strict=True))
    if texts != count:
        raise SystemExit(f"{mode}: {texts} of {count} texts were stored")
    return texts / cpu_seconds, texts / found["wall"]


def value_bytes(value: dict[str, Any]) -> int:
    """Return what DynamoDB counts: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html."""
    ((kind, content),) = value.items()
    if kind == "N":
        return (len(content.strip("-").replace(".", "")) + 1) // 2 + 1
    if kind in {"BOOL", "NULL"}:
        return 1
    if kind == "L":
        return 3 + sum(1 + value_bytes(each) for each in content)
    if kind == "M":
        return 3 + sum(1 + len(name) + value_bytes(each) for name, each in content.items())
    return len(content if isinstance(content, bytes) else content.encode())


def write_units(item: dict[str, Any], definition: dict[str, Any]) -> int:
    """Return what the item took in a transaction: twice its KB, and one for each index that has it."""
    size = sum(len(name) + value_bytes(value) for name, value in item.items())
    indexes = [
        index
        for index in definition["GlobalSecondaryIndexes"]
        if all(key["AttributeName"] in item for key in index["KeySchema"])
    ]
    return 2 * math.ceil(size / 1024) + len(indexes)


def units_a_text(aws: EmbeddedAws) -> dict[str, float]:
    """Return the write units that a text took, by table."""
    client, found = aws.client("dynamodb"), {}
    for definition in table_definitions(DOCUMENT_TABLE, INVOICE_TABLE):
        items = client.scan(TableName=definition["TableName"], Limit=200)["Items"]
        units = [write_units(item, definition) for item in items if "recorded_at" in item or "rev" in item]
        found[definition["TableName"]] = sum(units) / len(units)
    return found


def print_archive(texts_a_core: float, units: dict[str, float]) -> None:
    """Print what an archive of 1e8 texts takes and costs."""
    core_hours = ARCHIVE / texts_a_core / 3600
    # The quota is each table's and each index's own; every stored text has a unit in one index of a table.
    # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html
    by_table = TABLE_UNITS_A_SECOND / (max(units.values()) - 1)
    by_index = SHARDS * PARTITION_UNITS_A_SECOND
    rate = min(by_table, by_index)
    print(f"  write units a text {units}: the tables' quota lets {by_table:,.0f} texts/s through,")
    print(f"  the indexes by the hour {by_index:,.0f}")
    print(f"  so {ARCHIVE / rate / 3600:.1f} h with {rate / texts_a_core:.0f} vCPU busy")
    dollars = {
        f"EMR Serverless, {GIGABYTES_A_VCPU} GB a vCPU": Decimal(core_hours)
        * (prices.VCPU_HOUR + GIGABYTES_A_VCPU * prices.GIGABYTE_HOUR),
        "S3: GET": ARCHIVE * prices.GET_1000 / 1000,
        "S3: objects, inventory": ARCHIVE
        * (prices.PUT_1000 / 1000 / TEXTS_AN_OBJECT + prices.INVENTORY_MILLION / 10**6),
        "DynamoDB: writes": ARCHIVE * Decimal(sum(units.values())) * prices.WRITE_UNITS_MILLION / 10**6,
        "DynamoDB: is it known": ARCHIVE * prices.READ_UNITS_MILLION / 10**6,
    }
    print(f"  dollars, prices of {prices.PRICES_DATE}:")
    for name, amount in {**dollars, "sum": sum(dollars.values())}.items():
        print(f"    {name:<34}{amount:>10.2f}")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--objects", type=int, default=2_000)
    options = parser.parse_args()
    if not PYTHON:
        print("DOCPROC_TEST_SPARK_PYTHON names no interpreter with pyspark; `make bench-spark` makes one")
        return
    with tempfile.TemporaryDirectory() as folder, EmbeddedAws() as aws:
        files = Path(folder) / "files"
        files.mkdir()
        for number in range(options.files):
            (files / f"{number:09d}.txt").write_bytes(text_of(number))
        s3 = aws.client("s3")
        for bucket in (BUCKET, DESTINATION_BUCKET):
            s3.create_bucket(Bucket=bucket)
        s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        for table in table_definitions(DOCUMENT_TABLE, INVOICE_TABLE):
            aws.client("dynamodb").create_table(**table)
        with ThreadPoolExecutor(4) as pool:
            for number in range(options.objects):
                pool.submit(s3.put_object, Bucket=BUCKET, Key=f"{number:09d}.txt", Body=text_of(number))
        print(f"{'':<8}{'texts':>8}{'texts/s a core':>18}{'texts/s, wall, 2 workers':>28}", flush=True)
        rates = {}
        for mode, count in (("files", options.files), ("reads", options.objects), ("whole", options.objects)):
            rates[mode], wall = measure(aws, mode, files, count)
            print(f"{mode:<8}{count:>8,}{rates[mode]:>18,.0f}{wall:>28,.0f}", flush=True)
        print_archive(rates["whole"], units_a_text(aws))


if __name__ == "__main__":
    main()
