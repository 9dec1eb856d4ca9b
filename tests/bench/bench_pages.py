"""How long the pages make one wait, and how much they send, over many invoices.

    python tests/bench/bench_pages.py [--invoices 100000]

The whole local system under gunicorn, the SQL ledger and DuckDB, compacted. `first` is the time to
the first byte of an answer that nobody asked for before, `again` of the same one asked again (the
median of nine); `bytes` are the page's, before any compression.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import requests

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from infra.local.provision import DESTINATION_BUCKET, SOURCE_BUCKET
from infra.local.system import LocalSystem, running
from tests.support import showcase
from tests.support.browsing import login_link

ROOT = Path(__file__).resolve().parents[2]
# An hour that compaction looks at and the tail no longer: the rows are surely compacted.
HOUR = "2026-01-01-00"
ROWS_PER_OBJECT = 5_000
PAGES = {
    "overview": "/",
    "expenses, 30 days": "/expenses",
    "expenses, all time": "/expenses?from=&to=",
    "expenses by seller": "/expenses?from=&to=&group=seller",
    "invoices": "/invoices",
    "invoices, searched": "/invoices?text=kav&least=1000&finding=*",
    "invoice": "/invoice?customer={customer}&invoice={invoice}",
    "rejections": "/rejections",
    "upload": "/upload?batch={batch}",
    "reports": "/reports",
    "tax summary": "/reports/tax-summary",
    "account": "/account",
}


def fill(system: LocalSystem, count: int) -> tuple[str, str]:
    """Put so many invoices into the ledger and the bucket; return the ids of one of them."""
    os.environ.update(system.settings)
    import django  # noqa: PLC0415 - its settings are known only now

    django.setup()
    from api import models  # noqa: PLC0415 - the same
    from api.decision import Arrival, csv_key, revision_of  # noqa: PLC0415 - the same
    from api.records import Document  # noqa: PLC0415 - the same
    from api.stores.sql_rows import document_columns, revision_columns  # noqa: PLC0415 - the same
    from invoice_parser import parse  # noqa: PLC0415 - the same

    now = datetime.now(UTC)
    rows: list[bytes] = []
    documents: list[Any] = []
    revisions: list[Any] = []
    put = system.aws.client("s3").put_object
    for number, (key, data) in enumerate(showcase.invoices(now.date(), count, days=720)):
        document = Document(
            source_key=key, version_id=f"v{number}", outcome="stored", recorded_at=now, sha256="ab" * 32
        )
        arrival = Arrival(document=document, invoice=parse(data), data=data, listed=tuple)
        revision = revision_of(arrival, rev=1, status="active", act=None)
        rows.append(revision.row)
        documents.append(models.Document(**document_columns(document)))
        revisions.append(models.Revision(**revision_columns(revision)))
        if len(rows) == ROWS_PER_OBJECT or number == count - 1:
            name = csv_key("bulk", f"part-{number}", 1, now).replace(f"{now:%Y-%m-%d-%H}", HOUR)
            put(Bucket=DESTINATION_BUCKET, Key=name, Body=b"".join(rows))
            models.Document.objects.using("ledger").bulk_create(documents, batch_size=500)
            models.Revision.objects.using("ledger").bulk_create(revisions, batch_size=500)
            rows, documents, revisions = [], [], []
    return arrival.invoice.customer_id, arrival.invoice.invoice_id


def sign_in(system: LocalSystem) -> requests.Session:
    """Return a session of an operator."""
    session = requests.Session()
    session.trust_env = False
    session.get(login_link(system), timeout=30).raise_for_status()
    return session


def measure(session: requests.Session, base: str, address: str) -> Iterator[tuple[float, int]]:
    """Yield milliseconds to the first byte and the bytes of ten answers, the first one first."""
    for _ in range(10):
        answer = session.get(base + address, timeout=60, stream=True)
        answer.raise_for_status()
        yield answer.elapsed.total_seconds() * 1000, len(answer.content)


def main() -> None:
    """Fill, compact, ask."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--invoices", type=int, default=100_000)
    count = parser.parse_args().invoices
    with tempfile.TemporaryDirectory() as folder, running(Path(folder), ledger="sqlite") as system:
        started = time.perf_counter()
        customer, invoice = fill(system, count)
        for key, data in (("a.txt", b"no invoice"), ("b.txt", showcase.hostile())):
            system.aws.client("s3").put_object(Bucket=SOURCE_BUCKET, Key=key, Body=data)
        system.service.manage("compact")
        print(f"{count} invoices filled and compacted in {time.perf_counter() - started:.0f} s")
        session = sign_in(system)
        batch = session.get(f"{system.service.url}/upload", timeout=30).url.partition("batch=")[2]
        print(f"{'page':20} {'first':>9} {'again':>9} {'bytes':>8}")
        for name, address in PAGES.items():
            asked = address.format(customer=customer, invoice=invoice.replace("/", "%2F"), batch=batch)
            first, *others = measure(session, system.service.url, asked)
            again = statistics.median(ms for ms, _ in others)
            print(f"{name:20} {first[0]:6.0f} ms {again:6.0f} ms {first[1]:8}")


if __name__ == "__main__":
    main()
