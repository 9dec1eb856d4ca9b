"""What a run of bench_service.py found: on the screen, in docs/benchmarks.md, as a picture and as JSON."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from statistics import mean

from infra.local.service import ROOT
from tests.bench.service.figures import Spread, percentile, ratios, spread, waiting_seconds

DOCUMENT = ROOT / "docs" / "benchmarks.md"
PICTURE = ROOT / "docs" / "images" / "benchmark.svg"
MEASURED = ROOT / "tests" / "bench" / "measured.json"
CALLS = 3  # of AWS, one after the other, for an invoice


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What one variant was measured at, AWS taking so long for each answer; tuples have a figure a round."""

    name: str
    what: str
    aws_ms: int
    costs_ms: tuple[float, ...]
    rates: tuple[float, ...]
    latencies_ms: tuple[float, ...]
    open_rate: float
    resident_mb: float
    ready_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A whole run."""

    rows: list[Row]
    facts: dict[str, str]
    workers: int
    stub_calls_a_second: float
    generator: str
    calibration_ms: tuple[float, float]

    def row(self, name: str, aws_ms: int) -> Row | None:
        """Return that row, None when it was not measured."""
        return next((row for row in self.rows if (row.name, row.aws_ms) == (name, aws_ms)), None)


@dataclass(frozen=True, slots=True)
class Target:
    """A promise and what came of it."""

    promise: str
    found: str
    is_met: bool


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


def summary(run: Run) -> dict[str, object]:
    """Return the figures that other documents build on."""
    rows = [
        {name: value for name, value in asdict(row).items() if name not in {"latencies_ms", "what"}}
        | {f"p{share}_ms": round(percentile(row.latencies_ms, share / 100), 2) for share in _shares(row)}
        for row in run.rows
    ]
    return {"facts": run.facts, "workers": run.workers, "rows": [_rounded(row) for row in rows]}


def svg(run: Run) -> str:
    """Return a picture of the CPU that an invoice costs, readable on light and on dark."""
    rows = [row for row in run.rows if row.aws_ms == 0]
    floor = run.row("floor", 0)
    longest = max(spread(row.costs_ms).middle for row in rows)
    bars = []
    for number, row in enumerate(sorted(rows, key=lambda row: spread(row.costs_ms).middle)):
        cost, y = spread(row.costs_ms).middle, 40 + 26 * number
        width = max(2.0, 380 * cost / longest)
        times = f", {ratios(row.costs_ms, floor.costs_ms).middle:.1f} x floor" if floor else ""
        style = ' class="ours"' if row.name == "docproc" else ""
        bars.append(
            f'<text x="130" y="{y + 13}" text-anchor="end">{row.name}</text>'
            f'<rect{style} x="138" y="{y}" width="{width:.0f}" height="18" rx="2"/>'
            f'<text x="{144 + width:.0f}" y="{y + 13}">{cost:.2f}{times}</text>'
        )
    height = 48 + 26 * len(rows)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 680 {height}" width="680" height="{height}">\n'
        "<style>text{font:13px sans-serif;fill:#24292f}rect{fill:#8c959f}.ours{fill:#0969da}"
        "@media(prefers-color-scheme:dark){text{fill:#e6edf3}rect{fill:#6e7681}.ours{fill:#58a6ff}}</style>\n"
        '<text x="138" y="24">milliseconds of CPU for one invoice</text>\n' + "\n".join(bars) + "\n</svg>\n"
    )


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


def _shares(row: Row) -> Sequence[int]:
    return (50, 95, 99) if row.latencies_ms else ()


def _rounded(row: dict[str, object]) -> dict[str, object]:
    def short(value: object) -> object:
        if isinstance(value, tuple):
            return [short(each) for each in value]
        return round(value, 3) if isinstance(value, float) else value

    return {name: short(value) for name, value in row.items()}
