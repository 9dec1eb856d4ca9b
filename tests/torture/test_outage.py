"""An outage: documents arrive, SNS gives up on them, versions are overwritten and expire."""

import random
from collections import Counter

import pytest

from tests.support.audit import Audit
from tests.support.events import event_text
from tests.support.outside import Fatal, Killed, Switch
from tests.support.sns_signing import TOPIC
from tests.support.world import World

TOPICS = frozenset({TOPIC})


def suffer(world: World, documents: int, seed: int) -> Counter[str]:
    """Let documents arrive for ten hours while nobody answers; return what was done to them."""
    chance, done = random.Random(seed), Counter[str]()
    for number in range(documents):
        is_overwriting = number and chance.random() < 0.2
        key = chance.choice(world.uploads).key if is_overwriting else f"{number}.txt"
        done["overwritten"] += bool(is_overwriting)
        # An overwriting one is a correction; the others are invoices of their own, or rubbish.
        invoice_id = key.removesuffix(".txt")
        ref = world.upload(key, invoice_id, "" if chance.random() < 0.05 else f"{100 + number}.00")
        world.pass_time(seconds=36_000 / documents)
        if chance.random() < 0.15:
            done["told by nobody"] += 1
            continue
        world.queue.send(event_text(ref), f"00000000-0000-4000-8000-{number:012d}")
        if chance.random() < 0.1:
            done["expired"] += 1
            for version in [each for each in world.bucket.stored if each.ref.key == key]:
                if version.ref == ref:
                    world.bucket.expire(ref.version_id)
    return done


def recover(world: World, switch: Switch) -> None:
    """Redrive and reconcile as operators do, each killed in the middle at first."""
    for command in (lambda: world.redrive(TOPICS), world.reconcile):
        with switch.closed_by(Fatal(len(world.uploads), is_after=True)), pytest.raises(Killed):
            command()
        world.outlast_leases()
        world.queue.hidden.clear()
        command()
    assert world.queue.letters == []


def check(world: World, done: Counter[str]) -> Counter[str]:
    """Check that what exists has its outcome, and what does not is a visible rejection."""
    audit = Audit(world)
    audit.check()
    audit.check_winners()
    found: Counter[str] = Counter()
    for upload, document in audit.documents.items():
        found[document.reason.code if document.reason else document.outcome] += 1
        if not world.holds(upload):
            assert document.reason
            assert (document.reason.code, document.is_open) == ("expired-before-processed", True)
    assert found["expired-before-processed"] == done["expired"]
    return found


class TestOutage:
    def test_brings_back_every_version_that_still_exists(self) -> None:
        switch = Switch()
        world = World(gate=switch)
        world.reconcile()
        done = suffer(world, 1000, seed=1)

        recover(world, switch)

        found = check(world, done)
        assert sum(found.values()) == len(world.uploads) == 1000
        print(f"\noutage in memory: 1000 documents, {dict(done)}: {dict(found)}, lost 0, doubled 0")
