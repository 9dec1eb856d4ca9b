"""What an erasure removes beside the ledger's own texts and rows."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pytest

from api.maintenance.erase import Eraser, Erasure, NotErasable
from api.maintenance.lease import held
from api.records import Act, Change, Document, Erased, Reason, Seen
from tests.support.memory import NOON, MemoryLedger

HOUR = "csv/v1/ingest=2026-11-21-12"
ACT = Act(kind="erase", who="anna", why="asked to", at=NOON)


@dataclass
class Ledger(MemoryLedger):
    """A ledger that knows two revisions and a rejection of C-1."""

    erased: tuple[Erased, ...] = ()

    def erase(self, customer_id: str, invoice_id: str | None, act: Act) -> Iterator[Erased]:
        assert (customer_id, invoice_id, act) == ("C-1", None, ACT)
        yield from self.erased


@dataclass
class Objects:
    """Objects by key."""

    bodies: dict[str, bytes] = field(default_factory=dict)

    def get(self, key: str) -> bytes:
        return self.bodies[key]

    def has(self, key: str) -> bool:
        return key in self.bodies

    def replace(self, key: str, body: bytes) -> None:
        self.bodies[key] = body

    def remove(self, key: str) -> None:
        self.bodies.pop(key, None)


def run(ledger: Ledger, objects: Objects) -> int:
    """Erase all of C-1."""
    with held(ledger, "compact", "me", lambda: NOON) as lease:
        return Eraser(ledger=ledger, objects=objects).run(Erasure(customer_id="C-1"), ACT, lease)


def erased(csv_key: str = "", rev: int = 0) -> Erased:
    """Return what the ledger says was erased."""
    return Erased(
        customer_id="C-1",
        invoice_id="INV-1",
        source_key="in/a.txt",
        version_id="v1",
        rev=rev,
        csv_key=csv_key,
    )


class TestEraser:
    def test_removes_the_object_of_each_revision(self) -> None:
        own, other = f"{HOUR}/C-1_INV-1-r000001.csv", f"{HOUR}/C-2_INV-1-r000001.csv"
        objects = Objects({own: b"row", other: b"row"})

        count = run(Ledger(erased=(erased(own, 1),)), objects)

        assert count == 1
        assert list(objects.bodies) == [other]

    def test_removes_the_copy_of_a_rejection(self) -> None:
        objects = Objects({"rejected/in/a.txt/v1": b"text"})

        run(Ledger(erased=(erased(),)), objects)

        assert objects.bodies == {}

    def test_takes_only_the_customers_rows_out_of_an_imports_object(self) -> None:
        batch, repaired = f"{HOUR}/import-1.csv", f"{HOUR}/C-1_INV-1-r000001.csv"
        mine, others = b'"C-1","INV-1","x"\n', b'"C-2","INV-1","a ""b"""\n"C-1","INV-2","y"\n'
        objects = Objects({batch: mine + others, repaired: mine})

        run(Ledger(erased=(erased(batch, 1),)), objects)

        assert objects.bodies == {batch: others}

    def test_reads_rows_of_any_length(self) -> None:
        batch = f"{HOUR}/import-1.csv"
        others = b'"C-2","INV-1","' + b"x" * 300_000 + b'"\n'
        objects = Objects({batch: b'"C-1","INV-1","y"\n' + others})

        run(Ledger(erased=(erased(batch, 1),)), objects)

        assert objects.bodies == {batch: others}

    def test_keeps_the_order_for_the_next_compaction_until_it_is_done(self) -> None:
        ledger = Ledger()
        run(ledger, Objects())
        run(ledger, Objects())
        eraser = Eraser(ledger=ledger, objects=Objects())

        before = eraser.orders()
        eraser.done()

        assert before == (Erasure(customer_id="C-1"),)
        assert eraser.orders() == ()

    def test_keeps_the_order_when_a_compaction_came_between(self) -> None:
        objects = Objects()
        own = f"{HOUR}/C-1_INV-1-r000001.csv"

        class Slow(Ledger):
            def erase(self, customer_id: str, invoice_id: str | None, act: Act) -> Iterator[Erased]:
                Eraser(ledger=self, objects=objects).done()  # the table was cleaned while the row still stood
                yield from super().erase(customer_id, invoice_id, act)

        ledger = Slow(erased=(erased(own, 1),))
        run(ledger, objects)

        assert Eraser(ledger=ledger, objects=objects).orders() == (Erasure(customer_id="C-1"),)


class TestOneDocument:
    def test_empties_a_rejection_that_names_nobody_and_removes_its_copy(self) -> None:
        ledger, objects = Ledger(), Objects({"rejected/in/a.txt/v1": b"text", "rejected/in/a.txt/v2": b"x"})
        reason = Reason(code="bad-amount", message="Total: “Ann owes 5” is no amount", line=3)
        ledger.commit(Change(document=_rejection(reason), revision=None, seen=Seen()))

        Eraser(ledger=ledger, objects=objects).run_document("in/a.txt", "v1", ACT)

        document = ledger.document("in/a.txt", "v1")
        assert document is not None
        assert (document.data, document.sha256, document.is_open, document.acts) == (None, "", False, (ACT,))
        assert document.reason == Reason(code="bad-amount", message="", line=3)
        assert list(objects.bodies) == ["rejected/in/a.txt/v2"]

    def test_refuses_what_is_stored(self) -> None:
        ledger = Ledger()
        stored = replace(
            _rejection(None), outcome="stored", customer_id="C-1", invoice_id="INV-1", is_open=False
        )
        ledger.commit(Change(document=stored, revision=None, seen=Seen()))

        with pytest.raises(NotErasable, match="erase the invoice INV-1 of C-1"):
            Eraser(ledger=ledger, objects=Objects()).run_document("in/a.txt", "v1", ACT)

        assert ledger.document("in/a.txt", "v1") == stored

    def test_refuses_what_nobody_knows(self) -> None:
        with pytest.raises(NotErasable, match="nothing is known"):
            Eraser(ledger=Ledger(), objects=Objects()).run_document("in/b.txt", "v1", ACT)


def _rejection(reason: Reason | None) -> Document:
    return Document(
        source_key="in/a.txt",
        version_id="v1",
        outcome="rejected",
        recorded_at=NOON,
        reason=reason,
        sha256="ab" * 32,
        data=b"Ann owes 5",
        is_open=True,
    )
