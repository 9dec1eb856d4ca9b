"""What docproc promises of its speed, and whether a run kept it."""

from collections.abc import Iterator
from dataclasses import dataclass

from tests.bench.service.figures import percentile, ratios
from tests.bench.service.results import Run

CALLS = 3  # of AWS, one after the other, for an invoice


@dataclass(frozen=True, slots=True)
class Target:
    """A promise and what came of it."""

    promise: str
    found: str
    is_met: bool


def targets(run: Run) -> Iterator[Target]:
    """Yield what issue and design promise, as far as it was measured."""
    ours, slow = run.row("docproc", 0), run.row("docproc", 20)
    original, plain, floor = (run.row(name, 0) for name in ("original", "plain", "floor"))
    if ours and original:
        found = ratios(original.costs_ms, ours.costs_ms)
        yield Target("CPU at most 1/8 of the original's way", f"1/{found.middle:.1f}", found.middle >= 8)
    if ours and plain:
        found = ratios(plain.costs_ms, ours.costs_ms)
        yield Target("CPU at most 1/3 of a plain service", f"1/{found.middle:.1f}", found.middle >= 3)
    if ours and floor:
        found = ratios(ours.costs_ms, floor.costs_ms)
        yield Target("CPU at most 5 times the floor", f"{found.middle:.1f} times", found.middle <= 5)
    if slow and (original := run.row("original", 20)):
        found = ratios(slow.rates, original.rates)
        yield Target("at 20 ms, 5 times the original's rate", f"{found.middle:.1f} times", found.middle >= 5)
    if slow:
        p99 = percentile(slow.latencies_ms, 0.99)
        promise = f"at 20 ms and half load, p99 within {3 * CALLS * 20} ms"
        yield Target(promise, f"{p99:.0f} ms", p99 <= 3 * CALLS * 20)
    if any_row := slow or ours:
        yield Target("a process within 110 MB", f"{any_row.resident_mb:.0f} MB", any_row.resident_mb <= 110)
        ready = any_row.ready_seconds
        yield Target("ready within 2 s", f"{ready:.1f} s", ready <= 2)
