"""Our rows, read by the very SerDe that Athena uses, by DuckDB and by Python's csv: no difference.

`make spark` makes an interpreter that has pyspark, whose jars bundle Hive's OpenCSVSerde, and runs
this with it; Java 17 must be on the path.
"""

import csv
import json
import random
import re
import subprocess
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from invoice_parser import CSV_COLUMNS, Invoice, csv_row
from tests.support.spark import PYTHON, needs_spark

HERE = Path(__file__).resolve().parent
HOUR = "2026-01-26-09"
ROWS_PER_OBJECT = 500
NASTY = [
    '"',
    '""',
    "\\",
    '\\"',
    ",",
    '","',
    "'",
    "\n",
    "\r",
    "\r\n",
    "\t",
    "\0",
    "\x01",
    "\x1a",
    "\x7f",
    " ",
    "",
]
NASTY += [
    "\x85",
    "\u2028",
    "\ufeff",
    "\u00a0",
    "\u200b",
    "é",
    "e\u0301",
    "कखग",
    "漢字",
    "🧾",
    "\U0010ffff",
    "null",
    "NULL",
]
NASTY += [
    "\\N",
    "#",
    ";",
    "|",
    "{}",
    "=1+1",
    "\\n",
    "\\u0041",
    "$",
    "%00",
    "<b>",
    "--",
    "\ufffd",
    "a" * 300,
    "x",
]


READ_CSV = """
SELECT * FROM read_csv($1, columns = $2, force_not_null = $3, header = false, auto_detect = false,
    hive_partitioning = false, delim = ',', quote = '"', escape = '"')
"""


def nasty(chance: random.Random) -> str:
    return "".join(chance.choice(NASTY) for _ in range(chance.choice([0, 1, 1, 2, 3, 5, 12])))


def row(chance: random.Random, number: int) -> tuple[bytes, list[str]]:
    """Return a row of ours, and the values that every reader must find in it."""
    texts = [nasty(chance) for _ in range(7)]
    amount = Decimal(chance.randrange(-(10**9), 10**17)).scaleb(-2)
    invoice = Invoice(
        customer_id=texts[0],
        invoice_id=texts[1],
        issue_date=date(2018, 3, 31),
        seller_name=texts[2],
        buyer_name=texts[3],
        currency=texts[4],
        net_amount=amount,
        cgst_amount=Decimal("0.00"),
        sgst_amount=Decimal("0.00"),
        utgst_amount=Decimal("0.00"),
        igst_amount=Decimal("0.00"),
        cess_amount=Decimal("0.00"),
        tax_amount=Decimal("0.00"),
        total_amount=amount,
        amount_in_words=texts[5],
        items=(),
        findings=(),
        lines={},
        encoding="utf-8",
    )
    stored_at = datetime(2026, 1, 26, 9, tzinfo=UTC)
    data = csv_row(invoice, status="active", rev=number, source_key=texts[6], stored_at=stored_at)
    # The one thing that a row may change: what some reader takes for the end of a line is a space.
    clean = [re.sub("[\0-\x1f\x7f\x85\u2028\u2029]", " ", text) for text in texts]
    money = f"{amount:.2f}"
    values = [clean[0], clean[1], "2018-03-31", clean[2], clean[3], money, "0.00", money, clean[5], clean[4]]
    values += ["0.00"] * 5 + ["[]", "", "active", str(number), clean[6], "2026-01-26T09:00:00.000000Z", "1"]
    return data, values


def write(folder: Path, count: int) -> list[list[str]]:
    """Write objects of many rows; return the values in order."""
    chance, expected = random.Random(2018), []
    folder.mkdir(parents=True)
    for first in range(0, count, ROWS_PER_OBJECT):
        rows = [row(chance, number) for number in range(first, min(first + ROWS_PER_OBJECT, count))]
        (folder / f"{first:08d}.csv").write_bytes(b"".join(data for data, _ in rows))
        expected += [values for _, values in rows]
    return expected


def by_rev(rows: list[list[str]]) -> list[list[str]]:
    return sorted(rows, key=lambda values: int(values[18]))


def read_with_csv(folder: Path) -> list[list[str]]:
    rows: list[list[str]] = []
    for path in folder.iterdir():
        with path.open(encoding="utf-8", newline="") as file:
            rows += csv.reader(file, strict=True)
    return by_rev(rows)


def read_with_duckdb(folder: Path) -> list[list[str]]:
    with duckdb.connect() as connection:
        columns = dict.fromkeys(CSV_COLUMNS, "VARCHAR")
        rows = connection.execute(READ_CSV, [f"{folder}/*.csv", columns, list(columns)]).fetchall()
    return by_rev([list(each) for each in rows])


def read_with_serde(folder: Path, scratch: Path, *, escape: str = r"\u0001") -> list[list[str]]:
    text = (HERE.parents[1] / "infra" / "athena.sql").read_text()
    ddl = next(each for each in text.split(";\n") if "EXTERNAL TABLE" in each)
    ddl = "CREATE EXTERNAL" + ddl.partition("CREATE EXTERNAL")[2]
    # Where the data is, and no computed partitions: all else is what Athena gets.
    ddl = ddl.replace("s3://DESTINATION_BUCKET/csv/v1/'\n", f"{folder.parent}'\n").partition(
        "\nTBLPROPERTIES"
    )[0]
    (scratch / "ddl.sql").write_text(ddl.replace(r"'escapeChar' = '\u0001'", f"'escapeChar' = '{escape}'"))
    command = [PYTHON, f"{HERE}/serde_reader.py", f"{scratch}/ddl.sql", HOUR, f"{scratch}/rows.json"]
    subprocess.run(command, check=True, cwd=scratch, timeout=600)
    rows = json.loads((scratch / "rows.json").read_text())
    return [values[:-1] for values in rows]  # the last one is the partition


def test_python_and_duckdb_read_a_few_rows_alike(tmp_path: Path) -> None:
    expected = write(tmp_path / f"ingest={HOUR}", 2_000)

    assert read_with_csv(tmp_path / f"ingest={HOUR}") == expected
    assert read_with_duckdb(tmp_path / f"ingest={HOUR}") == expected


@pytest.mark.proof
@needs_spark
def test_the_serde_reads_forty_thousand_rows_like_the_others(tmp_path: Path) -> None:
    folder = tmp_path / "csv" / f"ingest={HOUR}"
    expected = write(folder, 40_000)

    found = by_rev(read_with_serde(folder, tmp_path))

    differences = sum(mine != theirs for mine, theirs in zip(expected, found, strict=True))
    print(f"\n{len(found):,} rows by OpenCSVSerde, {differences} differences")
    assert differences == 0
    assert read_with_csv(folder) == expected
    assert read_with_duckdb(folder) == expected


@pytest.mark.proof
@needs_spark
def test_hives_own_escape_character_would_damage_them(tmp_path: Path) -> None:
    folder = tmp_path / "csv" / f"ingest={HOUR}"
    expected = write(folder, 1_000)

    found = read_with_serde(folder, tmp_path, escape="\\\\")

    whole = sum(values in expected for values in found)
    print(f"\n{1_000 - whole} of 1,000 rows damaged by the backslash")
    assert whole < 900
