"""What must be true of any history once it has come to rest: the invariants, from outside.

Compares what was uploaded and what operators did with what is in the ledger and in the CSV
objects; of how the service decides it knows only the table's last column.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import TypeAlias

from api.acts import ActRefused
from api.maintenance.erase import Erasure
from api.records import Document, Revision
from invoice_parser import row_content
from tests.support.books import active_of, expenses_of, place_of
from tests.support.stepping import Task
from tests.support.uploads import RUBBISH, Upload
from tests.support.witness import tombstone_rev
from tests.support.world import World

Chains: TypeAlias = dict[tuple[str, str], tuple[Revision, ...]]
_CLASHES = {"duplicate-invoice", "conflicting-invoice", "withdrawn-invoice"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """An act that an operator tried; `why` tells it from all others."""

    why: str
    task: Task


class Audit:
    """Looks at a world at rest."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.documents: dict[Upload, Document] = {}
        for upload in world.uploads:
            document = world.ledger.document(*upload.place)
            assert document is not None, f"lost: {upload}"
            self.documents[upload] = document
        current = list(world.ledger.current_revisions())
        self.chains: Chains = {
            (each.customer_id, each.invoice_id): world.ledger.history(each.customer_id, each.invoice_id)[::-1]
            for each in current
        }
        self.expected = active_of(current)
        self.kept = world.sink.kept

    def check(self) -> None:
        """Check all that holds whatever happened."""
        self._check_balance()
        for upload, document in self.documents.items():
            self._check_outcome(upload, document)
        for chain in self.chains.values():
            self._check_chain(chain)
        self._check_erased_objects()
        assert expenses_of(self.world.sink.objects) == self.expected

    def check_winners(self) -> None:
        """Check that the newest version won; true while no operator had a hand in it."""
        for chain in self.chains.values():
            winner = chain[-1]
            if tombstone_rev(chain):
                continue
            rivals = {
                upload: each for upload, each in self.documents.items() if _names(each) == _names(winner)
            }
            own = {upload: each for upload, each in rivals.items() if each.source_key == winner.source_key}
            newest = max(own, key=lambda upload: upload.order)
            assert winner.version_id == newest.version_id, f"{newest} did not win over {winner}"
            assert {each.outcome for each in own.values()} <= {"stored", "superseded"}
            others = {each.outcome for upload, each in rivals.items() if upload not in own}
            assert others <= {"rejected"}

    def check_acts(self, tries: Sequence[Try]) -> None:
        """Check that each act that was done is kept once, and that one that was refused is not."""
        in_documents = Counter(act.why for each in self.documents.values() for act in each.acts)
        in_revisions = Counter(each.act.why for chain in self.chains.values() for each in chain if each.act)
        for act in tries:
            kept = in_documents[act.why], in_revisions[act.why]
            assert max(kept) <= 1, f"{act.why} happened twice"
            if isinstance(act.task.error, ActRefused):
                assert kept == (0, 0), f"{act.why} was refused and happened: {act.task.error}"
            elif act.task.error is None:
                was_idle = act.task.answer is None  # reprocessing found the same content
                assert max(kept) == (0 if was_idle else 1), f"{act.why} did not happen"

    def _check_balance(self) -> None:
        balance = self.world.reconcile()
        if balance.earlier:  # so that all are counted; looking back a day at each audit takes long
            balance = self.world.reconcile(full=True)
        assert balance.is_closed, balance
        assert (balance.processed, balance.repaired) == (0, 0), balance
        assert balance.versions == balance.stored + balance.superseded + balance.rejected, balance
        assert balance.versions == sum(1 for _ in self.world.bucket.list_versions())

    def _check_outcome(self, upload: Upload, document: Document) -> None:
        code = document.reason.code if document.reason else ""
        if code == "expired-before-processed":
            assert document.outcome == "rejected"
            assert not self.world.holds(upload), f"it is there: {upload}"
            return
        if upload.amount == RUBBISH:
            assert (document.outcome, code) == ("rejected", "bad-amount")
        chain = self.chains.get(_names(document), ())
        if document.outcome == "stored":
            (revision,) = [each for each in chain if each.rev == document.rev]
            assert (revision.source_key, revision.version_id) == upload.place
            if revision.data is None:
                is_buried = revision.rev < tombstone_rev(chain)
                assert is_buried or self.world.is_dropped(revision.stored_at), f"text lost: {revision}"
                assert not is_buried or (is_erased(document) and not document.sha256), document
            else:
                assert revision.data == upload.data
        elif is_erased(document):
            assert (document.data, document.sha256, document.is_open) == (None, "", False), document
        else:
            self._check_unstored(upload, document, code, chain)

    def _check_unstored(
        self, upload: Upload, document: Document, code: str, chain: tuple[Revision, ...]
    ) -> None:
        if document.data is None:
            assert self.world.is_dropped(document.recorded_at), f"the bytes are not kept: {document}"
        else:
            assert document.data == upload.data, f"other bytes are kept: {document}"
        if document.outcome == "superseded":
            assert self._newer_stored(upload, document), f"superseded by nothing: {upload}"
            return
        # In memory a copy is where it was copied from, in S3 it is the bytes.
        assert self.kept[upload.place] in ((upload.bucket, upload.key), upload.data)
        self._check_clash(upload, document, code, chain)

    def _check_erased_objects(self) -> None:
        """Check that no object has a row of an invoice from before it was erased."""
        for key, data in self.world.sink.objects.items():
            for row in data.splitlines(keepends=True):
                customer_id, invoice_id, rev = place_of(row)
                chain = self.chains.get((customer_id, invoice_id), ())
                assert rev >= tombstone_rev(chain), f"erased, and still in {key}: {row!r}"

    def _newer_stored(self, upload: Upload, document: Document) -> list[Upload]:
        return [
            each
            for each, other in self.documents.items()
            if each.source_key == upload.source_key
            and each.order > upload.order
            and other.outcome == "stored"
            and _names(other) == _names(document)
        ]

    def _check_clash(
        self, upload: Upload, document: Document, code: str, chain: tuple[Revision, ...]
    ) -> None:
        others = [each for each in chain if each.source_key != document.source_key]
        amounts = {each.place: each.amount for each in self.documents}
        if upload.amount != RUBBISH:
            assert code in _CLASHES, document
        if code == "conflicting-invoice":
            assert any(each.data != upload.data for each in others), f"no conflict: {document}"
        if code == "duplicate-invoice":
            same = [each for each in others if amounts[each.source_key, each.version_id] == upload.amount]
            assert same, f"no double: {document}"
        if code == "withdrawn-invoice":
            assert any(each.status == "withdrawn" for each in chain), f"not withdrawn: {document}"

    def _check_chain(self, chain: tuple[Revision, ...]) -> None:
        """Check each revision against the one before it."""
        assert [each.rev for each in chain] == list(range(1, len(chain) + 1))
        for each in chain[: max(tombstone_rev(chain) - 1, 0)]:
            assert (each.row, each.data, each.sha256) == (b"", None, ""), f"not erased: {each}"
        orders = {upload.place: upload.order for upload in self.documents}
        for before, after in pairwise(chain):
            old, new = ((each.source_key, each.version_id) for each in (before, after))
            if after.act is None or after.act.who == "docproc":
                assert after.status == before.status, f"a machine undid an act: {before} {after}"
            if after.act is None:
                assert before.status == "active", f"a machine changed a withdrawn invoice: {after}"
                assert after.source_key == before.source_key
                assert orders[new] > orders[old], f"an older version won: {after}"
            elif after.act.kind == "erase":
                assert (after.status, after.row, after.data, old) == ("withdrawn", b"", None, new), after
            elif after.act.kind == "repair":
                assert old == new
                if before.row or after.row:  # else both are erased
                    assert row_content(after.row) == row_content(before.row)
            elif after.act.kind in {"withdraw", "restore"}:
                assert old == new
                assert after.status != before.status


def check_erased(
    world: World, erasure: Erasure, places: Iterable[tuple[str, str]], *, is_quiet: bool
) -> None:
    """Check that of these documents, known before, nothing is left that names whom somebody erased.

    Unless all else was quiet meanwhile, a delivery may have copied one once more; erasing again helps.
    """
    kept = world.sink.kept
    for place in places:
        document = world.ledger.document(*place)
        assert document is not None, f"forgotten: {place}"
        is_meant = document.customer_id == erasure.customer_id
        if is_meant and erasure.invoice_id in ("", document.invoice_id):
            assert is_erased(document), f"not erased: {document}"
            assert (document.data, document.sha256, document.is_open) == (None, "", False), document
            assert not document.reason or not document.reason.message, document
            assert not is_quiet or place not in kept, f"the copy of an erased document is there: {place}"


def check_dropped(world: World, before: datetime) -> None:
    """Check that no text is left of what was recorded before."""
    for upload in world.uploads:
        document = world.ledger.document(*upload.place)
        if document and document.recorded_at < before:
            assert document.data is None, f"kept too long: {document}"
    for current in list(world.ledger.current_revisions()):
        for revision in world.ledger.history(current.customer_id, current.invoice_id):
            assert revision.stored_at >= before or revision.data is None, f"kept too long: {revision}"


def is_erased(document: Document) -> bool:
    """Tell whether an operator erased what the document says."""
    return any(act.kind == "erase" for act in document.acts)


def _names(record: Document | Revision) -> tuple[str, str]:
    return record.customer_id, record.invoice_id
