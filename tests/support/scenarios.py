"""What the service may be asked to do, each as a world made ready and one action in it.

An action returns nothing; `again` is what follows when it was cut off: SNS delivers again, whoever
started a command starts it again, and nobody repeats an act.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeAlias

from api.maintenance.erase import Erasure
from api.maintenance.expire import CHECKPOINT as EXPIRED
from api.s3_event import ObjectRef
from tests.support.audit import check_dropped, check_erased
from tests.support.events import event_text
from tests.support.sns_signing import TOPIC
from tests.support.world import World

Action: TypeAlias = Callable[[], object]
Scenario: TypeAlias = Callable[[World], "Prepared"]


class Undone(Exception):  # noqa: N818 - it says what is so
    """The action says itself that it is to be done again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A world made ready: what is to be done, and what comes after it when it was cut off."""

    act: Action
    again: Action


def delivery(world: World, *refs: ObjectRef) -> Prepared:
    """Deliver one notification of all of these; until SNS sees a 2xx, again."""

    def deliver() -> None:
        parts = world.deliver("00000000-0000-4000-8000-000000000001", event_text(*refs))
        if any(part.outcome == "unavailable" for part in parts):
            raise Undone(str(parts))

    return Prepared(act=deliver, again=deliver)


def known(world: World, *refs: ObjectRef) -> None:
    """Have these delivered before."""
    for ref in refs:
        delivery(world, ref).act()


def new_invoice(world: World) -> Prepared:
    """Deliver what nobody knows."""
    return delivery(world, world.upload("a.txt"))


def newer_version(world: World) -> Prepared:
    """Deliver a newer version."""
    known(world, world.upload("a.txt"))
    return delivery(world, world.upload("a.txt", amount="120.00"))


def older_version(world: World) -> Prepared:
    """Deliver an older version after the newer one."""
    older = world.upload("a.txt")
    known(world, world.upload("a.txt", amount="120.00"))
    return delivery(world, older)


def duplicate(world: World) -> Prepared:
    """Deliver the same invoice under another key."""
    known(world, world.upload("a.txt"))
    return delivery(world, world.upload("b.txt"))


def conflict(world: World) -> Prepared:
    """Deliver another invoice of the same id under another key."""
    known(world, world.upload("a.txt"))
    return delivery(world, world.upload("b.txt", amount="900.00"))


def rubbish(world: World) -> Prepared:
    """Deliver what cannot be read."""
    return delivery(world, world.upload("a.txt", amount=""))


def repeated(world: World) -> Prepared:
    """Deliver what is known."""
    ref = world.upload("a.txt")
    known(world, ref)
    return delivery(world, ref)


def two_at_once(world: World) -> Prepared:
    """Deliver one notification of two objects."""
    return delivery(world, world.upload("a.txt"), world.upload("b.txt", "INV-2"))


def withdrawn(world: World) -> Prepared:
    """Deliver a newer version of what an operator withdrew."""
    known(world, world.upload("a.txt"))
    world.acts.withdraw("C-1", "INV-1", None, world.operator("first"))
    return delivery(world, world.upload("a.txt", amount="120.00"))


def sweep(world: World) -> Prepared:
    """Find versions that no notification told of, of one of them two."""
    for key, invoice_id, amount in (
        ("a.txt", "INV-1", "100.00"),
        ("a.txt", "INV-1", "120.00"),
        ("b.txt", "INV-2", "100.00"),
        ("c.txt", "INV-2", "900.00"),
        ("d.txt", "INV-3", ""),
    ):
        world.upload(key, invoice_id, amount)
    return Prepared(act=world.reconcile, again=world.reconcile)


def redrive(world: World) -> Prepared:
    """Drain a queue of two messages, one told twice."""
    texts = [event_text(world.upload("a.txt")), event_text(world.upload("b.txt", "INV-2"))]
    for number, text in enumerate((*texts, texts[0])):
        world.queue.send(text, f"00000000-0000-4000-8000-{number:012d}")

    def drain() -> None:
        world.queue.hidden.clear()
        world.redrive(frozenset({TOPIC}))
        if world.queue.letters:
            raise Undone("letters are left")

    return Prepared(act=drain, again=drain)


def importing(world: World) -> Prepared:
    """Import an archive."""
    world.put_in_archive("a.txt")
    world.put_in_archive("b.txt", "INV-2")
    world.put_in_archive("c.txt", "INV-3")
    return Prepared(act=world.import_archive, again=world.import_archive)


def erase(world: World) -> Prepared:
    """Erase an invoice of which there are revisions, an import's row and rejections."""
    world.put_in_archive("a.txt", "INV-2")
    world.put_in_archive("b.txt", "INV-1")
    world.import_archive()
    return _erasing(world, Erasure(customer_id="C-1", invoice_id="INV-1"))


def erase_customer(world: World) -> Prepared:
    """Erase all of a customer."""
    conflict(world).act()
    known(world, world.upload("c.txt", "INV-2"))
    return _erasing(world, Erasure(customer_id="C-1"))


def _erasing(world: World, erasure: Erasure) -> Prepared:
    known(
        world,
        world.upload("a.txt"),
        world.upload("a.txt", amount="120.00"),
        world.upload("b.txt", amount="900.00"),
    )
    places = [upload.place for upload in world.uploads]

    def act() -> None:
        world.erase(erasure, world.operator("asked to").act("erase"))
        check_erased(world, erasure, places, is_quiet=True)

    return Prepared(act=act, again=act)


def expire(world: World) -> Prepared:
    """Drop the texts of a revision that was replaced, of one that was not, and of a rejection."""
    world.ledger.save_checkpoint(EXPIRED, (world.time - timedelta(hours=1)).isoformat())
    newer_version(world).act()
    conflict(world).act()
    world.pass_time(seconds=1)
    now = world.time

    def act() -> None:
        world.expire(timedelta())
        check_dropped(world, now)

    return Prepared(act=act, again=act)


def _acting(world: World, act: Action) -> Prepared:
    return Prepared(act=act, again=world.reconcile)


def withdraw(world: World) -> Prepared:
    """Withdraw an invoice."""
    known(world, world.upload("a.txt"))
    return _acting(world, lambda: world.acts.withdraw("C-1", "INV-1", 1, world.operator("act")))


def restore(world: World) -> Prepared:
    """Restore an invoice."""
    known(world, world.upload("a.txt"))
    world.acts.withdraw("C-1", "INV-1", None, world.operator("first"))
    return _acting(world, lambda: world.acts.restore("C-1", "INV-1", 2, world.operator("act")))


def accept(world: World) -> Prepared:
    """Accept a conflicting document."""
    conflict(world).act()
    version_id = world.uploads[-1].version_id
    return _acting(world, lambda: world.acts.accept("b.txt", version_id, world.operator("act")))


def close(world: World) -> Prepared:
    """Close a rejection."""
    rubbish(world).act()
    version_id = world.uploads[-1].version_id
    return _acting(world, lambda: world.acts.close("a.txt", version_id, world.operator("act")))


def reprocess(world: World) -> Prepared:
    """Reprocess a rejection that today is none: the invoice that it clashed with is its own by now."""
    known(world, world.upload("a.txt"))
    world.acts.withdraw("C-1", "INV-1", None, world.operator("first"))
    known(world, world.upload("a.txt", amount="120.00"))
    world.acts.restore("C-1", "INV-1", None, world.operator("second"))
    version_id = world.uploads[-1].version_id
    return _acting(world, lambda: world.acts.reprocess_rejection("a.txt", version_id, world.operator("act")))


DELIVERIES: tuple[Scenario, ...] = (
    *(new_invoice, newer_version, older_version, duplicate, conflict),
    *(rubbish, repeated, two_at_once, withdrawn),
)
COMMANDS: tuple[Scenario, ...] = (sweep, redrive, importing, erase, erase_customer, expire)
ACTS: tuple[Scenario, ...] = (withdraw, restore, accept, close, reprocess)
