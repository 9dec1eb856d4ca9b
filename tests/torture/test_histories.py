"""Histories of uploads, deliveries, faults, deaths and acts, against a plain model."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from api import decision
from api.maintenance.reconcile import Reconciler
from api.pipeline import Pipeline
from tests.support.history import Histories
from tests.support.memory import MemoryLedger

QUICK = settings(
    max_examples=50,
    stateful_step_count=50,
    deadline=None,
    derandomize=True,
    database=None,
    report_multiple_bugs=False,
)
LONG = settings(QUICK, max_examples=1000, stateful_step_count=100, derandomize=False)
HUNT = settings(QUICK, max_examples=1000, phases=[Phase.generate])

Plant = tuple[object, str, Any]


def plants() -> Iterator[Any]:
    """Yield bugs to plant: a class or module, a name in it, and what stands there instead."""
    yield pytest.param((decision, "_is_newer", lambda *_: True), id="any version wins")
    yield pytest.param((Pipeline, "make_sure", lambda *_: None), id="a repeat leaves the object out")
    yield pytest.param((Reconciler, "_make_sure", lambda *_, **__: None), id="a sweep leaves objects out")
    yield pytest.param((MemoryLedger, "commit", _careless_commit), id="a transaction without conditions")


def _careless_commit(ledger: MemoryLedger, change: Any) -> None:
    if change.document:
        ledger.documents_by_id[change.document.source_key, change.document.version_id] = change.document
    if change.revision:
        ids = change.revision.customer_id, change.revision.invoice_id
        if ids in ledger.current:
            ledger.replaced[*ids, ledger.current[ids].rev] = ledger.current[ids]
        ledger.current[ids] = change.revision


class TestHistories:
    def test_keep_the_invariants(self) -> None:
        run_state_machine_as_test(Histories, settings=QUICK)

    @pytest.mark.parametrize("plant", list(plants()))
    def test_find_a_planted_bug(self, monkeypatch: pytest.MonkeyPatch, plant: Plant) -> None:
        monkeypatch.setattr(*plant)

        with pytest.raises(AssertionError):
            run_state_machine_as_test(Histories, settings=HUNT)

    @pytest.mark.slow
    def test_keep_the_invariants_for_long(self) -> None:
        Histories.tried.clear()

        run_state_machine_as_test(Histories, settings=LONG)

        print(f"\nhistories in memory: {dict(Histories.tried)}, lost 0, doubled 0")
