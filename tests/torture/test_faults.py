"""Faults below botocore and below Django: throttles, 5xx, lost answers, outages, a full disk."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from django.db.backends.signals import connection_created
from pytest_django.plugin import DjangoDbBlocker

from api.s3_event import ObjectRef
from api.stores.router import LEDGER
from tests.support.audit import Audit
from tests.support.databases import Reaper
from tests.support.faults import Down, Faulty, is_s3
from tests.support.moto_wire import hot_calls
from tests.support.outside import Switch
from tests.support.real_worlds import RealWorlds
from tests.support.scenarios import Undone, delivery
from tests.support.world import World

ROUNDS = 60


REAL = ("dynamodb", "sqlite", pytest.param("mariadb", marks=pytest.mark.server))


@pytest.fixture(scope="module", params=REAL)
def url(request: pytest.FixtureRequest) -> str:
    """Return where the ledger is, empty for DynamoDB."""
    found: str = request.getfixturevalue(f"{request.param}_url")
    return found


@pytest.fixture(scope="module")
def worlds(url: str, django_db_blocker: DjangoDbBlocker) -> Iterator[RealWorlds]:
    with (
        django_db_blocker.unblock(),
        pytest.MonkeyPatch.context() as patch,
        RealWorlds(url) as worlds,
    ):
        patch.setattr("botocore.endpoint.time.sleep", lambda _: None)
        yield worlds


@pytest.fixture(scope="module")
def reaper(url: str) -> Iterator[Reaper | None]:
    """Return what kills connections, if there is a server."""
    if not url.startswith("mysql"):
        yield None
        return
    with Reaper(url) as reaper:
        yield reaper


def upload_some(world: World, number: int) -> list[ObjectRef]:
    """Upload so many documents: invoices, some of which clash, newer versions, rubbish."""
    refs = []
    for place in range(number):
        key = f"{place % (number // 2)}.txt"
        amount = ("100.00", "120.00", "130.00", "")[place % 4]
        refs.append(world.upload(key, f"INV-{place % (number // 3)}", amount))
    return refs


def deliver_until_taken(world: World, refs: list[ObjectRef]) -> int:
    """Deliver as SNS does, until each has its 2xx; return how many attempts it took."""
    waiting, attempts = list(refs), 0
    for _ in range(ROUNDS):
        again = []
        for ref in waiting:
            attempts += 1
            try:
                delivery(world, ref).act()
            except Undone:
                again.append(ref)
        waiting = again
        if not waiting:
            return attempts
    raise AssertionError(f"{len(waiting)} documents were never taken")


def endure(worlds: RealWorlds, reaper: Reaper | None, seed: int, number: int) -> str:
    """Take documents through with 30 % of all calls failing; return what was tried."""
    switch, faulty, before = Switch(), Faulty(seed, 0.3, reaper), Counter(hot_calls)
    with worlds.open(switch) as world:
        refs = upload_some(world, number)
        with switch.closed_by(faulty):
            attempts = deliver_until_taken(world, [*refs, *refs[: number // 10]])
        assert world.reconcile().repaired == 0
        Audit(world).check()
    hot = hot_calls - before
    # Or the faults would have met boto3 alone, and not what production runs on.
    assert hot["answered 200"]
    assert hot["failed"]
    assert hot["answered 503"] + hot["answered 500"] + hot["answered 502"]
    return f"{number} documents, {attempts} attempts, {dict(faulty.tried)}, hot calls {dict(hot)}"


@pytest.mark.proof
class TestFaults:
    def test_of_a_third_of_all_calls_lose_and_double_nothing(
        self, worlds: RealWorlds, reaper: Reaper | None
    ) -> None:
        endure(worlds, reaper, seed=1, number=12)

    @pytest.mark.slow
    @pytest.mark.parametrize("seed", range(2, 12))
    def test_of_a_third_of_all_calls_lose_and_double_nothing_for_long(
        self, worlds: RealWorlds, url: str, reaper: Reaper | None, seed: int
    ) -> None:
        tried = endure(worlds, reaper, seed=seed, number=100)

        print(f"\n30 % faults, {url.partition(':')[0] or 'dynamodb'}: {tried}, lost 0, doubled 0")


@pytest.mark.proof
class TestOutage:
    @pytest.mark.parametrize("service", ["s3", "the ledger"])
    def test_of_a_service_loses_nothing(self, worlds: RealWorlds, service: str) -> None:
        switch = Switch()
        with worlds.open(switch) as world:
            refs = upload_some(world, 12)
            down = Down(is_s3 if service == "s3" else lambda name: not is_s3(name))
            with switch.closed_by(down):
                for ref in refs:
                    with pytest.raises(Undone):
                        delivery(world, ref).act()
            assert down.refused >= len(refs)

            attempts = deliver_until_taken(world, refs)

            assert attempts == len(refs)
            Audit(world).check()


@pytest.mark.proof
class TestFullDisk:
    """A database file that may not grow: SQLite itself says that the disk is full."""

    def test_loses_nothing_and_names_the_mend(
        self, tmp_path: Path, django_db_blocker: DjangoDbBlocker
    ) -> None:
        url, switch = f"sqlite:///{tmp_path / 'ledger.sqlite3'}", Switch()
        with django_db_blocker.unblock(), RealWorlds(url) as worlds, worlds.open(switch) as world:
            refs = upload_some(world, 24)
            with no_room_to_grow():
                taken, fault = deliver_until_refused(world, refs)
            assert 0 < len(taken) < len(refs)
            assert "the disk of the database is full" in fault

            deliver_until_taken(world, refs[len(taken) :])

            Audit(world).check()


@contextmanager
def no_room_to_grow() -> Iterator[None]:
    """Let no connection of the ledger make its file larger than it is."""

    def limit(connection: Any, **_: object) -> None:
        with connection.cursor() as cursor:
            (pages,) = cursor.execute("PRAGMA page_count").fetchone()
            cursor.execute(f"PRAGMA max_page_count = {limits.setdefault('pages', pages + 4)}")

    limits: dict[str, int] = {}
    connection_created.connect(limit)
    connections[LEDGER].close()
    try:
        yield
    finally:
        connection_created.disconnect(limit)
        connections[LEDGER].close()


def deliver_until_refused(world: World, refs: list[ObjectRef]) -> tuple[list[ObjectRef], str]:
    """Deliver one after the other; return those taken before the first refusal, and its fault."""
    taken: list[ObjectRef] = []
    for ref in refs:
        try:
            delivery(world, ref).act()
        except Undone as refusal:
            return taken, str(refusal)
        taken.append(ref)
    return taken, ""
