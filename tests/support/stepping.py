"""Threads that take turns: work that stands still before every call on the outside.

Only one thread runs at a time, and the test says which, so that any interleaving of any number
of deliveries, sweeps and acts can be made, found again and shrunk.
"""

import threading
from collections.abc import Callable
from typing import Any, Literal, TypeAlias

from api.ports import TemporaryFailure
from tests.support.outside import Killed

Fate: TypeAlias = Literal["go", "refuse", "lose", "die", "die after"]
_PATIENCE_SECONDS = 30

_current = threading.local()


def step_gate(name: str, call: Callable[[], Any]) -> Any:
    """Be a gate at which a task waits for its turn; whoever is no task goes straight through."""
    task: Task | None = getattr(_current, "task", None)
    return task.pass_gate(name, call) if task else call()


class Task:
    """Work in a thread of its own; it runs to its first outside call at once and waits there."""

    def __init__(self, name: str, work: Callable[[], Any], at_end: Callable[[], None] = lambda: None) -> None:
        self.name = name
        self.answer: Any = None
        self.error: BaseException | None = None
        self.is_done = False
        self.at = ""
        self._work, self._at_end = work, at_end
        self._fate: Fate = "go"
        self._is_dead = False
        self._turn, self._rest = threading.Semaphore(0), threading.Semaphore(0)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self._wait()

    def step(self, fate: Fate = "go") -> None:
        """Let it make the call that it waits for, with that fate, and go on to the next."""
        self._fate = fate
        self._turn.release()
        self._wait()

    def finish(self) -> None:
        """Let it run to its end."""
        while not self.is_done:
            self.step()

    def kill(self) -> None:
        """End it where it stands."""
        if not self.is_done:
            self.step("die")

    @property
    def has_died(self) -> bool:
        """Whether it was killed, so that nobody knows what it has done."""
        return isinstance(self.error, Killed)

    def pass_gate(self, name: str, call: Callable[[], Any]) -> Any:
        """Wait for the turn, then make the call or not."""
        if self._is_dead:
            raise Killed(name)
        self.at = name
        self._rest.release()
        self._turn.acquire()
        fate = self._fate
        if fate == "refuse":
            raise TemporaryFailure("test", name, "refused")
        if fate != "die":
            answer = call()
            if fate == "go":
                return answer
            if fate == "lose":
                raise TemporaryFailure("test", name, "answer lost")
        self._is_dead = True
        raise Killed(name)

    def _run(self) -> None:
        _current.task = self
        try:
            self.answer = self._work()
        except BaseException as error:  # noqa: BLE001 - whoever looks at the task raises it again
            self.error = error
        finally:
            self._at_end()
            self.is_done = True
            self._rest.release()

    def _wait(self) -> None:
        if not self._rest.acquire(timeout=_PATIENCE_SECONDS):
            raise AssertionError(f"{self.name} hangs behind {self.at}")
        if self.is_done:
            self._thread.join()
