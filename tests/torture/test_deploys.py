"""A deploy in between: what one release has decided, the next one carries out to the byte."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from pytest_django.plugin import DjangoDbBlocker

from tests.support.audit import Audit
from tests.support.deploys import Deploys
from tests.support.outside import Fatal, Killed, Recorder, Switch
from tests.support.real_worlds import RealWorlds
from tests.support.scenarios import Prepared, delivery
from tests.support.world import World

SELLER, SELLER_OF_THE_NEXT_RELEASE = b'"Acme Ltd"', b'"ACME LTD"'


@pytest.fixture
def deploys() -> Iterator[Deploys]:
    deploys = Deploys()
    deploys.begin()
    yield deploys
    deploys.end()


@contextmanager
def opened(kind: str, url: str, switch: Switch) -> Iterator[World]:
    """Yield a world on a ledger of that kind."""
    if kind == "memory":
        yield World(gate=switch)
        return
    with RealWorlds(url) as worlds, worlds.open(switch) as world:
        yield world


@pytest.fixture(params=["memory", "dynamodb", "sqlite", pytest.param("mariadb", marks=pytest.mark.server)])
def place(
    request: pytest.FixtureRequest, django_db_blocker: DjangoDbBlocker
) -> Iterator[tuple[World, Switch]]:
    """Return a world of each kind and the switch that its calls pass."""
    switch, kind = Switch(), request.param
    url = "" if kind == "memory" else request.getfixturevalue(f"{kind}_url")
    with django_db_blocker.unblock(), opened(kind, url, switch) as world:
        yield world, switch


@pytest.fixture
def interrupted(place: tuple[World, Switch]) -> Prepared:
    """Return a delivery that died between the transaction and the CSV object, its last call."""
    world, switch = place
    first, recorder = delivery(world, world.upload("other.txt", "INV-2")), Recorder()
    with switch.closed_by(recorder):
        first.act()
    prepared = delivery(world, world.upload("a.txt"))
    with switch.closed_by(Fatal(len(recorder.calls), is_after=False)), pytest.raises(Killed):
        prepared.act()
    assert rows(world) == []
    return prepared


def rows(world: World) -> list[bytes]:
    """Return the rows of INV-1, the newest last."""
    return [row for key, row in sorted(world.sink.objects.items()) if "_INV-1-" in key]


class TestDeploy:
    def test_leaves_the_bytes_of_the_first_row(
        self, place: tuple[World, Switch], interrupted: Prepared, deploys: Deploys
    ) -> None:
        world, _ = place
        decided = world.ledger.revision("C-1", "INV-1")

        deploys.deploy("other names")
        interrupted.again()

        assert rows(world) == [decided.row]
        assert SELLER in decided.row
        Audit(world).check()

    def test_leaves_its_content_when_it_is_repaired_late(
        self, place: tuple[World, Switch], interrupted: Prepared, deploys: Deploys
    ) -> None:
        world, _ = place

        deploys.deploy("other names")
        world.pass_time(hours=5)
        interrupted.again()

        (row,) = rows(world)
        assert SELLER in row
        assert b'"active","2"' in row

    def test_changes_it_only_by_an_operators_act(
        self, place: tuple[World, Switch], interrupted: Prepared, deploys: Deploys
    ) -> None:
        world, _ = place
        interrupted.again()

        deploys.deploy("other names")
        current = world.ledger.revision("C-1", "INV-1")
        world.acts.reprocess_invoice(current, world.operator("the names were wrong"))

        first, second = rows(world)
        assert first == current.row
        assert SELLER_OF_THE_NEXT_RELEASE in second
        Audit(world).check()
