"""Compaction against a model: whatever happened, every live answer is right and nothing is twice."""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

import pytest

from api.reports import duck, tables
from api.reports.compaction import compact
from api.reports.tables import EXPENSES_VIEW
from tests.support.compaction_world import World

STEPS = 40


def live(seed: int, *, keeps_order: bool = True) -> tuple[World, int]:
    """Live one history and return it with the number of answers that were compared."""
    world = World(seed=seed, years=9 if seed % 10 else 40, keeps_order=keeps_order)
    answers = 0
    for number in range(STEPS):
        world.step()
        if number % 4 == 3:
            assert world.answer() == world.expected(), f"seed {seed}, step {number}"
            assert world.own_answer() == world.expected(), f"seed {seed}, step {number}, local"
            answers += 2
    world.land()
    compact(world.tables, world.now)
    assert world.answer() == world.own_answer() == world.expected(), f"seed {seed}, at the end"
    world.tables.changed = 0
    before = list(world.tables.run("SELECT * FROM invoices ORDER BY customer_id, invoice_id").rows)
    compact(world.tables, world.now)
    assert world.tables.changed == 0, f"seed {seed}: a rerun changed rows"
    assert list(world.tables.run("SELECT * FROM invoices ORDER BY customer_id, invoice_id").rows) == before
    # Everything has been compacted: the table alone holds each invoice once.
    assert [row[:2] for row in before] == sorted(world.written)
    return world, answers + 3


def live_many(seeds: Sequence[int]) -> None:
    acts, invoices, answers = Counter[str](), 0, 0
    for seed in seeds:
        world, compared = live(seed)
        acts.update(world.counts)
        invoices += len(world.written)
        answers += compared
        world.tables.connection.close()
    assert acts["over 100 months"], "no history was as wide as it must be"
    print(f"\n{len(seeds)} histories, {invoices} invoices, {answers} answers, 0 wrong; {dict(acts)}")


def test_a_few_histories() -> None:
    live_many([*range(11), 20])  # the last one needs several MERGEs at a time


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        (" AND t.invoice_id IS NULL", ""),
        (" AND t.invoice_id = i.invoice_id", ""),
        ("i.status = 'active' AND ", ""),
        ("WHERE t.status = 'active'", ""),
    ],
)
def test_notices_a_wrong_view(right: str, wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert EXPENSES_VIEW.count(right) == 1
    view = EXPENSES_VIEW.replace(right, wrong)
    monkeypatch.setattr(duck, "_TABLES", [view if each == EXPENSES_VIEW else each for each in duck._TABLES])

    with pytest.raises(AssertionError, match="seed 2"):
        live(2)


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("CANDIDATES", "rev > 1 OR ", ""),
        ("CANDIDATES", " OR stored_at <= (SELECT newest FROM file)", ""),
        ("REPLACED", "customer_id, invoice_id", "customer_id"),
    ],
)
def test_notices_a_wrong_look(name: str, right: str, wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text = getattr(duck, name)
    assert text.count(right) == 1
    monkeypatch.setattr(duck, name, text.replace(right, wrong))

    with pytest.raises(AssertionError, match=r"seed 2, step \d+, local"):
        live(2)


def test_notices_a_tail_that_begins_too_late(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "OVERLAP", timedelta(minutes=15))

    with pytest.raises(AssertionError, match="seed 28"):
        live(28)


def test_notices_a_revision_that_is_stored_before_the_one_that_it_replaces() -> None:
    with pytest.raises(AssertionError, match="seed 23"):
        live(23, keeps_order=False)


@pytest.mark.slow
def test_a_thousand_histories() -> None:
    live_many(range(1_000, 2_000))
