"""A gate before every call that the service makes on the outside.

Recording, counting, failing, dying and standing still are all gates: functions that are given
the name of a call and the call, and decide what becomes of it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
    """A gate at one call of which the process dies: before it, or after it with the answer lost."""

    def __init__(self, number: int, *, is_after: bool) -> None:
        self._left, self._is_after = number, is_after

    def __call__(self, name: str, call: Callable[[], Any]) -> Any:
        """Raise Killed at the fatal call, and at every later one, for the dead do nothing."""
        self._left -= 1
        if self._left > 0:
            return call()
        if self._left == 0 and self._is_after:
            call()
        raise Killed(name)


class Forgetful:
    """A gate at one call of which the answer is lost, as the library below tells it; it may ask again."""

    def __init__(self, number: int, error: Callable[[str], Exception]) -> None:
        self._left, self._error = number, error

    def __call__(self, name: str, call: Callable[[], Any]) -> Any:
        """Make the call; raise the error instead of the answer of the one."""
        self._left -= 1
        answer = call()
        if self._left == 0:
            raise self._error(name)
        return answer


class Recorder:
    """A gate that lets every call through and keeps their names."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def __call__(self, name: str, call: Callable[[], Any]) -> Any:
        """Note the call and make it."""
        self.calls.append(name)
        return call()


class Switch:
    """A gate that stands open until the proof puts another in its place."""

    def __init__(self) -> None:
        self.gate: Gate | None = None

    def __call__(self, name: str, call: Callable[[], Any]) -> Any:
        """Pass the call on to the gate, if there is one."""
        return self.gate(name, call) if self.gate else call()

    @contextmanager
    def closed_by(self, gate: Gate) -> Iterator[None]:
        """Have the gate in place inside the block."""
        self.gate = gate
        try:
            yield
        finally:
            self.gate = None
