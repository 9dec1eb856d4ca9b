"""Rounds: each variant in turn does the same work for the same time, and what it did is checked."""

import csv
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from infra.local.sns_messages import Signer
from tests.bench.service import corpus, load, servers
from tests.bench.service.stub import invoice_text
from tests.bench.service.variants import Variant

# Enough to keep the cores busy while AWS is waited for, at each latency of AWS in milliseconds.
CONNECTIONS = {0: 16, 20: 64}
MESSAGES = 4_000
PATIENCE_SECONDS = 20
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
    seconds: int
    rounds: int


@dataclass(slots=True)
class Contender:
    """A running variant and its rounds: CPU milliseconds an invoice, invoices a second."""

    variant: Variant
    server: servers.Server
    costs: list[float] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)


@contextmanager
def rig(scratch: Path, seconds: int, rounds: int) -> Iterator[Rig]:
    """Yield the stand-in for AWS, and the corpus in its file."""
    signer = Signer(datetime.now(UTC))
    with servers.stub(scratch, signer) as aws:
        file = scratch / "corpus"
        corpus.write(file, corpus.requests(corpus.make(MESSAGES, signer, aws.url)))
        yield Rig(aws=aws, file=file, seconds=seconds, rounds=rounds)


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
    before, cpu_seconds = aws.control.settled(), server.cpu_seconds()
    seen = run(server.port) if variant.is_server else run.in_process(server.port)
    counts, deadline = aws.control.settled() - before, time.monotonic() + PATIENCE_SECONDS
    while not are_whole(variant, counts) and time.monotonic() < deadline:
        counts = aws.control.settled() - before  # the load's last requests are still being worked on
    cpu_seconds = server.cpu_seconds() - cpu_seconds
    if seen.bad or not are_whole(variant, counts):
        raise Failed(
            f"{variant.name}: {seen.bad} of {seen.answers}; calls: {dict(counts)}{server.complaints()}"
        )
    return cpu_seconds / counts["GetObject"] * 1000, seen.rate


def are_whole(variant: Variant, counts: Counter[str]) -> bool:
    """Tell whether the calls of AWS are those of one invoice or more, no more and no fewer."""
    invoices = counts["GetObject"]
    return invoices > 0 and counts == {name: number * invoices for name, number in variant.calls.items()}


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
