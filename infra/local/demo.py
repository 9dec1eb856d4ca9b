"""The demo: documents go into the source bucket, and what becomes of each is shown as it happens.

What is shown is read back from the running system by the service's own parts, under the
service's own settings, so Django must be set up with them before this module is imported.
"""

import json
import queue
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote_plus

from api import wiring
from api.records import Document
from infra.local.deliverer import Attempt
from infra.local.inbox import Inbox
from infra.local.provision import SOURCE_BUCKET
from infra.local.screen import Screen, cut
from infra.local.state import INBOX
from infra.local.system import LocalSystem
from invoice_parser import read_row
from invoice_parser.wording import printable

SAMPLES = Path(__file__).with_name("samples")
# Key, sample, and what is to become of it. A key written twice is a correction by its sender;
# the same invoice under another key is a duplicate, or a conflict that somebody must look at.
UPLOADS = (
    ("space-mechanics/march.txt", "01-canonical.txt", "stored"),
    ("kaveri/stabilisers.txt", "02-stabilisers.txt", "stored"),
    ("malabar/freight.txt", "03-freight.txt", "stored"),
    ("vega/catering.txt", "04-catering.txt", "stored"),
    ("vega/catering.txt", "05-catering-corrected.txt", "stored"),
    ("utopia/hull-plates.txt", "06-hull-plates.txt", "stored"),
    ("space-mechanics/march-again.txt", "07-resent.txt", "duplicate-invoice"),
    ("space-mechanics/march-changed.txt", "08-changed.txt", "conflicting-invoice"),
    ("kaveri/surge-arrester.txt", "09-which-day.txt", "ambiguous-date"),
    ("vega/coffee.txt", "10-no-total.txt", "missing-field"),
    ("malabar/crates.txt", "11-unreadable-amount.txt", "bad-amount"),
    ("malabar/scan.pdf", "12-scan.pdf", "not-text"),
)
PATIENCE_SECONDS = 30.0
KEY_WIDTH = 34


class Demo:
    """Shows what arrives in one running system on one screen."""

    def __init__(self, system: LocalSystem, screen: Screen) -> None:
        self._system, self._screen = system, screen
        self._attempts: queue.SimpleQueue[Attempt] = queue.SimpleQueue()
        system.aws.deliverer.observe = self._attempts.put

    def upload_samples(self) -> bool:
        """Upload them one after another; tell whether each became what it was to become."""
        self._screen.title(
            f"{len(UPLOADS)} documents go into the source bucket", "each comes back as a signed message"
        )
        became = [self._upload(key, SAMPLES / sample, expected) for key, sample, expected in UPLOADS]
        return all(became)

    def watch(self, folder: Path) -> None:
        """Upload what comes into the folder and show what arrives, from wherever; ends by Ctrl-C."""
        inbox = Inbox(folder)
        while True:
            for name, data in inbox.new_files():
                self._put(f"{INBOX}/{name}", data)
            self._show_next(0.3)

    def _put(self, key: str, data: bytes) -> tuple[str, str]:
        answer = self._system.aws.client("s3").put_object(Bucket=SOURCE_BUCKET, Key=key, Body=data)
        return key, answer["VersionId"]

    def _upload(self, key: str, sample: Path, expected: str) -> bool:
        """Upload one document and wait until its outcome has been shown."""
        version = self._put(key, sample.read_bytes())
        deadline = time.monotonic() + PATIENCE_SECONDS
        while version not in self._show_next(0.5):
            if time.monotonic() > deadline:
                self._show(key, "failed", f"no outcome within {PATIENCE_SECONDS:.0f} s")
                return False
        document = wiring.ledger().document(*version)
        outcome = _outcome(document) if document else "unknown"
        if outcome != expected:
            self._show(key, "failed", f"it was to be {expected}")
        return outcome == expected

    def _show_next(self, wait_seconds: float) -> set[tuple[str, str]]:
        """Show the next delivery; returns the documents whose outcome is durable now."""
        try:
            attempt = self._attempts.get(timeout=wait_seconds)
        except queue.Empty:
            return set()
        versions = set(_versions(attempt))
        for key, version_id in sorted(versions):
            if attempt.is_taken:
                self._show_outcome(key, version_id)
            else:
                answer = attempt.status or "no answer"
                self._show(
                    key, "failed", f"{answer}, SNS {'tries again' if attempt.may_pass else 'gives up'}"
                )
        return versions if attempt.is_taken else set()

    def _show_outcome(self, key: str, version_id: str) -> None:
        document = wiring.ledger().document(key, version_id)
        if document is None:
            self._show(key, "failed", "the ledger does not know it")
        elif document.outcome == "stored":
            self._show(key, "stored", _stored(document))
        else:
            line = f", line {document.reason.line}" if document.reason and document.reason.line else ""
            self._show(key, document.outcome, _outcome(document) + line)

    def _show(self, key: str, outcome: str, facts: str) -> None:
        styled = self._screen.color(f"{outcome:10}", outcome)
        self._screen.line(f"  {cut(key, KEY_WIDTH):{KEY_WIDTH}}  {styled}  {printable(facts)}")


def _outcome(document: Document) -> str:
    return document.reason.code if document.reason else document.outcome


def _stored(document: Document) -> str:
    revision = wiring.ledger().revision(document.customer_id, document.invoice_id, document.rev)
    if revision is None:
        return "its revision is missing"
    row = read_row(revision.row)
    rev = f"rev {document.rev}" if document.rev > 1 else ""
    who = f"{row['customer_id']:13} {row['invoice_id']:13} {row['issue_date']}"
    return f"{who} {row['total_amount']:>12} {row['currency']:3}  {rev}  {row['findings']}"


def _versions(attempt: Attempt) -> Iterator[tuple[str, str]]:
    """Yield key and version id of each object that the message speaks of."""
    if attempt.message.type != "Notification":
        return
    try:
        event = json.loads(json.loads(attempt.message.body)["Message"])
        for record in event.get("Records", ()):
            named = record["s3"]["object"]
            yield unquote_plus(named["key"]), named.get("versionId", "")
    except (ValueError, TypeError, KeyError, AttributeError):
        return  # somebody published a message of their own
