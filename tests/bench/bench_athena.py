"""How reports grow: one object per invoice against one table; what it takes here, what it costs there.

    python tests/bench/bench_athena.py [--objects 100000] [--rows 10000000]

Times are of this machine, only their ratios within one run mean anything. The dollars are computed
from api/reports/prices.py, and from the bytes that the same columns take as Parquet.
"""

import argparse
import io
import math
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from api.reports.compaction import compact
from api.reports.duck import DuckEngine, compacting, describe
from api.reports.prices import GET_1000, LIST_1000, PRICES_DATE, scan_dollars
from api.reports.queries import REPORTS
from api.reports.raw import RawObjects
from api.reports.tables import OVERLAP

BY_DAY = REPORTS["expenses-by-day"].render({})
COMPACTED_ONLY = BY_DAY.replace("FROM expenses\nWHERE", "FROM invoices\nWHERE status = 'active' AND")
NOON = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
TAIL = 1_000
REISSUED = 10

# `i` is the invoice's number; what it says of itself is scattered as if by chance, for ids that count
# up and amounts in a row would pack far better than real ones. mixed() does the same in Python.
SCATTER = """
CREATE OR REPLACE TEMP MACRO once(x) AS (xor(x, x >> 16) * 73244475) % 4294967296;
CREATE OR REPLACE TEMP MACRO mixed(x) AS once(once(x));
"""
FILL = """
INSERT INTO lake.invoices
SELECT 'C-' || (mixed(i + 1000000000) % 5000), 'INV-' || lpad(CAST(mixed(i) AS varchar), 10, '0'),
    DATE '2010-01-01' + CAST(i * 5800 // $3 AS integer),
    'Seller ' || (mixed(i + 2000000000) % 20000), 'Buyer ' || (mixed(i) % 50),
    net, tax, net + tax,
    'Rupees ' || mixed(i) || ' only',
    CASE mixed(i) % 3 WHEN 0 THEN 'EUR' WHEN 1 THEN 'INR' ELSE '' END,
    tax, 0, 0, 0, 0,
    '[{"line_number":1,"description":"Part ' || (mixed(i) % 90000)
        || '","net_amount":"1.00","tax_amount":null}]',
    '', CASE mixed(i) % 100 WHEN 0 THEN 'withdrawn' ELSE 'active' END, 1 + CAST(i % 97 = 0 AS integer),
    'inbox/' || mixed(i) || '.txt',
    '2026-01-' || lpad(CAST(1 + i % 28 AS varchar), 2, '0') || 'T11:00:00.000000Z', 1
FROM (
    SELECT i, CAST(mixed(i + 3000000000) % 10000000 / 100.0 AS decimal(18,2)) AS net,
        CAST(mixed(i + 3000000000) % 10000000 * 18 // 100 / 100.0 AS decimal(18,2)) AS tax
    FROM range($1, $2) AS numbers (i)
) AS amounts
"""
# What Athena reads of `invoices` for expenses by day: alone, and the ids more for the view.
ALONE_COLUMNS = "status, issue_date, currency, net_amount, tax_amount, total_amount"
VIEW_COLUMNS = f"customer_id, invoice_id, {ALONE_COLUMNS}"
# Compaction's timer: on average a query comes half an hour after it moved the tail's beginning.
COMPACT_EVERY_HOURS = 1


class Folder:
    """A bucket in a folder: one file an object, so one file opened a GET."""

    def __init__(self, root: Path) -> None:
        self.root, self.opened, self.read_bytes = root, 0, 0

    def put(self, key: str, data: bytes) -> None:
        path = self.root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def list_keys(self, prefix: str, start_after: str) -> Iterator[str]:
        for folder in sorted((self.root / prefix).parent.glob("ingest=*")):
            if f"{folder.relative_to(self.root)}0" < start_after:
                continue  # as S3 begins its listing where it is told
            for path in sorted(folder.iterdir()):
                key = str(path.relative_to(self.root))
                if key > start_after:
                    yield key

    def get(self, key: str) -> bytes:
        data = (self.root / key).read_bytes()
        self.opened, self.read_bytes = self.opened + 1, self.read_bytes + len(data)
        return data


def mixed(number: int) -> int:
    """Return another number of 32 bits for each one of 32 bits."""
    for _ in range(2):
        number = ((number ^ (number >> 16)) * 73244475) % 2**32
    return number


def row(number: int, rev: int = 1) -> bytes:
    day = f"{2010 + number % 15}-{number % 12 + 1:02d}-{number % 28 + 1:02d}"
    values = [
        f"C-{mixed(number + 1000000000) % 5000}",
        f"INV-{mixed(number):010d}",
        day,
        f"Seller {number % 2000}",
        "Buyer",
        "100.00",
    ]
    values += [
        "18.00",
        "118.00",
        "One hundred eighteen only",
        "INR",
        "9.00",
        "9.00",
        "0.00",
        "0.00",
        "0.00",
        "[]",
    ]
    values += ["", "active", str(rev), f"inbox/{number}.txt", "2026-03-01T11:00:00.000000Z", "1"]
    return ('"' + '","'.join(values) + '"\n').encode()


def seconds(work: Callable[[], object], times: int = 1) -> float:
    """Return the best of some tries."""
    took = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        took.append(time.perf_counter() - start)
    return min(took)


def ask(engine: DuckEngine, sql: str, times: int = 1) -> float:
    return seconds(lambda: list(engine.run(sql).rows), times)


def ask_in_turn(*questions: tuple[DuckEngine, str], times: int = 12) -> list[float]:
    """Return the best of some tries of each, which all have their share of what else the machine does."""
    took = [[ask(engine, sql) for engine, sql in questions] for _ in range(times)]
    return [min(column) for column in zip(*took, strict=True)]


def growth(sizes: list[int], times: list[float]) -> str:
    """Return b of time = a * size**b, by least squares on logarithms."""
    if len(sizes) == 1:
        return "?"
    xs, ys = [math.log(size) for size in sizes], [math.log(took) for took in times]
    x, y = sum(xs) / len(xs), sum(ys) / len(ys)
    products = [(a - x) * (b - y) for a, b in zip(xs, ys, strict=True)]
    return f"{sum(products) / sum((a - x) ** 2 for a in xs):.2f}"


def line(*cells: object) -> None:
    print("".join(f"{cell:>16,}" if isinstance(cell, int) else f"{cell:>16}" for cell in cells), flush=True)


def compact_all(bucket: Folder, path: Path) -> None:
    with compacting(RawObjects(bucket), path) as tables:
        compact(tables, NOON)


def bench_raw(scratch: Path, size: int) -> float:
    """Ask over raw objects alone, by a new process and by one that has read them; compact, ask again."""
    bucket, path = Folder(scratch / f"raw{size}"), scratch / f"raw{size}.duckdb"
    for number in range(size):
        bucket.put(f"csv/v1/ingest=2026-02-{number % 28 + 1:02d}-11/C_{number:09d}-r000001.csv", row(number))
    engine = DuckEngine(RawObjects(bucket), path)
    first = ask(engine, BY_DAY)
    opened, read_bytes = bucket.opened, bucket.read_bytes
    again = ask(engine, BY_DAY, 3)
    merging = seconds(lambda: compact_all(bucket, path))
    then = ask(DuckEngine(RawObjects(bucket), path), BY_DAY, 3)
    line(size, f"{first:.3f}", f"{again:.3f}", opened, read_bytes, f"{merging:.3f}", f"{then:.3f}")
    return first


def fill(path: Path, rows: int) -> None:
    """Make the tables, and put that many rows into `invoices` by SQL."""
    compact_all(Folder(path.parent / "none"), path)
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{path}' AS lake")
        connection.execute(SCATTER)
        for first in range(0, rows, 1_000_000):
            connection.execute(FILL, [first, min(first + 1_000_000, rows), rows])
        connection.execute("USE lake")
        describe(connection)


def tail(scratch: Path, rows: int, reissued: int) -> Folder:
    """Return a tail of new invoices, some of which are reissues of compacted ones."""
    bucket = Folder(scratch / f"tail{rows}-{reissued}")
    for number in range(TAIL):
        data = row(number * 997 % rows, rev=3) if number < reissued else row(10**8 + number)
        bucket.put(f"csv/v1/ingest=2026-03-01-11/t_{number:09d}-r000001.csv", data)
    return bucket


def bench_compacted(scratch: Path, size: int) -> float:
    """Ask the compacted table alone, then the view, with a small tail without and with reissues.

    The first question after a reissue looks for the rows that it replaces.
    """
    path = scratch / f"compacted{size}.duckdb"
    fill(path, size)
    plain = DuckEngine(RawObjects(tail(scratch, size, 0)), path)
    reissuing = DuckEngine(RawObjects(tail(scratch, size, REISSUED)), path)
    ask(plain, COMPACTED_ONLY)
    first = ask(reissuing, BY_DAY)
    alone, fresh, view = ask_in_turn((plain, COMPACTED_ONLY), (plain, BY_DAY), (reissuing, BY_DAY))
    amounts = [pa.array(range(size), pa.int64())] * 3
    limit = seconds(lambda: [pc.sum(column) for column in amounts], 5)
    ratios = [f"{fresh:.3f}", f"{fresh / alone:.2f}", f"{first:.3f}", f"{view:.3f}", f"{view / alone:.2f}"]
    line(size, f"{alone:.3f}", *ratios, f"{limit:.3f}", path.stat().st_size)
    return alone


def bytes_per_row(path: Path, columns: str) -> float:
    """Return what the columns take in Parquet with zstd, in order of issue."""
    with duckdb.connect(str(path), read_only=True) as connection:
        found = connection.sql("FROM invoices").order("issue_date").limit(1_000_000).project(columns)
        table: pa.Table = found.to_arrow_table()
    file = io.BytesIO()
    pq.write_table(table, file, compression="zstd", row_group_size=50_000)
    return file.tell() / len(table)


def print_dollars(alone: float, view: float) -> None:
    """Print what one query of expenses by day over a year costs at Athena, its tail included."""
    print(f"\nbytes a row: {alone:.1f} of the table alone, {view:.1f} of the view, ratio {view / alone:.2f}")
    # The tail begins at a full hour, which passes behind the overlap just before compaction runs.
    hours = OVERLAP / timedelta(hours=1) + COMPACT_EVERY_HOURS / 2
    print(f"dollars a query over one year, prices of {PRICES_DATE}, by a tail of {hours:.2f} hours")
    line(
        "invoices a day",
        "scanned bytes",
        "scan $",
        "tail objects",
        "GET + LIST $",
        "sum $",
        "raw only: GET $",
    )
    for daily in (100_000, 1_000_000, 10_000_000):
        rows, objects = daily * 365, int(daily * hours / 24)
        scanned = int(rows * view)
        lists = math.ceil(hours) * math.ceil(objects / hours / 1000)
        requests = 2 * (objects * GET_1000 + lists * LIST_1000) / 1000  # both branches read the tail
        scan, raw = scan_dollars(scanned), rows * GET_1000 / 1000
        line(
            daily, scanned, f"{scan:.5f}", objects, f"{requests:.5f}", f"{scan + requests:.5f}", f"{raw:.2f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--objects", type=int, default=100_000)
    parser.add_argument("--rows", type=int, default=10_000_000)
    arguments = parser.parse_args()
    objects = [size for size in (1_000, 10_000, 100_000) if size <= arguments.objects]
    rows = [size for size in (1_000_000, 10_000_000) if size <= arguments.rows]
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        line("raw objects", "first s", "again s", "files opened", "bytes read", "compact s", "then s")
        firsts = [bench_raw(scratch, size) for size in objects]
        print(f"first: time grows as objects^{growth(objects, firsts)}\n")
        line(
            "compacted rows",
            "table s",
            "view s",
            "ratio",
            "reissues first",
            "then",
            "ratio",
            "sums alone s",
            "file bytes",
        )
        alones = [bench_compacted(scratch, size) for size in rows]
        print(f"table: time grows as rows^{growth(rows, alones)}; {REISSUED} of {TAIL} tail rows reissue")
        print("sums alone: three columns of 64-bit integers in memory, the least that such a sum can take")
        path = scratch / f"compacted{rows[0]}.duckdb"
        print_dollars(bytes_per_row(path, ALONE_COLUMNS), bytes_per_row(path, VIEW_COLUMNS))


if __name__ == "__main__":
    main()
