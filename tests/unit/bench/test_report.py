from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from tests.bench.service.picture import svg
from tests.bench.service.report import between_marks, markdown
from tests.bench.service.results import Row, Run, summary
from tests.bench.service.targets import targets


def row(name: str, aws_ms: int, cost: float, rate: float, **changes: object) -> Row:
    base = Row(
        name=name,
        what=f"what {name} is",
        aws_ms=aws_ms,
        costs_ms=(cost, cost * 2, cost),
        rates=(rate, rate / 2, rate),
        latencies_ms=(60.0, 70.0, 80.0),
        open_rate=rate / 2,
        resident_mb=100.0,
        ready_seconds=1.5,
    )
    return replace(base, **changes)  # type: ignore[arg-type] # a test's shorthand


@pytest.fixture
def run() -> Run:
    return Run(
        rows=[
            row("docproc", 0, 1.0, 1000.0),
            row("original", 0, 9.0, 100.0),
            row("plain", 0, 2.5, 300.0),
            row("floor", 0, 0.25, 3000.0),
            row("docproc", 20, 1.0, 800.0, latencies_ms=(70.0, 181.0)),
            row("original", 20, 9.0, 100.0),
        ],
        facts={"date": "2026-11-22", "machine": "two cores"},
        workers=2,
        stub_calls_a_second=20_000.0,
        generator="wrk",
        calibration_ms=(50.0, 51.0),
    )


class TestTargets:
    def test_are_judged_by_ratios_of_the_same_round(self, run: Run) -> None:
        found = {target.promise: (target.found, target.is_met) for target in targets(run)}

        assert found == {
            "CPU at most 1/8 of the original's way": ("1/9.0", True),
            "CPU at most 1/3 of a plain service": ("1/2.5", False),
            "CPU at most 5 times the floor": ("4.0 times", True),
            "at 20 ms, 5 times the original's rate": ("8.0 times", True),
            "at 20 ms and half load, p99 within 180 ms": ("181 ms", False),
            "a process within 110 MB": ("100 MB", True),
            "ready within 2 s": ("1.5 s", True),
        }

    def test_are_left_out_when_they_were_not_measured(self, run: Run) -> None:
        alone = replace(run, rows=run.rows[:1])

        assert [target.promise for target in targets(alone)] == [
            "a process within 110 MB",
            "ready within 2 s",
        ]


class TestMarkdown:
    def test_has_a_line_a_variant(self, run: Run) -> None:
        line = (
            "| plain: what plain is | 2.50 (2.50 to 5.00) | 2.50 (2.50 to 2.50) | 10.0 (10.0 to 10.0) "
            "| 300 | 70.0 | 80.0 | 80.0 | 100 | 1.5 |"
        )
        assert line in markdown(run).splitlines()

    def test_says_what_was_missed(self, run: Run) -> None:
        assert "| CPU at most 1/3 of a plain service | 1/2.5 | **missed** |" in markdown(run).splitlines()

    def test_holds_the_formula_against_the_clock(self, run: Run) -> None:
        # Two cores of 2 ms each at half load: 2 ms of work, 0.67 ms of waiting.
        assert "| 0 | 500 | 2.7 | 70.0 |" in markdown(run).splitlines()


class TestDocument:
    def test_keeps_all_but_the_tables(self) -> None:
        document = "before\n<!-- a -->\nold\n<!-- end of a -->\nafter\n<!-- b -->\n<!-- end of b -->\n"

        assert between_marks(document, "a", "new") == (
            "before\n<!-- a -->\n\nnew\n\n<!-- end of a -->\nafter\n<!-- b -->\n<!-- end of b -->\n"
        )


class TestPicture:
    def test_is_a_bar_a_variant_shortest_first(self, run: Run) -> None:
        root = ET.fromstring(svg(run))  # noqa: S314 - our own

        bars = root.findall("{http://www.w3.org/2000/svg}rect")
        assert [bar.get("width") for bar in bars] == ["11", "42", "106", "380"]


class TestSummary:
    def test_has_percentiles_instead_of_every_answer(self, run: Run) -> None:
        rows = summary(run)["rows"]

        assert isinstance(rows, list)
        assert rows[0] == {
            "name": "docproc",
            "aws_ms": 0,
            "costs_ms": [1.0, 2.0, 1.0],
            "rates": [1000.0, 500.0, 1000.0],
            "open_rate": 500.0,
            "resident_mb": 100.0,
            "ready_seconds": 1.5,
            "p50_ms": 70.0,
            "p95_ms": 80.0,
            "p99_ms": 80.0,
        }
