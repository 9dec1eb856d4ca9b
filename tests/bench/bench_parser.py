"""Invoices per CPU-second, bytes to Invoice with all checks, beside invoice2data in the same run.

    python tests/bench/bench_parser.py [PYTHON_OF_THE_PEER]

The peer lives in an environment of its own, so that it is no dependency of the project:

    python3 -m venv /tmp/peer && /tmp/peer/bin/pip install invoice2data==1.0.1
    python tests/bench/bench_parser.py /tmp/peer/bin/python      (or PEER_PYTHON=/tmp/peer/bin/python)

Both read the canonical sample of 572 bytes from memory, in turns, and each counts its own CPU time.
The peer's template is compiled and chosen beforehand, and reads the same fields and items; it must
agree on them before anything is measured.
"""

import json
import os
import statistics
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from time import process_time
from typing import IO

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # run as a script, the folder of the script comes first

from invoice_parser import csv_row, parse  # noqa: E402 - needs the line above

DATA = (ROOT / "tests" / "data" / "invoices" / "canonical.txt").read_bytes()
ROUNDS = 15
OURS_PER_ROUND = 4_000
PEERS_PER_ROUND = 400

PEER = r"""
import json, logging, sys
from time import process_time
from invoice2data.extract.invoice_template import InvoiceTemplate
from invoice2data.input import text as text_module
logging.disable(logging.CRITICAL)
data = sys.stdin.buffer.read(int(sys.stdin.buffer.readline()))
def field(pattern, kind=None):
    return {"parser": "regex", "regex": pattern, **({"type": kind} if kind else {})}
template = InvoiceTemplate(
    template_name="bench", issuer="bench", keywords=["Customer-ID:", "Inv-ID:"], exclude_keywords=[],
    options={"currency": "INR", "date_formats": ["%b %d %Y"]},
    fields={
        "customer_id": field(r"Customer-ID:\s*(\S+)"), "invoice_number": field(r"Inv-ID:\s*(\S+)"),
        "date": field(r"Dated:\s*(.+)", "date"),
        "seller": field(r"From:\s*(.+)"), "buyer": field(r"To:\s*(.+)"),
        "amount_untaxed": field(r"Amount:\s*([\d.,]+)", "float"),
        "amount_tax": field(r"SGST:\s*([\d.,]+)", "float"),
        "amount": field(r"Total:\s*([\d.,]+)", "float"), "words": field(r"InWords:\s*(.+)"),
        "lines": {"parser": "lines", "start": r"Items\n", "end": r"\Z",
                  "line": r"^(?P<number>\d+)\) (?P<name>.+?), (?P<net>[\d.]+)(?:, (?P<tax>[\d.]+))?$",
                  "types": {"net": "float", "tax": "float"}},
    },
)
def read():
    text = template.prepare_input(data.decode())
    assert template.matches_input(text)
    return template.extract(text, "", text_module)
print(json.dumps({"python": sys.version.split()[0], "read": read()}, default=str), flush=True)
for line in sys.stdin.buffer:
    start = process_time()
    for _ in range(int(line)):
        read()
    print(process_time() - start, flush=True)
"""


def main() -> None:
    peer_python = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("PEER_PYTHON", "")
    peer = start_peer(peer_python) if peer_python else None
    ours, theirs = [], []
    for _ in range(ROUNDS):
        ours.append(measure_ours() / OURS_PER_ROUND)
        if peer:
            theirs.append(measure_peer(*peer) / PEERS_PER_ROUND)
    report("docproc", ours)
    report_rows()
    if theirs:
        report("invoice2data", theirs)
        ratios = sorted(peer / our for our, peer in zip(ours, theirs, strict=True))
        print(
            f"ratio: {statistics.median(ratios):.1f} times as many invoices per CPU-second "
            f"(lowest round {ratios[0]:.1f}, highest {ratios[-1]:.1f}, {ROUNDS} rounds in turns)"
        )
    else:
        print("no peer: name the Python of an environment with invoice2data==1.0.1 to compare")


def measure_ours() -> float:
    start = process_time()
    for _ in range(OURS_PER_ROUND):
        parse(DATA)
    return process_time() - start


def start_peer(python: str) -> tuple[IO[bytes], IO[bytes]]:
    """Start the peer and make sure that it reads what we read; return its two ends."""
    process = subprocess.Popen([python, "-c", PEER], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin
    assert process.stdout
    process.stdin.write(b"%d\n%s" % (len(DATA), DATA))
    process.stdin.flush()
    answer = json.loads(process.stdout.readline())
    print(f"Python {sys.version.split()[0]}, the peer's {answer['python']}")
    theirs, ours = answer["read"], parse(DATA)
    assert theirs["invoice_number"] == ours.invoice_id
    assert theirs["date"].startswith(ours.issue_date.isoformat())
    assert [theirs["amount_untaxed"], theirs["amount_tax"], theirs["amount"]] == [7650.0, 500.0, 8150.0]
    assert [line["net"] for line in theirs["lines"]] == [float(item.net_amount) for item in ours.items]
    return process.stdin, process.stdout


def measure_peer(requests: IO[bytes], answers: IO[bytes]) -> float:
    requests.write(b"%d\n" % PEERS_PER_ROUND)
    requests.flush()
    return float(answers.readline())


def report(name: str, costs: list[float]) -> None:
    cost, best = statistics.median(costs), min(costs)
    each = f"{cost * 1e6:.0f} microseconds of CPU each (best {best * 1e6:.0f})"
    print(f"{name}: {each}, {1 / cost:,.0f} invoices per CPU-second")


def report_rows() -> None:
    invoice, now = parse(DATA), datetime.now(UTC)
    start = process_time()
    for _ in range(OURS_PER_ROUND):
        csv_row(invoice, status="active", rev=1, source_key="a", stored_at=now)
    print(f"its CSV row: {(process_time() - start) / OURS_PER_ROUND * 1e6:.0f} microseconds more")


if __name__ == "__main__":
    main()
