"""What a run of bench_service.py found: on the screen, in docs/benchmarks.md, as a picture and as JSON."""

import json
import re
from collections.abc import Iterator
from statistics import mean

from infra.local.service import ROOT
from tests.bench.service.figures import Spread, percentile, ratios, spread, waiting_seconds
from tests.bench.service.picture import svg
from tests.bench.service.results import Run, summary
from tests.bench.service.targets import CALLS, targets

DOCUMENT = ROOT / "docs" / "benchmarks.md"
PICTURE = ROOT / "docs" / "images" / "benchmark.svg"
MEASURED = ROOT / "tests" / "bench" / "measured.json"


def show(run: Run) -> None:
    """Print the tables."""
    print("\n" + markdown(run))


def write(run: Run) -> None:
    """Put tables, picture and figures where they are kept."""
    MEASURED.write_text(json.dumps(summary(run), indent=2) + "\n")
    PICTURE.write_text(svg(run))
    put("measured", markdown(run))
    print(f"\nwritten: {', '.join(str(file.relative_to(ROOT)) for file in (DOCUMENT, PICTURE, MEASURED))}")


def put(name: str, tables: str) -> None:
    """Put tables between their marks in the document."""
    DOCUMENT.write_text(between_marks(DOCUMENT.read_text(), name, tables))


def between_marks(document: str, name: str, tables: str) -> str:
    """Return the document with the tables in the place of the earlier ones."""
    marks = rf"(?s)(?<=<!-- {name} -->\n).*(?=<!-- end of {name} -->)"
    return re.sub(marks, lambda _: f"\n{tables}\n\n", document)


def markdown(run: Run) -> str:
    """Return all tables."""
    facts = run.facts | {
        "processes": f"{run.workers} of each server",
        "load from": run.generator,
        "the stand-in alone": f"{run.stub_calls_a_second:,.0f} calls a second",
        "calibration loop": "{:.0f} ms before, {:.0f} ms after".format(*run.calibration_ms),
    }
    lines = ["| | |", "|---|---|", *(f"| {name} | {fact} |" for name, fact in facts.items())]
    for aws_ms in sorted({row.aws_ms for row in run.rows}):
        lines += ["", f"### AWS answers after {aws_ms} ms", "", *_table(run, aws_ms)]
    lines += ["", "### Targets", "", "| promise | found | |", "|---|---|---|"]
    lines += [f"| {t.promise} | {t.found} | {'met' if t.is_met else '**missed**'} |" for t in targets(run)]
    lines += ["", "### Queueing", "", *_queueing(run)]
    return "\n".join(lines)


def _table(run: Run, aws_ms: int) -> Iterator[str]:
    ours, floor = run.row("docproc", aws_ms), run.row("floor", aws_ms)
    yield (
        "| variant | CPU ms | x docproc | x floor | invoices/s | p50 | p95 | p99 ms at half of that "
        "| MB a process | ready after s |"
    )
    yield "|---|---|---|---|---|---|---|---|---|---|"
    for row in (row for row in run.rows if row.aws_ms == aws_ms):
        cells = [f"{row.name}: {row.what}", _spread(spread(row.costs_ms))]
        cells += [_spread(ratios(row.costs_ms, other.costs_ms)) if other else "" for other in (ours, floor)]
        cells += [f"{spread(row.rates).middle:,.0f}"]
        latencies = row.latencies_ms
        cells += [f"{percentile(latencies, p):.1f}" if latencies else "" for p in (0.5, 0.95, 0.99)]
        cells += [f"{row.resident_mb:.0f}", f"{row.ready_seconds:.1f}"]
        yield f"| {' | '.join(cells)} |"


def _queueing(run: Run) -> Iterator[str]:
    """Yield the mean time of an invoice at half load, by the formula and as measured."""
    fast = run.row("docproc", 0)
    yield "| AWS ms | invoices/s | mean by M/M/c, ms | mean measured, ms |"
    yield "|---|---|---|---|"
    for row in (row for row in run.rows if row.name == "docproc" and fast):
        assert fast
        work = run.workers / spread(fast.rates).middle  # what an invoice keeps a core busy, all in all
        wait = waiting_seconds(row.open_rate, work, run.workers)
        expected = CALLS * row.aws_ms + 1000 * (work + wait)
        yield f"| {row.aws_ms} | {row.open_rate:.0f} | {expected:.1f} | {mean(row.latencies_ms):.1f} |"


def _spread(it: Spread) -> str:
    digits = 2 if it.middle < 10 else 1
    return f"{it.middle:.{digits}f} ({it.low:.{digits}f} to {it.high:.{digits}f})"
