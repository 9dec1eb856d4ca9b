"""The doctor: whether everything that the service needs is there, and set as it must be.

Looks and changes nothing. Each fault comes with the command that mends it.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from api.maintenance.doctor import machine, messages, storage
from api.maintenance.doctor.examination import (
    Deployment,
    Examination,
    Finding,
    Findings,
    Unchecked,
    Unhealthy,
)

__all__ = ["CHECKS", "Deployment", "Examination", "Examined", "Finding", "examine"]

CHECKS: Final[Mapping[str, Callable[[Examination], Findings]]] = {
    "credentials": machine.credentials,
    "clock and time-outs": machine.clock_and_time_outs,
    "source bucket": storage.source_bucket,
    "notification": storage.notification,
    "destination bucket": storage.destination_bucket,
    "topic and key": messages.topic,
    "subscription": messages.subscription,
    "dead-letter queue": messages.dead_letter_queue,
    "tables": storage.tables,
    "database": machine.database,
    "signing certificate": machine.certificate,
    "workgroups": storage.workgroups,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """What one check found, and what it could not look at."""

    check: str
    faults: tuple[Finding, ...]
    unchecked: tuple[str, ...]


def examine(examination: Examination) -> Iterator[Examined]:
    """Yield what each check found; a fault in one hides no other."""
    for name, check in CHECKS.items():
        findings: list[Finding | Unchecked] = []
        try:
            for finding in check(examination):
                findings.append(finding)  # noqa: PERF402 - what was found before the check stopped counts
        except Unhealthy as error:
            findings.append(error.finding)
        yield Examined(
            check=name,
            faults=tuple(each for each in findings if isinstance(each, Finding)),
            unchecked=tuple(each.what for each in findings if isinstance(each, Unchecked)),
        )
