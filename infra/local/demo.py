"""The demo: documents go into the source bucket, and what becomes of them is shown as it happens.

Everything shown is read back from the running system by the service's own parts, under the
service's own settings, so Django must be set up with them before this module is imported.
"""

import csv
import io
import json
import queue
import time
from collections.abc import Iterator
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote_plus

from api import wiring
from api.maintenance.lease import held
from api.records import Document, Revision
from api.reports.formats import FORMATS
from api.reports.queries import REPORTS
from infra.local.deliverer import Attempt
from infra.local.inbox import Inbox
from infra.local.provision import DESTINATION_BUCKET, INVOICE_TABLE, SOURCE_BUCKET
from infra.local.screen import Screen, cut, packed
from infra.local.state import INBOX
from infra.local.system import LocalSystem
from invoice_parser.rows import CSV_COLUMNS

SAMPLES = Path(__file__).with_name("samples")
# Where each sample is uploaded to: a key written twice is a correction, other keys are other senders.
UPLOADS = (
    ("space-mechanics/march.txt", "01-canonical.txt"),
    ("kaveri/stabilisers.txt", "02-stabilisers.txt"),
    ("malabar/freight.txt", "03-freight.txt"),
    ("vega/catering.txt", "04-catering.txt"),
    ("vega/catering.txt", "05-catering-corrected.txt"),
    ("utopia/hull-plates.txt", "06-hull-plates.txt"),
    ("space-mechanics/march-again.txt", "07-resent.txt"),
    ("space-mechanics/march-changed.txt", "08-changed.txt"),
    ("kaveri/surge-arrester.txt", "09-which-day.txt"),
    ("vega/coffee.txt", "10-no-total.txt"),
    ("malabar/crates.txt", "11-unreadable-amount.txt"),
    ("malabar/scan.pdf", "12-scan.pdf"),
)
FIRST = ("sm-LK0080145", "inv-00001")
PATIENCE_SECONDS = 30.0
KEY_WIDTH = 34


class Demo:
    """Shows one running system on one screen."""

    def __init__(self, system: LocalSystem, screen: Screen) -> None:
        self._system, self._screen = system, screen
        self._attempts: queue.SimpleQueue[Attempt] = queue.SimpleQueue()
        system.aws.deliverer.observe = self._attempts.put

    def tell(self) -> bool:
        """Upload the samples, show what became of them; tell whether every document is accounted for."""
        screen = self._screen
        screen.title(
            f"{len(UPLOADS)} documents go into the source bucket", "each comes back as a signed POST"
        )
        for key, sample in UPLOADS:
            self._upload(key, (SAMPLES / sample).read_bytes())
        self._show_row()
        self._show_record()
        self._show_rejections()
        self._show_expenses()
        return self._show_balance()

    def watch(self, folder: Path) -> None:
        """Upload what comes into the folder and show what arrives, from wherever, for ever."""
        inbox = Inbox(folder)
        while True:
            for name, data in inbox.new_files():
                self._put(f"{INBOX}/{name}", data)
            self._show_next(0.3)

    def _put(self, key: str, data: bytes) -> tuple[str, str]:
        answer = self._system.aws.client("s3").put_object(Bucket=SOURCE_BUCKET, Key=key, Body=data)
        return key, answer["VersionId"]

    def _upload(self, key: str, data: bytes) -> None:
        """Upload one document and wait until its outcome has been shown."""
        version = self._put(key, data)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            if version in self._show_next(0.5):
                return
        self._screen.line(self._columns(key, "failed", f"no outcome within {PATIENCE_SECONDS:.0f} s"))

    def _show_next(self, wait_seconds: float) -> set[tuple[str, str]]:
        """Show the next delivery; returns the documents whose outcome is durable now."""
        try:
            attempt = self._attempts.get(timeout=wait_seconds)
        except queue.Empty:
            return set()
        versions = set(_versions(attempt))
        for key, version_id in sorted(versions):
            if attempt.is_taken:
                self._screen.line(self._outcome(key, version_id))
            else:
                answer = attempt.status or "no answer"
                again = "SNS tries again" if attempt.may_pass else "SNS gives up"
                self._screen.line(self._columns(key, "failed", f"{answer}, {again}"))
        return versions if attempt.is_taken else set()

    def _outcome(self, key: str, version_id: str) -> str:
        document = wiring.ledger().document(key, version_id)
        if document is None:
            return self._columns(key, "failed", "the ledger does not know it; see the service's log")
        if document.reason:
            return self._columns(key, document.outcome, f"{document.reason.code}{_place(document)}")
        if document.outcome != "stored":
            return self._columns(key, document.outcome, "a newer version was faster")
        revision = _revision(document.customer_id, document.invoice_id, document.rev)
        row = dict(zip(CSV_COLUMNS, _fields_of(revision.row), strict=True))
        rev = f"rev {document.rev}" if document.rev > 1 else ""
        facts = (
            f"{row['customer_id']:13} {row['invoice_id']:13} {row['issue_date']} {row['total_amount']:>12}"
        )
        return self._columns(key, "stored", f"{facts} {row['currency']:4} {rev} {row['findings']}")

    def _columns(self, key: str, outcome: str, facts: str) -> str:
        styled = self._screen.color(f"{outcome:10}", outcome)
        return f"  {cut(key, KEY_WIDTH):{KEY_WIDTH}}  {styled}  {facts}"

    def _show_row(self) -> None:
        revision = _revision(*FIRST)
        row = wiring.destination().get(revision.csv_key)
        self._screen.title("The CSV row", f"s3://{DESTINATION_BUCKET}/{revision.csv_key}")
        quoted = ['"' + field.replace('"', '""') + '"' for field in _fields_of(row)]
        for line in packed(quoted, self._screen.width - 2):
            self._screen.line(f"  {line}")

    def _show_record(self) -> None:
        revision = _revision(*FIRST)
        is_dynamodb = self._system.ledger == "dynamodb"
        store = f"in the table {INVOICE_TABLE}" if is_dynamodb else "in .demo/ledger.sqlite3"
        self._screen.title(f"The {'DynamoDB' if is_dynamodb else 'SQL'} record", store)
        values = ((field.name, getattr(revision, field.name)) for field in fields(revision))
        self._screen.facts((name, _shown(value)) for name, value in values if value is not None)

    def _show_rejections(self) -> None:
        page = wiring.ledger().rejections(open_only=True, limit=100, token=None)
        self._screen.title("The rejections", "each stays until somebody deals with it")
        for document in reversed(page.documents):
            reason = document.reason
            if reason is None:
                continue
            place = f":{reason.line}:{reason.column}" if reason.line else ""
            self._screen.facts([(f"{reason.code:20}", f"{document.source_key}{place}"), ("", reason.message)])

    def _show_expenses(self) -> None:
        self._screen.title("Expenses by date", "summed by DuckDB over the CSV objects, as Athena would")
        report = REPORTS["expenses-by-day"]
        table = b"".join(FORMATS["table"].write(report.columns, wiring.reports().run(report.render({})).rows))
        for line in table.decode().splitlines():
            self._screen.line(f"  {line}")

    def _show_balance(self) -> bool:
        with held(wiring.ledger(), "reconcile", "demo", _now) as lease:
            balance = wiring.reconciler(_now).run(lease, full=True, dry_run=True)
        is_closed = balance.is_closed and not balance.repaired
        self._screen.title(
            "The balance", "every version that was uploaded has one outcome" if is_closed else ""
        )
        self._screen.line(
            f"  {balance.versions} versions uploaded = {balance.stored} stored"
            f" + {balance.superseded} superseded + {balance.rejected} rejected + {balance.pending} pending"
        )
        if balance.repaired:
            self._screen.line(f"  {balance.repaired} CSV objects are missing")
        return is_closed and balance.versions >= len(UPLOADS)


def _versions(attempt: Attempt) -> Iterator[tuple[str, str]]:
    """Yield key and version id of each object that the message speaks of."""
    if attempt.message.type != "Notification":
        return
    event = json.loads(json.loads(attempt.message.body)["Message"])
    for record in event.get("Records", ()):
        named = record["s3"]["object"]
        yield unquote_plus(named["key"]), named.get("versionId", "")


def _revision(customer_id: str, invoice_id: str, rev: int | None = None) -> Revision:
    revision = wiring.ledger().revision(customer_id, invoice_id, rev)
    if revision is None:
        raise LookupError(f"the ledger has no invoice {invoice_id} of {customer_id}")
    return revision


def _fields_of(row: bytes) -> list[str]:
    return next(csv.reader(io.StringIO(row.decode(), newline="")))


def _place(document: Document) -> str:
    return f", line {document.reason.line}" if document.reason and document.reason.line else ""


def _shown(value: object) -> str:
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _now() -> datetime:
    return datetime.now(UTC)
