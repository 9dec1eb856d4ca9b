"""What a run of bench_service.py found."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from tests.bench.service.figures import percentile


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


def summary(run: Run) -> dict[str, object]:
    """Return the figures that other documents build on."""
    rows = [
        {name: value for name, value in asdict(row).items() if name not in {"latencies_ms", "what"}}
        | {f"p{share}_ms": round(percentile(row.latencies_ms, share / 100), 2) for share in _shares(row)}
        for row in run.rows
    ]
    return {"facts": run.facts, "workers": run.workers, "rows": [_rounded(row) for row in rows]}


def _shares(row: Row) -> Sequence[int]:
    return (50, 95, 99) if row.latencies_ms else ()


def _rounded(row: dict[str, object]) -> dict[str, object]:
    def short(value: object) -> object:
        if isinstance(value, tuple):
            return [short(each) for each in value]
        return round(value, 3) if isinstance(value, float) else value

    return {name: short(value) for name, value in row.items()}
