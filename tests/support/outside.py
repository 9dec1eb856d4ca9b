"""A gate before every call that the service makes on the outside.

Recording, counting, failing, dying and standing still are all gates: functions that are given
the name of a call and the call, and decide what becomes of it.
"""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, Protocol, TypeVar, cast

T = TypeVar("T")
# A listing comes in pages as AWS's do, so that something may happen between two of them.
PAGE = 3


class Killed(BaseException):
    """The process died here: no `except Exception` and no `finally` of its own runs any more."""


class Gate(Protocol):
    """Decides what becomes of a call."""

    def __call__(self, name: str, call: Callable[[], Any]) -> Any:
        """Return the call's answer, or raise what the caller is to see."""


def watched(port: T, name: str, gate: Gate) -> T:
    """Return the port with the gate before each of its calls, which are named `name.method`."""
    return cast("T", _Watched(port, name, gate))


class _Watched:
    def __init__(self, port: object, name: str, gate: Gate) -> None:
        self._port, self._name, self._gate = port, name, gate

    def __getattr__(self, method: str) -> Any:
        attribute = getattr(self._port, method)
        name = f"{self._name}.{method}"

        def call(*arguments: Any, **named: Any) -> Any:
            answer = self._gate(name, lambda: attribute(*arguments, **named))
            return self._pages(name, answer) if isinstance(answer, Iterator) else answer

        return call

    def _pages(self, name: str, items: Iterator[Any]) -> Iterator[Any]:
        while page := self._gate(name, lambda: list(islice(items, PAGE))):
            yield from page


class Fatal:
    """A gate that kills the process at one call: before it, or after it with the answer lost."""

    def __init__(self, fatal_call: int, *, is_after: bool) -> None:
        self.calls: list[str] = []
        self._fatal_call, self._is_after = fatal_call, is_after
        self._is_dead = False

    def __call__(self, name: str, call: Callable[[], Any]) -> Any:
        """Count the call; raise Killed at the fatal one, and at every later one, for the dead do nothing."""
        if self._is_dead:
            raise Killed(name)
        self.calls.append(name)
        if len(self.calls) != self._fatal_call:
            return call()
        if self._is_after:
            call()
        self._is_dead = True
        raise Killed(name)


class Recorder:
    """A gate that lets every call through and keeps their names."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def __call__(self, name: str, call: Callable[[], Any]) -> Any:
        """Note the call and make it."""
        self.calls.append(name)
        return call()
