"""Histories of uploads, deliveries, faults, deaths and acts, against a plain model."""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import pytest
from django.db import connections
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from api import decision
from api.maintenance.reconcile import Reconciler
from api.pipeline import Pipeline
from tests.support.history import Histories
from tests.support.ledgers import RealLedger
from tests.support.memory import MemoryLedger
from tests.support.world import World

QUICK = settings(
    max_examples=50,
    stateful_step_count=50,
    deadline=None,
    derandomize=True,
    database=None,
    report_multiple_bugs=False,
)
LONG = settings(QUICK, stateful_step_count=100, derandomize=False)
HUNT = settings(QUICK, max_examples=1000, phases=[Phase.generate])

REAL = ("dynamodb", "sqlite", pytest.param("mariadb", marks=pytest.mark.server))
NewLedger = Callable[[str], RealLedger]
Plant = tuple[object, str, Any]


def plants() -> Iterator[Any]:
    """Yield bugs to plant: a class or module, a name in it, and what stands there instead."""
    yield pytest.param((decision, "_is_newer", lambda *_: True), id="any version wins")
    yield pytest.param((MemoryLedger, "commit", _careless_commit), id="a transaction without conditions")
    for target, name in ((Pipeline, "make_sure"), (Reconciler, "_make_sure")):
        plant = (target, name, lambda *_, **__: None)
        yield pytest.param(plant, id=f"nothing is made sure of by {target.__name__}", marks=pytest.mark.slow)


def _careless_commit(ledger: MemoryLedger, change: Any) -> None:
    if change.document:
        ledger.documents_by_id[change.document.source_key, change.document.version_id] = change.document
    if change.revision:
        ids = change.revision.customer_id, change.revision.invoice_id
        if ids in ledger.current:
            ledger.replaced[*ids, ledger.current[ids].rev] = ledger.current[ids]
        ledger.current[ids] = change.revision


def machine_over(new_ledger: Callable[[], RealLedger]) -> type[Histories]:
    """Return the machine over new ledgers of a kind."""

    class RealHistories(Histories):
        tried: ClassVar[Counter[str]] = Counter()
        looks_always: ClassVar[bool] = False

        def make_world(self) -> World:
            return World(ledger=new_ledger())

        @staticmethod
        def at_task_end() -> None:
            connections.close_all()

    return RealHistories


class TestHistories:
    def test_keep_the_invariants(self) -> None:
        run_state_machine_as_test(Histories, settings=QUICK)

    @pytest.mark.parametrize("plant", list(plants()))
    def test_find_a_planted_bug(self, monkeypatch: pytest.MonkeyPatch, plant: Plant) -> None:
        monkeypatch.setattr(*plant)

        with pytest.raises(AssertionError):
            run_state_machine_as_test(Histories, settings=HUNT)

    @pytest.mark.parametrize("kind", REAL)
    def test_keep_the_invariants_on_a_real_ledger(self, kind: str, new_ledger: NewLedger) -> None:
        few = settings(QUICK, max_examples=4, stateful_step_count=25)

        run_state_machine_as_test(machine_over(lambda: new_ledger(kind)), settings=few)

    @pytest.mark.slow
    @pytest.mark.parametrize("part", range(4))
    @pytest.mark.parametrize("kind", REAL)
    def test_keep_the_invariants_on_a_real_ledger_for_long(
        self, kind: str, part: int, new_ledger: NewLedger
    ) -> None:
        machine = machine_over(lambda: new_ledger(kind))

        run_state_machine_as_test(machine, settings=settings(LONG, max_examples=130, stateful_step_count=50))

        print(f"\nhistories on {kind}, part {part + 1}: {dict(machine.tried)}, lost 0, doubled 0")

    @pytest.mark.slow
    @pytest.mark.parametrize("part", range(4))
    def test_keep_the_invariants_for_long(self, part: int) -> None:
        Histories.tried.clear()

        run_state_machine_as_test(Histories, settings=settings(LONG, max_examples=250))

        print(f"\nhistories in memory, part {part + 1}: {dict(Histories.tried)}, lost 0, doubled 0")
