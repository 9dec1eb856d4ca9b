"""Cuts a scenario off at each of its outside calls, found by recording, in each way."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TypeAlias

from api.ports import TemporaryFailure
from tests.support.audit import Audit
from tests.support.outside import Fatal, Forgetful, Gate, Killed, Recorder, Switch
from tests.support.scenarios import Scenario, Undone
from tests.support.witness import Witness
from tests.support.world import World

OpenWorld: TypeAlias = Callable[[Switch], AbstractContextManager[World]]
_TRIES = 3


class CrashPoints:
    """The crash points of one kind of world.

    `lost_answer` makes what its driver says of a lost answer, `bury` gives back what the dead held.
    """

    def __init__(
        self,
        open_world: OpenWorld,
        lost_answer: Callable[[str], Exception],
        bury: Callable[[], None] = lambda: None,
    ) -> None:
        self.tried = 0
        self._open_world, self._lost_answer, self._bury = open_world, lost_answer, bury

    def calls_of(self, scenario: Scenario) -> list[str]:
        """Return the calls that the scenario's action makes when nothing happens to it."""
        recorder, switch = Recorder(), Switch()
        with self._open_world(switch) as world:
            prepared = scenario(world)
            with switch.closed_by(recorder):
                prepared.act()
            Audit(world).check()
        return recorder.calls

    def cut_everywhere(self, scenario: Scenario) -> None:
        """Cut it off everywhere; fails unless all comes right again by what follows in practice."""
        calls = self.calls_of(scenario)
        assert calls, "the scenario calls nothing"
        for number, name in enumerate(calls, 1):
            for gate in (
                Fatal(number, is_after=False),
                Fatal(number, is_after=True),
                Forgetful(number, self._lost_answer),
            ):
                try:
                    self._cut(scenario, gate)
                except Exception as error:
                    error.add_note(f"{gate} cut {scenario.__name__} off at call {number}, {name}, of {calls}")
                    raise
                self.tried += 1

    def _cut(self, scenario: Scenario, gate: Gate) -> None:
        switch = Switch()
        with self._open_world(switch) as world:
            prepared = scenario(world)
            witness = Witness(world)
            try:
                with switch.closed_by(gate):
                    prepared.act()
            except Killed:
                self._bury()
            except (TemporaryFailure, Undone):
                pass
            witness.look()
            world.outlast_leases()
            prepared.again()
            witness.look()
            assert world.reconcile().is_closed
            witness.look()
            Audit(world).check()
