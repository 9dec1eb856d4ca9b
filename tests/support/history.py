"""Any history of the service as a Hypothesis state machine.

The model knows what was uploaded and in which order, and which acts an operator tried; nothing of
how the service decides. Deliveries, sweeps and acts are tasks that stand still before each outside
call, so that a history may interleave them in any way, fail any call before or after it was carried
out, and kill any task at any call. audit.py says what must be true at rest, witness.py what may
never change.
"""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import ClassVar, TypeAlias

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from api.acts import Operator
from api.delivery import Part
from api.maintenance.erase import Erasure
from api.maintenance.expire import CHECKPOINT as EXPIRED
from api.records import Document, Revision
from tests.support import sns_signing
from tests.support.audit import Audit, Try, check_dropped, check_erased
from tests.support.books import highest_revs
from tests.support.crew import MAX_TASKS, Crew, Steps, pick
from tests.support.deploys import Deploys, Release
from tests.support.events import event_text
from tests.support.stepping import Fate, step_gate
from tests.support.uploads import RUBBISH, Upload
from tests.support.witness import Witness
from tests.support.world import World

Act: TypeAlias = Callable[[Operator], object]
TOPICS = frozenset({sns_signing.TOPIC})
# A task is a request of some seconds, or a command that is killed when it hangs.
MAX_TASK_AGE = timedelta(minutes=10)
# Even the shorter is longer than a task and two clocks that are wrong: what is stored now is not old.
KEEP, KEEP_SHORT = timedelta(days=1), timedelta(hours=1)

_KEYS = st.sampled_from(("a.txt", "b/ü +.txt"))
_INVOICES = st.sampled_from(("INV-1", "INV-1", "INV-2"))
_AMOUNTS = st.sampled_from(("100.00", "100.00", "120.00", "130.00", RUBBISH))
# The sweeps' overlap is an hour; what took longer waits for the next full sweep.
_UPLOAD_MINUTES = st.sampled_from((0, 0, 0, 40, 180))
_ENDS = st.sampled_from((b"\n", b"\r\n"))
_PLACES = st.integers(0, 30)
_RELEASES: st.SearchStrategy[Release] = st.sampled_from(
    ("as it is", "as it is", "other names", "other names", "other ids")
)
_COMMANDS = st.sampled_from(
    ("redrive", "reconcile", "sweep all", "import", "redrive", "reconcile", "import", "expire", "expire soon")
)
# Most tasks end after three calls, sweeps and imports after many.
_CALLS = st.sampled_from((1, 2, 0, 1, 2, 3, 4, 5, 6, 8, 12))
_FATES: st.SearchStrategy[Fate] = st.sampled_from(("go", "lose", "die after", "refuse", "die", "go"))
_STEPS: st.SearchStrategy[Steps] = st.lists(
    st.tuples(st.integers(0, MAX_TASKS - 1), _CALLS, _FATES), max_size=5
)


@dataclass(slots=True, kw_only=True)
class Message:
    """A notification; `state` is waiting, taken (2xx), given up or vanished."""

    message_id: str
    text: str
    upload: Upload
    state: str = "waiting"


class Histories(RuleBasedStateMachine):
    """Histories over one kind of ledger."""

    tried: ClassVar[Counter[str]] = Counter()
    # On the real ledgers a look at everything after each step takes longer than the step.
    looks_always: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self.world = self.make_world()
        self.world.gate = step_gate
        self.witness = Witness(self.world)
        self.messages: list[Message] = []
        self.crew = Crew(self.tried, self.at_task_end)
        self.tries: list[Try] = []
        self.erasures: dict[str, Erasure] = {}  # those that nobody has seen done
        self.erased: dict[Erasure, None] = {}
        self.numbers = count()
        self.has_erasures = False
        self.is_sound = True
        self.deploys = Deploys()
        self.deploys.begin()

    def make_world(self) -> World:
        """Return an empty world; other ledgers come in here."""
        return World()

    @staticmethod
    def at_task_end() -> None:
        """Give back what a thread may have taken."""

    @initialize(has_erasures=st.sampled_from((False, False, True)))
    def begin(self, *, has_erasures: bool) -> None:
        """Begin with a complete sweep, as an installation does: later ones look back to it."""
        self.has_erasures = has_erasures  # what is erased tells nothing more: not in each history
        self.world.ledger.save_checkpoint(EXPIRED, (self.world.time - timedelta(days=1)).isoformat())
        self.world.reconcile()

    # What customers, S3 and SNS do

    @rule(key=_KEYS, invoice_id=_INVOICES, amount=_AMOUNTS, end=_ENDS, minutes=_UPLOAD_MINUTES)
    def upload(self, key: str, invoice_id: str, amount: str, end: bytes, minutes: int) -> None:
        """Put an invoice under a key; no time passes, so that versions share a second.

        One in parts was begun before, and may be older than versions that were put since.
        """
        ref = self.world.upload(key, invoice_id, amount, end, timedelta(minutes=minutes))
        self.tried["uploads in parts"] += minutes > 0
        message_id = f"00000000-0000-4000-8000-{len(self.messages):012d}"
        upload = self.world.uploads[-1]
        self.messages.append(Message(message_id=message_id, text=event_text(ref), upload=upload))

    @rule(key=_KEYS, invoice_id=_INVOICES, amount=_AMOUNTS)
    def archive(self, key: str, invoice_id: str, amount: str) -> None:
        """Put an invoice into the archive that may be imported."""
        self.world.put_in_archive(key, invoice_id, amount)

    @precondition(lambda self: self.messages and self.crew.is_free)
    @rule(place=_PLACES, steps=_STEPS)
    def deliver(self, place: int, steps: Steps) -> None:
        """Deliver any message, in any order, again and at the same time."""
        message = pick(self.messages, place)
        if message.state != "vanished":
            self.crew.start(
                "deliver",
                lambda: self.world.deliver(message.message_id, message.text),
                self.world.time,
                lambda parts: self._acknowledge(message, parts),
            )
            self.crew.go_on(steps)

    @precondition(lambda self: self.messages)
    @rule(place=_PLACES, fate=st.sampled_from(("dead letter", "dead letter", "vanish", "expire")))
    def lose(self, place: int, fate: str) -> None:
        """Let SNS give up on a message, or lose it for good, or let a version expire."""
        message = pick(self.messages, place)
        if fate == "expire":
            self._expire(message.upload.key)
        elif message.state == "waiting" and fate == "dead letter":
            self._give_up(message, is_bare=place % 2 == 0)
        elif message.state == "waiting" and self.world.holds(message.upload):
            message.state = "vanished"  # only the version itself can tell now
            self.tried["notifications lost"] += 1

    # What operators do

    @precondition(lambda self: self.crew.is_free)
    @rule(command=_COMMANDS, steps=_STEPS)
    def command(self, command: str, steps: Steps) -> None:
        """Start a recovery command, while others run."""
        work: dict[str, Callable[[], object]] = {
            "redrive": lambda: self.world.redrive(TOPICS),
            "reconcile": self.world.reconcile,
            "sweep all": lambda: self.world.reconcile(full=True),
            "import": self.world.import_archive,
            "expire": lambda: self.world.expire(KEEP),
            "expire soon": lambda: self.world.expire(KEEP_SHORT),
        }
        self.crew.start(command, work[command], self.world.time)
        self.crew.go_on(steps)

    @precondition(lambda self: self.crew.is_free and self.invoices)
    @rule(place=_PLACES, kind=st.sampled_from(("withdraw", "restore", "reprocess")), steps=_STEPS)
    def act_on_invoice(self, place: int, kind: str, steps: Steps) -> None:
        """Act on an invoice, as it was seen or whatever it is by now."""
        seen, acts = pick(self.invoices, place // 2), self.world.acts
        rev = seen.rev if place % 2 else None
        work: dict[str, Act] = {
            "withdraw": lambda operator: acts.withdraw(seen.customer_id, seen.invoice_id, rev, operator),
            "restore": lambda operator: acts.restore(seen.customer_id, seen.invoice_id, rev, operator),
            "reprocess": lambda operator: acts.reprocess_invoice(seen, operator),
        }
        self._act(work[kind], steps)

    @precondition(lambda self: self.crew.is_free and self.rejections)
    @rule(place=_PLACES, kind=st.sampled_from(("accept", "accept", "close", "reprocess")), steps=_STEPS)
    def act_on_rejection(self, place: int, kind: str, steps: Steps) -> None:
        """Act on a document that is, or was, a rejection."""
        seen, acts = pick(self.rejections, place), self.world.acts
        work: dict[str, Act] = {
            "accept": lambda operator: acts.accept(seen.source_key, seen.version_id, operator),
            "close": lambda operator: acts.close(seen.source_key, seen.version_id, operator),
            "reprocess": lambda operator: acts.reprocess_rejection(
                seen.source_key, seen.version_id, operator
            ),
        }
        self._act(work[kind], steps)

    @precondition(lambda self: self.has_erasures and self.crew.is_free and self.invoices)
    @rule(place=_PLACES, steps=_STEPS)
    def erase(self, place: int, steps: Steps) -> None:
        """Erase an invoice, or at times all of its customer."""
        seen = pick(self.invoices, place)
        erasure = Erasure(customer_id=seen.customer_id, invoice_id="" if place % 5 == 4 else seen.invoice_id)
        self._erase(erasure)
        self.crew.go_on(steps)

    # What happens

    @precondition(lambda self: self.crew.running)
    @rule(steps=_STEPS)
    def interleave(self, steps: Steps) -> None:
        """Let tasks make their next calls, in any order, each with its fate."""
        self.crew.go_on(steps)

    @rule(release=_RELEASES)
    def deploy(self, release: Release) -> None:
        """Go on with another parser."""
        self.deploys.deploy(release)
        self.tried["deploys"] += 1

    @rule(minutes=st.sampled_from((-14, 0, 14)))
    def skew(self, minutes: int) -> None:
        """Let the clocks of the service go wrong, as far as AWS still takes its requests."""
        self.world.skew = timedelta(minutes=minutes)

    @rule(seconds=st.sampled_from((0.4, 1, 45, 130, 3600, 7300, 14400, 108000)))
    def pass_time(self, seconds: float) -> None:
        """Turn the clock on; nothing runs for hours, so that long means that the service was down."""
        self.world.pass_time(seconds=seconds)
        self.crew.kill_older_than(self.world.time - MAX_TASK_AGE)
        if seconds > 60:
            self.world.queue.hidden.clear()

    @rule(is_rest=st.sampled_from((False, False, True)))
    def finish(self, *, is_rest: bool) -> None:
        """Let all tasks finish without trouble, or even come to rest, and compare with the model."""
        self.crew.finish()
        if is_rest:
            self._come_to_rest()

    @invariant()
    def nothing_decided_changes(self) -> None:
        """Compare every record and object with what it was when it was first seen."""
        self.is_sound = False
        self.witness.look() if self.looks_always else self.witness.look_at_objects()
        self.is_sound = True

    def teardown(self) -> None:
        """Come to rest, unless the history failed already."""
        try:
            if self.is_sound:
                self.crew.finish()
                self._come_to_rest()
                self.tried["histories"] += 1
                self.tried["documents"] += len(self.world.uploads)
        finally:
            self.crew.kill()
            self.deploys.end()

    @property
    def invoices(self) -> list[Revision]:
        """Every current revision."""
        found: list[Revision] = list(self.world.ledger.current_revisions())
        return sorted(found, key=lambda each: (each.customer_id, each.invoice_id))

    @property
    def rejections(self) -> list[Document]:
        """Every document that is or was a rejection."""
        found = (self.world.ledger.document(*each.place) for each in self.world.uploads)
        return [each for each in found if each and (each.outcome == "rejected" or each.acts)]

    def _give_up(self, message: Message, *, is_bare: bool) -> None:
        message.state, body = "given up", message.text
        if not is_bare:
            envelope = sns_signing.notification(body, MessageId=message.message_id)
            body = json.dumps(sns_signing.sign(envelope))
        self.world.queue.send(body, message.message_id)

    def _expire(self, key: str) -> None:
        """Let the oldest version of a key expire, as S3 does; not one that nobody can know of."""
        versions = [version.ref.version_id for version in self.world.bucket.stored if version.ref.key == key]
        if not versions:
            return
        told = any(
            each.upload.version_id == versions[0] and each.state != "vanished" for each in self.messages
        )
        if told or self.world.ledger.document(key, versions[0]):
            self.world.bucket.expire(versions[0])
            self.tried["expiries"] += 1

    def _erase(self, erasure: Erasure, *, is_quiet: bool = False) -> None:
        found = (self.world.ledger.document(*each.place) for each in self.world.uploads)
        known = [(each.source_key, each.version_id) for each in found if each]
        why = f"erasure {next(self.numbers)}"
        act = self.world.operator(why).act("erase")
        self.erasures[why] = erasure

        def take(_: object) -> None:
            check_erased(self.world, erasure, known, is_quiet=is_quiet)
            del self.erasures[why]
            self.erased[erasure] = None

        self.crew.start("erase", lambda: self.world.erase(erasure, act), self.world.time, take)

    def _act(self, act: Act, steps: Steps) -> None:
        why = f"reason {len(self.tries)}"
        operator = self.world.operator(why)
        self.tries.append(Try(why=why, task=self.crew.start("act", lambda: act(operator), operator.at)))
        self.crew.go_on(steps)

    def _acknowledge(self, message: Message, parts: tuple[Part, ...]) -> None:
        """Take a 2xx by its word: outcome and CSV object are durable."""
        if any(part.outcome == "unavailable" for part in parts):
            return
        if message.state == "waiting":
            message.state = "taken"
        document = self.world.ledger.document(*message.upload.place)
        assert document is not None, f"2xx, but {message.upload} has no outcome"
        if document.outcome != "stored":
            return  # it may name no invoice
        revision = self.world.ledger.revision(document.customer_id, document.invoice_id, document.rev)
        if revision and revision.row:  # else it is erased
            rev = highest_revs(self.world.sink.objects).get((document.customer_id, document.invoice_id), 0)
            assert rev >= document.rev, f"2xx, but there is no row of {message.upload}"

    def _come_to_rest(self) -> None:
        """End all trouble: deliver, redrive, import and reconcile what is left, and compare."""
        self.is_sound = False
        self.world.skew = timedelta()
        self.world.pass_time(minutes=15)  # whatever a clock that was ahead has dated is past
        self.world.outlast_leases()
        self.world.queue.hidden.clear()
        for message in self.messages:
            if message.state == "waiting":
                self._acknowledge(message, self.world.deliver(message.message_id, message.text))
        done = self.world.redrive(TOPICS)
        assert not self.world.queue.letters, f"the dead-letter queue is not empty: {done}"
        imported = self.world.import_archive()
        assert not imported.failed, imported
        for why, erasure in list(self.erasures.items()):
            self._erase(erasure)
            self.crew.finish()
            del self.erasures[why]
        assert not self.erasures, "an erasure without trouble was not done"
        if self.world.texts_dropped_before:
            self.world.expire(KEEP)
            check_dropped(self.world, self.world.time - KEEP)
        balance = self.world.reconcile(full=True)
        assert balance.is_closed, balance
        self.witness.look()
        audit = Audit(self.world)
        audit.check()
        audit.check_acts(self.tries)
        if not self.tries and not self.deploys.had_other_ids:
            audit.check_winners()
        for erasure in list(self.erased):
            self._erase(erasure, is_quiet=True)
            self.crew.finish()
        self.is_sound = True
