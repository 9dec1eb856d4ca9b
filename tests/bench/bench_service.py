"""docproc beside other ways to do the same: CPU an invoice, rates, latencies, memory, start.

    python tests/bench/bench_service.py [--short] [--only docproc floor] [--memory 100000]

Each variant runs under its server against one stand-in for AWS, all in one run and in turns, since only
ratios within a round mean anything. CPU is user and system time of the server's whole tree of processes,
divided by the stand-in's own count of invoices. A run fails if an answer is not 200, if an invoice cost
other calls of AWS than it should, or if what was written is not the invoice. A whole run writes
docs/benchmarks.md, its picture, measured.json, and the tables of docs/scale.md that follow from it.
"""

import argparse
import csv
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from infra.local.sns_messages import Signer
from tests.bench.service import corpus, load, machine, report, scale, servers
from tests.bench.service.stub import invoice_text, source_key
from tests.bench.service.variants import ALL, DOCPROC, Variant

# Enough to keep the cores busy while AWS is waited for, at each latency of AWS in milliseconds.
CONNECTIONS = {0: 16, 20: 64}
MESSAGES = 4_000
NINE_COLUMNS = [
    "2018-03-31",
    "Space Mechanics Inc.",
    "Starfleet Interplanatory HQ",
    "7650.00",
    "500.00",
    "8150.00",
    "Space Rupees Eight thousand one hundred fifty only",
]


class Failed(Exception):  # noqa: N818 - the run did
    """What was measured was not the work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rig:
    """The running stand-in, the corpus, and how long a round takes."""

    aws: servers.Stub
    file: Path
    seconds: float
    rounds: int


@dataclass(slots=True)
class Contender:
    """A running variant and its rounds: CPU milliseconds an invoice, invoices a second."""

    variant: Variant
    server: servers.Server
    costs: list[float] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)


def main() -> None:
    parser = argparse.ArgumentParser(description="docproc beside other ways to do the same")
    parser.add_argument("--short", action="store_true", help="a try of a minute; writes nothing")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=2.5, help="of a round of one variant")
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
        options.rounds, options.seconds = 2, 1.0
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


@contextmanager
def rig(scratch: Path, seconds: float, rounds: int) -> Iterator[Rig]:
    """Yield the stand-in for AWS, and the corpus in its file."""
    signer = Signer(datetime.now(UTC))
    with servers.stub(scratch, signer) as aws:
        file = scratch / "corpus"
        corpus.write(file, corpus.requests(corpus.make(MESSAGES, signer, aws.url)))
        yield Rig(aws=aws, file=file, seconds=seconds, rounds=rounds)


def compare(
    it: Rig, chosen: Sequence[Variant], scratch: Path, workers: int, latencies: Sequence[int]
) -> report.Run:
    """Return what all of them were measured at, in turns, at each latency."""
    before = machine.calibrate()
    capacity = stub_capacity(it, scratch)
    rows: list[report.Row] = []
    with ExitStack() as stack:
        started = [
            (v, stack.enter_context(servers.running(v, it.aws, scratch, workers=workers))) for v in chosen
        ]
        for latency in latencies:
            it.aws.control.set_latency(latency)
            contenders = [Contender(*each) for each in started]
            take_turns(it, contenders, CONNECTIONS[latency])
            rows += [row_of(it, contender, latency) for contender in contenders]
    return report.Run(
        rows=rows,
        facts=machine.facts(),
        workers=workers,
        stub_calls_a_second=capacity,
        generator=load.generator(),
        calibration_ms=(before, machine.calibrate()),
    )


def take_turns(it: Rig, contenders: Sequence[Contender], connections: int) -> None:
    """Warm up, check what is written, then measure the rounds."""
    run = load.ClosedLoop(file=it.file, connections=connections, seconds=it.seconds)
    for number in range(-1, it.rounds):
        for contender in contenders:
            cost, rate = one_round(it.aws, contender, run)
            if number < 0:
                check_written(contender.variant, it.aws.control.last())
                continue
            contender.costs.append(cost)
            contender.rates.append(rate)
            print(f"{contender.variant.name:20} {cost:8.3f} ms {rate:8.0f}/s", flush=True)


def one_round(aws: servers.Stub, contender: Contender, run: load.ClosedLoop) -> tuple[float, float]:
    """Return CPU milliseconds an invoice and invoices a second. Raises Failed."""
    variant, server = contender.variant, contender.server
    counts, cpu_seconds = aws.control.settled(), server.cpu_seconds()
    seen = run(server.port) if variant.is_server else run.in_process(server.port)
    counts = aws.control.settled() - counts
    cpu_seconds = server.cpu_seconds() - cpu_seconds
    invoices = counts["GetObject"]
    if seen.bad or not invoices or counts != {name: n * invoices for name, n in variant.calls.items()}:
        raise Failed(f"{variant.name}: {seen.bad} of {seen.answers} answers were bad; calls: {dict(counts)}")
    return cpu_seconds / invoices * 1000, seen.rate


def check_written(variant: Variant, last: dict[str, str]) -> None:
    """Raise Failed unless the last object and the last item hold an invoice of the corpus."""
    if not variant.parses:
        number = int(last["object"].partition("Inv-ID: inv-")[2][:7])
        written, expected = last["object"], invoice_text(number).decode()
    else:
        row = next(csv.reader([last["object"]]))
        number = int(row[1].removeprefix("inv-"))
        written = ",".join(row[:9])
        expected = ",".join([f"sm-LK{number % 5000:07d}", f"inv-{number:07d}", *NINE_COLUMNS])
    if written != expected or "InWords: Space Rupees" not in last["item"]:
        raise Failed(f"{variant.name} wrote {last}, and not {expected}")


def row_of(it: Rig, contender: Contender, latency: int) -> report.Row:
    """Return what a variant was measured at, after an open loop at half of its rate."""
    seen = None
    if contender.variant.is_server:
        rate = median(contender.rates) / 2
        seen = load.open_loop(contender.server.port, it.file, rate=rate, seconds=max(it.seconds, 4.0))
        if seen.bad:
            raise Failed(
                f"{contender.variant.name}: {seen.bad} of {seen.answers} answers were bad at half load"
            )
        it.aws.control.settled()
    return report.Row(
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
        raise Failed(f"the stand-in for AWS: {seen.bad} of {seen.answers} answers were bad")
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
