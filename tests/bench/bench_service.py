"""docproc beside other ways to do the same: CPU an invoice, rates, latencies, memory, start.

    python tests/bench/bench_service.py [--short] [--only docproc floor] [--memory 100000]

Each variant runs under its server against one stand-in for AWS, all in one run and in turns, since only
ratios within a round mean anything. CPU is user and system time of the server's whole tree of processes,
divided by the stand-in's own count of invoices. A run fails if an answer is not 200, if an invoice cost
other calls of AWS than it should, or if what was written is not the invoice. A whole run writes
docs/benchmarks.md, its picture, measured.json, and the tables of docs/scale.md that follow from it.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.bench.service import corpus, load, machine, report, scale, servers
from tests.bench.service.results import Row, Run
from tests.bench.service.rounds import CONNECTIONS, Contender, Failed, Rig, one_round, rig, take_turns
from tests.bench.service.stub import source_key
from tests.bench.service.variants import ALL, DOCPROC, Variant


def main() -> None:
    parser = argparse.ArgumentParser(description="docproc beside other ways to do the same")
    parser.add_argument("--short", action="store_true", help="a try of a minute; writes nothing")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seconds", type=int, default=1, help="of a round of one variant")
    parser.add_argument("--workers", type=int, default=machine.cores(), help="processes of each server")
    parser.add_argument(
        "--only", nargs="+", choices=[v.name for v in ALL], help="these variants; writes nothing"
    )
    parser.add_argument("--latency", nargs="+", type=int, choices=CONNECTIONS, default=list(CONNECTIONS))
    parser.add_argument(
        "--memory", type=int, metavar="MESSAGES", help="docproc's memory over so many; nothing else"
    )
    options = parser.parse_args()
    if options.short:
        options.rounds = 2
    with tempfile.TemporaryDirectory() as folder, rig(Path(folder), options.seconds, options.rounds) as it:
        if options.memory:
            watch_memory(it, Path(folder), options.workers, options.memory)
            return
        chosen = [variant for variant in ALL if not options.only or variant.name in options.only]
        found = compare(it, chosen, Path(folder), options.workers, options.latency)
    report.show(found)
    if not options.short and not options.only and set(options.latency) == set(CONNECTIONS):
        report.write(found)
        scale.write()


def compare(it: Rig, chosen: Sequence[Variant], scratch: Path, workers: int, latencies: Sequence[int]) -> Run:
    """Return what all of them were measured at, in turns, at each latency."""
    before = machine.calibrate()
    capacity = stub_capacity(it, scratch)
    rows: list[Row] = []
    with ExitStack() as stack:
        started = [
            (v, stack.enter_context(servers.running(v, it.aws, scratch, workers=workers))) for v in chosen
        ]
        for latency in latencies:
            it.aws.control.set_latency(latency)
            contenders = [Contender(*each) for each in started]
            take_turns(it, contenders, CONNECTIONS[latency])
            rows += [row_of(it, contender, latency) for contender in contenders]
    return Run(
        rows=rows,
        facts=machine.facts(),
        workers=workers,
        stub_calls_a_second=capacity,
        generator=load.generator(),
        calibration_ms=(before, machine.calibrate()),
    )


def row_of(it: Rig, contender: Contender, latency: int) -> Row:
    """Return what a variant was measured at, after an open loop at half of its rate."""
    seen = None
    if contender.variant.is_server:
        rate = median(contender.rates) / 2
        seen = load.open_loop(contender.server.port, it.file, rate=rate, seconds=max(it.seconds, 4.0))
        if seen.bad:
            complaints = contender.server.complaints()
            raise Failed(f"{contender.variant.name} at half load: {seen.bad} of {seen.answers}{complaints}")
        it.aws.control.settled()
    return Row(
        name=contender.variant.name,
        what=contender.variant.what,
        aws_ms=latency,
        costs_ms=tuple(contender.costs),
        rates=tuple(contender.rates),
        latencies_ms=tuple(1000 * each for each in seen.latencies) if seen else (),
        open_rate=seen.rate if seen else 0.0,
        resident_mb=contender.server.resident_bytes()[0] / 1e6,
        ready_seconds=contender.server.ready_seconds,
    )


def stub_capacity(it: Rig, scratch: Path) -> float:
    """Return how many calls of AWS a second the stand-in answers when nobody else works."""
    get = f"GET /{corpus.SOURCE_BUCKET}/{source_key(0)} HTTP/1.1\r\nHost: aws\r\n\r\n".encode()
    target = b"X-Amz-Target: DynamoDB_20120810.PutItem\r\n"
    write = b"POST / HTTP/1.1\r\nHost: aws\r\n%sContent-Length: 2\r\n\r\n{}" % target
    put = f"PUT /{corpus.DESTINATION_BUCKET}/a HTTP/1.1\r\nHost: aws\r\nContent-Length: 1\r\n\r\na".encode()
    file = scratch / "calls"
    corpus.write(file, [get, write, put])
    it.aws.control.set_latency(0)
    seen = load.ClosedLoop(file=file, connections=CONNECTIONS[0], seconds=it.seconds)(it.aws.port)
    if seen.bad:
        raise Failed(f"the stand-in for AWS: {seen.bad} of {seen.answers}")
    return seen.rate


def watch_memory(it: Rig, scratch: Path, workers: int, messages: int) -> None:
    """Print docproc's largest process after every tenth of so many messages; fails if it grows on and on."""
    it.aws.control.set_latency(0)
    run = load.ClosedLoop(file=it.file, connections=CONNECTIONS[0], seconds=it.seconds)
    with servers.running(DOCPROC, it.aws, scratch, workers=workers) as server:
        contender, began, sizes = (
            Contender(DOCPROC, server),
            it.aws.control.counts()["GetObject"],
            list[float](),
        )
        print(f"{'messages':>10}{'MB':>8}   the largest of {workers} processes")
        while (done := it.aws.control.counts()["GetObject"] - began) < messages:
            one_round(it.aws, contender, run)
            if done >= messages * len(sizes) / 10:
                sizes.append(server.resident_bytes()[0] / 1e6)
                print(f"{done:>10,}{sizes[-1]:>8.1f}", flush=True)
    if sizes[-1] > 1.05 * sizes[len(sizes) // 2]:
        raise Failed(f"from {sizes[len(sizes) // 2]:.0f} to {sizes[-1]:.0f} MB over the second half")


if __name__ == "__main__":
    try:
        main()
    except (Failed, servers.NotReady) as failure:
        sys.exit(f"failed: {failure}")
