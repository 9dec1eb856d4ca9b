"""Erase: a customer's texts, rows and objects, from everywhere the service wrote them.

The ledger goes first, since it decides what may still be written; then the objects. The table
in Athena follows with the next compaction, which finds the order in the ledger. Run it again
when something arrived meanwhile: everything is done again and nothing twice.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Protocol

from api.buckets import rejected_key
from api.decision import own_key
from api.maintenance.lease import Lease
from api.records import Act, Erased
from api.stores.erasure import Emptiable, empty_document

CHECKPOINT = "erasures"


class NotErasable(Exception):  # noqa: N818 - it names what is wrong
    """There is no such document to erase by itself; the message says why."""


class ErasableObjects(Protocol):
    """Where CSV objects and copies of rejections are. Every method raises TemporaryFailure."""

    def get(self, key: str) -> bytes:
        """Return an object's bytes."""

    def has(self, key: str) -> bool:
        """Tell whether the object is there."""

    def replace(self, key: str, body: bytes) -> None:
        """Put other bytes in an object's place, and remove every earlier version."""

    def remove(self, key: str) -> None:
        """Remove every version of an object. Safe to repeat."""


class ErasableLedger(Emptiable, Protocol):
    """What an erasure asks of the ledger."""

    def erase(self, customer_id: str, invoice_id: str | None, act: Act) -> Iterator[Erased]:
        """Erase while iterated."""

    def checkpoint(self, name: str) -> str | None:
        """Return what was saved under the name."""

    def save_checkpoint(self, name: str, value: str) -> None:
        """Save a value under the name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """An order to erase: all of a customer's invoices, or one (`invoice_id` not empty)."""

    customer_id: str
    invoice_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Eraser:
    """Erases, and keeps the orders that the next compaction is to follow."""

    ledger: ErasableLedger
    objects: ErasableObjects

    def run(
        self, erasure: Erasure, act: Act, lease: Lease, progress: Callable[[int], None] = lambda _: None
    ) -> int:
        """Erase; return how many revisions and documents. The lease is compaction's."""
        # The order is kept first: should the process die, the table is cleaned all the same.
        self._save((*self.orders(), erasure))
        count = 0
        for erased in self.ledger.erase(erasure.customer_id, erasure.invoice_id or None, act):
            lease.keep()
            self.objects.remove(rejected_key(erased.source_key, erased.version_id))
            remove_rows(self.objects, erased)
            count += 1
            progress(count)
        # A search without a find may outlast the lease, and a compaction then follows the order and
        # takes rows that are gone only now.
        self._save((*self.orders(), erasure))
        return count

    def run_document(self, source_key: str, version_id: str, act: Act) -> None:
        """Erase one document that is not stored: nobody can tell whose it is if it could not be read.

        Raises NotErasable.
        """
        document = self.ledger.document(source_key, version_id)
        if document is None:
            raise NotErasable(f"nothing is known of {source_key} version {version_id}")
        if document.outcome == "stored":
            raise NotErasable(
                f"it is stored: erase the invoice {document.invoice_id} of {document.customer_id}"
            )
        empty_document(self.ledger, source_key, version_id, act)
        self.objects.remove(rejected_key(source_key, version_id))

    def orders(self) -> tuple[Erasure, ...]:
        """Return what compaction has still to erase."""
        saved = self.ledger.checkpoint(CHECKPOINT)
        return tuple(Erasure(**order) for order in json.loads(saved)) if saved else ()

    def done(self) -> None:
        """Forget the orders; whoever erases holds the lease, so none can come between."""
        self._save(())

    def _save(self, orders: tuple[Erasure, ...]) -> None:
        unique = dict.fromkeys(orders)
        self.ledger.save_checkpoint(CHECKPOINT, json.dumps([asdict(order) for order in unique]))


def remove_rows(objects: ErasableObjects, erased: Erased) -> None:
    """Remove a revision's own CSV object, and its row from an import's."""
    if not erased.csv_key:
        return
    own = own_key(erased.csv_key, erased.customer_id, erased.invoice_id, erased.rev)
    objects.remove(own)
    if erased.csv_key != own and objects.has(erased.csv_key):
        rows = objects.get(erased.csv_key)
        kept = _without(rows, erased)
        if kept != rows:
            objects.replace(erased.csv_key, kept)


def _without(rows: bytes, erased: Erased) -> bytes:
    """Return an import's rows without the invoice's; each row stands in one line."""
    return b"".join(
        line
        for line in rows.splitlines(keepends=True)
        if _ids(line) != (erased.customer_id, erased.invoice_id)
    )


def _ids(line: bytes) -> tuple[str, str]:
    # Only the first two cells are read: a row may be longer than the csv module takes. Ids have no quotes.
    cells = line.split(b'"', 4)
    return cells[1].decode(), cells[3].decode()
