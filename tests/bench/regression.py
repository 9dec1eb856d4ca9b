"""Fails when docproc's CPU per invoice has grown by more than a quarter since the baseline was recorded.

    python tests/bench/regression.py [--record]

The measure is the ratio to the floor, in turns on one machine, so that the machine's speed cancels out:
one process of each, and of many short rounds the cheapest of each, which other work on the machine
disturbs least (the medians' ratio was 4.0 on an idle machine and 5.8 on a crowded one). One over the limit
is measured once more over twice as many rounds, and only then fails. `--record` writes the baseline.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.bench.service import load, machine, servers
from tests.bench.service.rounds import CONNECTIONS, Contender, Failed, Rig, one_round, rig
from tests.bench.service.variants import DOCPROC, FLOOR

BASELINE = Path(__file__).with_name("baseline.json")
LIMIT = 1.25
ROUNDS, SECONDS = 12, 1


def main() -> None:
    parser = argparse.ArgumentParser(description="docproc's CPU per invoice against the floor's")
    parser.add_argument("--record", action="store_true", help="make what is measured now the baseline")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        rig(Path(folder), SECONDS, ROUNDS) as it,
        ExitStack() as stack,
    ):
        started = [
            Contender(variant, stack.enter_context(servers.running(variant, it.aws, Path(folder), workers=1)))
            for variant in (DOCPROC, FLOOR)
        ]
        found = measure(it, started, ROUNDS)
        if options.record:
            record(found)
            return
        baseline = json.loads(BASELINE.read_text())["ratio"]
        if found > LIMIT * baseline:
            print("over the limit; once more, longer")
            found = measure(it, started, 2 * ROUNDS)
    print(f"limit: {LIMIT * baseline:.2f}, which is {LIMIT} times the baseline of {baseline:.2f}")
    if found > LIMIT * baseline:
        raise Failed(
            "an invoice costs more CPU than it did: `make profile` here and on the last good commit shows "
            "where; if it is worth it, record a new baseline with `make regression ARGS=--record`"
        )


def measure(it: Rig, contenders: Sequence[Contender], rounds: int) -> float:
    """Return how many times the floor's CPU docproc takes at its cheapest, after a warm-up."""
    run = load.ClosedLoop(file=it.file, connections=CONNECTIONS[0], seconds=it.seconds)
    costs: dict[str, list[float]] = {contender.variant.name: [] for contender in contenders}
    for number in range(-2, rounds):
        for contender in contenders:
            cost, _ = one_round(it.aws, contender, run)
            if number >= 0:
                costs[contender.variant.name].append(cost)
    found = min(costs["docproc"]) / min(costs["floor"])
    print(f"docproc takes {found:.2f} times the floor's CPU")
    return found


def record(found: float) -> None:
    """Write the baseline."""
    baseline = {"ratio": round(found, 2), **machine.facts()}
    BASELINE.write_text(json.dumps(baseline, indent=2) + "\n")
    print(f"recorded in {BASELINE.name}")


if __name__ == "__main__":
    try:
        main()
    except (Failed, servers.NotReady) as failure:
        sys.exit(f"failed: {failure}")
