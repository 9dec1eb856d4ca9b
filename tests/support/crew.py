"""Some tasks at once, their fates in the hands of the test."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias, TypeVar

from api.acts import ActRefused
from api.maintenance.lease import LeaseTaken
from api.ports import TemporaryFailure
from tests.support.stepping import Fate, Task

T = TypeVar("T")
MAX_TASKS = 4
# Which task goes on, how many calls it makes undisturbed, and what becomes of the one after them.
Steps: TypeAlias = Sequence[tuple[int, int, Fate]]
_ANTICIPATED = (TemporaryFailure, ActRefused, LeaseTaken)


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A task, when it began, and who wants its answer."""

    task: Task
    since: datetime
    take: Callable[[Any], None]


class Crew:
    """Starts tasks, lets them go on, and takes them out when they end; counts what it did."""

    def __init__(self, tried: Counter[str], at_task_end: Callable[[], None]) -> None:
        self.running: list[Running] = []
        self._tried, self._at_task_end = tried, at_task_end

    @property
    def is_free(self) -> bool:
        """Whether one more task may run."""
        return len(self.running) < MAX_TASKS

    def start(
        self,
        name: str,
        work: Callable[[], object],
        since: datetime,
        take: Callable[[Any], None] = lambda _answer: None,
    ) -> Task:
        """Start a task; it stands before its first call."""
        task = Task(name, work, self._at_task_end)
        self.running.append(Running(task=task, since=since, take=take))
        self._tried[name] += 1
        return task

    def go_on(self, steps: Steps) -> None:
        """Let tasks make calls."""
        self._reap()
        for place, calls, last in steps:
            if not self.running:
                return
            task = pick(self.running, place).task
            for _ in range(calls):
                self._step(task, "go")
            self._step(task, last)
            self._reap()

    def finish(self) -> None:
        """Let all run to their ends without trouble."""
        for running in self.running:
            running.task.finish()
        self._reap()

    def kill_older_than(self, begin: datetime) -> None:
        """End those that began before."""
        for running in self.running:
            if running.since < begin:
                running.task.kill()
        self._reap()

    def kill(self) -> None:
        """End all, whatever they say."""
        for running in self.running:
            running.task.kill()
        self.running = []

    def _step(self, task: Task, fate: Fate) -> None:
        if not task.is_done:
            task.step(fate)
            self._tried["calls"] += 1
            self._tried["faults"] += fate in {"refuse", "lose"}
            self._tried["deaths"] += fate in {"die", "die after"}

    def _reap(self) -> None:
        ended = [each for each in self.running if each.task.is_done]
        self.running = [each for each in self.running if not each.task.is_done]
        for each in ended:
            error = each.task.error
            if error is None:
                each.take(each.task.answer)
            elif not each.task.has_died and not isinstance(error, _ANTICIPATED):
                raise error


def pick(things: Sequence[T], place: int) -> T:
    """Return one of them; the smallest place is the newest."""
    return things[-1 - place % len(things)]
