"""CPU per invoice and the rate that docproc sustains, against a stand-in for AWS.

    python tests/bench/bench_service.py [--rounds 4] [--seconds 4] [--workers 2] [--latency 0]

Fails if an answer is not 200, or if an invoice cost other calls of AWS than it should.
"""

import argparse
import statistics
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from infra.local.sns_messages import Signer
from tests.bench.service import corpus, load, servers, variants

CONNECTIONS_A_WORKER = 16


def round_of(
    server: servers.Server, variant: variants.Variant, aws: servers.Stub, run: load.ClosedLoop
) -> tuple[float, float]:
    """Return CPU milliseconds an invoice and invoices a second."""
    counts, cpu_seconds = aws.control.settled(), server.cpu_seconds()
    seen = run(server.port) if variant.is_server else run.in_process(server.port)
    counts = aws.control.settled() - counts
    cpu_seconds = server.cpu_seconds() - cpu_seconds
    invoices = counts["GetObject"]
    if seen.bad or counts != {name: number * invoices for name, number in variant.calls.items()}:
        sys.exit(f"{variant.name}: {seen.bad} of {seen.answers} answers were not 200; calls: {dict(counts)}")
    return cpu_seconds / invoices * 1000, seen.rate


def measure(chosen: Sequence[variants.Variant], arguments: argparse.Namespace, scratch: Path) -> None:
    signer = Signer(datetime.now(UTC))
    with servers.stub(scratch, signer) as aws:
        file = scratch / "corpus"
        corpus.write(file, corpus.requests(corpus.make(2_000, signer, aws.url)))
        aws.control.set_latency(arguments.latency)
        run = load.ClosedLoop(
            file=file,
            connections=CONNECTIONS_A_WORKER * arguments.workers,
            seconds=arguments.seconds,
        )
        for variant in chosen:
            with servers.running(variant, aws, scratch, workers=arguments.workers) as server:
                round_of(server, variant, aws, run)  # warms up
                found = [round_of(server, variant, aws, run) for _ in range(arguments.rounds)]
                costs, rates = zip(*found, strict=True)
                print(
                    f"{variant.name}: {statistics.median(costs):.3f} ms of CPU an invoice "
                    f"({min(costs):.3f} to {max(costs):.3f}), {statistics.median(rates):.0f}/s, "
                    f"ready after {server.ready_seconds:.1f} s, "
                    f"{server.resident_bytes()[0] / 1e6:.0f} MB the largest process"
                )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--latency", type=float, default=0, help="milliseconds of each call of AWS")
    parser.add_argument("--only", nargs="+", help="the variants to measure")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measure(
            [v for v in variants.ALL if not arguments.only or v.name in arguments.only],
            arguments,
            Path(folder),
        )


if __name__ == "__main__":
    main()
