"""The arithmetic of the benchmarks. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of some rounds, and the lowest and the highest of them."""

    middle: float
    low: float
    high: float


def spread(values: Sequence[float]) -> Spread:
    """Return the spread of at least one value."""
    return Spread(median(values), min(values), max(values))


def ratios(values: Sequence[float], others: Sequence[float]) -> Spread:
    """Return how many times the others the values are, round by round: what slows a round slows both."""
    return spread([value / other for value, other in zip(values, others, strict=True)])


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that this share of them does not exceed (nearest rank)."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def waiting_seconds(rate: float, work_seconds: float, cores: int) -> float:
    """Return the mean wait for a core: `cores` of them, Poisson arrivals, `work_seconds` of CPU each.

    Erlang's C (M/M/c): W = C(c, a) / (c/s - rate) with a = rate * s. The mean holds for any
    distribution of the work when all that is under way shares the cores evenly, as threads do.
    Raises ValueError when the cores cannot keep up. https://en.wikipedia.org/wiki/M/M/c_queue
    """
    load = rate * work_seconds
    if load >= cores:
        raise ValueError(f"{load:.2f} seconds of work a second are too much for {cores} cores")
    blocking = 1.0  # Erlang's B, by its recursion, which does not overflow
    for core in range(1, cores + 1):
        blocking = load * blocking / (core + load * blocking)
    must_wait = blocking / (1 - load / cores * (1 - blocking))
    return must_wait / (cores / work_seconds - rate)
