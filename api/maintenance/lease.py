"""One owner at a time: a lease in the ledger, kept while its holder works."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

LEASE_SECONDS = 120


class LeaseTaken(Exception):  # noqa: N818 - it names what is wrong
    """Somebody else does this work now, or took it over since."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name} is running elsewhere; it will be free {LEASE_SECONDS} s after that one dies"
        )


class Leases(Protocol):
    """What keeps leases: the ledger."""

    def acquire_lease(self, name: str, holder: str, *, now: datetime, seconds: int) -> bool:
        """Take or prolong the lease; False while another holder's has not expired."""

    def release_lease(self, name: str, holder: str) -> None:
        """Give the lease back, if it is still the holder's."""


@dataclass(slots=True, kw_only=True)
class Lease:
    """A lease that is held; call `keep` between two steps of the work."""

    leases: Leases
    name: str
    holder: str
    clock: Callable[[], datetime]
    renewed_at: datetime = field(init=False)

    def __post_init__(self) -> None:
        self._acquire()

    def keep(self) -> None:
        """Prolong the lease when a third of it has gone. Raises LeaseTaken if it was taken over."""
        if self.clock() - self.renewed_at > timedelta(seconds=LEASE_SECONDS / 3):
            self._acquire()

    def _acquire(self) -> None:
        now = self.clock()
        if not self.leases.acquire_lease(self.name, self.holder, now=now, seconds=LEASE_SECONDS):
            raise LeaseTaken(self.name)
        self.renewed_at = now


@contextmanager
def held(leases: Leases, name: str, holder: str, clock: Callable[[], datetime]) -> Iterator[Lease]:
    """Hold the lease while the block runs. Raises LeaseTaken."""
    lease = Lease(leases=leases, name=name, holder=holder, clock=clock)
    try:
        yield lease
    finally:
        leases.release_lease(name, holder)
