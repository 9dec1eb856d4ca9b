"""A rush: many deliveries of the same few invoices at once, over a database whose connections die."""

import random
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event, Thread

import pytest
from django.db import connections
from pytest_django.plugin import DjangoDbBlocker

from api.s3_event import ObjectRef
from tests.support.audit import Audit
from tests.support.databases import Reaper
from tests.support.outside import Switch
from tests.support.real_worlds import RealWorlds
from tests.support.scenarios import Undone, delivery
from tests.support.world import World

ROUNDS = 200
THREADS = 8


@contextmanager
def killing(reaper: Reaper, seed: int) -> Iterator[None]:
    """Kill a connection some ten times a second, whatever it is at."""
    done, chance = Event(), random.Random(seed)

    def kill() -> None:
        while not done.wait(chance.uniform(0.02, 0.2)):
            reaper.kill_any(chance)

    thread = Thread(target=kill)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def upload_rivals(world: World, documents: int) -> list[ObjectRef]:
    """Upload newer versions and conflicts of a few invoices; of each a tenth is told twice."""
    refs = []
    for number in range(documents):
        key = f"{number % (documents // 3)}.txt"
        amount = ("100.00", "120.00", "130.00", "")[number % 4]
        refs.append(world.upload(key, f"INV-{number % (documents // 8)}", amount))
    return [*refs, *refs[::10]]


def deliver(world: World, ref: ObjectRef) -> int:
    """Deliver until it is taken; return how many attempts it took."""
    try:
        for attempt in range(1, ROUNDS):
            try:
                delivery(world, ref).act()
            except Undone:
                continue
            return attempt
        raise AssertionError(f"{ref} was never taken")
    finally:
        connections.close_all()


def rush(url: str, documents: int, seed: int) -> str:
    """Deliver all at once while connections die; return what was tried."""
    with RealWorlds(url) as worlds, Reaper(url) as reaper, worlds.open(Switch()) as world:
        refs, deadlocks = upload_rivals(world, documents), reaper.deadlocks()
        random.Random(seed).shuffle(refs)
        with killing(reaper, seed), ThreadPoolExecutor(THREADS) as pool:
            attempts = sum(pool.map(lambda ref: deliver(world, ref), refs))
        tried = Counter(attempts=attempts, kills=reaper.kills, deadlocks=reaper.deadlocks() - deadlocks)
        assert world.reconcile().is_closed
        Audit(world).check()
    assert tried["kills"] > 0
    return f"{documents} documents in {len(refs)} messages, {dict(tried)}"


@pytest.mark.server
class TestRush:
    @pytest.mark.proof
    def test_on_a_server_whose_connections_die_loses_and_doubles_nothing(
        self, mariadb_url: str, django_db_blocker: DjangoDbBlocker
    ) -> None:
        with django_db_blocker.unblock():
            rush(mariadb_url, documents=48, seed=1)

    @pytest.mark.slow
    def test_on_a_server_whose_connections_die_loses_and_doubles_nothing_for_long(
        self, mariadb_url: str, django_db_blocker: DjangoDbBlocker
    ) -> None:
        with django_db_blocker.unblock():
            for seed in (2, 3):
                print(f"\nrush, MariaDB: {rush(mariadb_url, documents=240, seed=seed)}, lost 0, doubled 0")
