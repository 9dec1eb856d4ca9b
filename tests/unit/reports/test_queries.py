"""Every report on DuckDB over a few rows that were added up by hand."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
import sqlglot

from api.reports.compaction import compact
from api.reports.duck import DuckEngine, compacting
from api.reports.literals import Value
from api.reports.queries import REPORTS
from api.reports.raw import RawObjects
from api.reports.report import Row
from tests.support.bucket import MemoryBucket
from tests.support.report_rows import OBJECTS

Run = Callable[..., list[Row]]


@pytest.fixture(params=["tail only", "compacted", "half compacted"])
def run(request: pytest.FixtureRequest, tmp_path: Path) -> Run:
    """Run a report by name; the answer must not depend on what has been compacted."""
    path, bucket = tmp_path / "reports.duckdb", MemoryBucket()
    if request.param == "half compacted":
        bucket.objects |= {key: data for key, data in OBJECTS.items() if key < "csv/v1/ingest=2026-01-26-11"}
        with compacting(RawObjects(bucket), path) as tables:
            compact(tables, datetime(2026, 1, 26, 10, 59, tzinfo=UTC))
    bucket.objects |= OBJECTS
    if request.param == "compacted":
        with compacting(RawObjects(bucket), path) as tables:
            compact(tables, datetime(2026, 1, 26, 18, 0, tzinfo=UTC))
    engine = DuckEngine(RawObjects(bucket), path)

    def run(name: str, **values: Value) -> list[Row]:
        result = engine.run(REPORTS[name].render({key.rstrip("_"): value for key, value in values.items()}))
        assert result.columns == tuple(column.name for column in REPORTS[name].columns)
        return list(result.rows)

    return run


def money(*texts: str) -> tuple[Decimal, ...]:
    return tuple(map(Decimal, texts))


MARCH_30, APRIL_1, APRIL_2, APRIL_3 = date(2018, 3, 30), date(2018, 4, 1), date(2018, 4, 2), date(2018, 4, 3)


class TestSums:
    def test_by_day(self, run: Run) -> None:
        assert run("expenses-by-day") == [
            (MARCH_30, "INR", 3, *money("200.00", "18.00", "218.00")),
            (APRIL_1, "INR", 1, *money("8.00", "2.00", "10.00")),
            (APRIL_2, "EUR", 1, *money("16.80", "3.20", "20.00")),
            (APRIL_2, "INR", 2, *money("23.00", "0.00", "23.00")),
            (APRIL_3, "INR", 2, *money("513.00", "0.00", "513.00")),
            (date(2019, 1, 7), "", 1, *money("7.00", "0.00", "7.00")),
        ]

    def test_by_week(self, run: Run) -> None:
        assert run("expenses-by-week") == [
            (date(2018, 3, 26), "INR", 4, *money("208.00", "20.00", "228.00")),
            (date(2018, 4, 2), "EUR", 1, *money("16.80", "3.20", "20.00")),
            (date(2018, 4, 2), "INR", 4, *money("536.00", "0.00", "536.00")),
            (date(2019, 1, 7), "", 1, *money("7.00", "0.00", "7.00")),
        ]

    def test_by_month(self, run: Run) -> None:
        assert run("expenses-by-month") == [
            (date(2018, 3, 1), "INR", 3, *money("200.00", "18.00", "218.00")),
            (date(2018, 4, 1), "EUR", 1, *money("16.80", "3.20", "20.00")),
            (date(2018, 4, 1), "INR", 5, *money("544.00", "2.00", "546.00")),
            (date(2019, 1, 1), "", 1, *money("7.00", "0.00", "7.00")),
        ]

    def test_by_seller(self, run: Run) -> None:
        assert run("expenses-by-seller") == [
            ("Beta", "INR", 5, *money("544.00", "2.00", "546.00"), APRIL_1, APRIL_3),
            ("Acme Ltd", "INR", 2, *money("150.00", "18.00", "168.00"), MARCH_30, MARCH_30),
            ("ACME LTD", "INR", 1, *money("50.00", "0.00", "50.00"), MARCH_30, MARCH_30),
            ("Acme Ltd", "EUR", 1, *money("16.80", "3.20", "20.00"), APRIL_2, APRIL_2),
            ("Beta", "", 1, *money("7.00", "0.00", "7.00"), date(2019, 1, 7), date(2019, 1, 7)),
        ]

    def test_by_customer(self, run: Run) -> None:
        assert run("expenses-by-customer") == [
            ("C-2", "INR", 6, *money("594.00", "2.00", "596.00"), MARCH_30, APRIL_3),
            ("C-1", "INR", 2, *money("150.00", "18.00", "168.00"), MARCH_30, MARCH_30),
            ("C-1", "EUR", 1, *money("16.80", "3.20", "20.00"), APRIL_2, APRIL_2),
            ("C-2", "", 1, *money("7.00", "0.00", "7.00"), date(2019, 1, 7), date(2019, 1, 7)),
        ]

    def test_of_taxes(self, run: Run) -> None:
        zero = money("0.00", "0.00", "0.00", "0.00", "0.00", "0.00")
        assert run("tax-summary") == [
            (
                date(2018, 3, 1),
                "INR",
                3,
                *money("200.00", "9.00", "9.00", "0.00", "0.00", "0.00", "18.00"),
            ),
            (date(2018, 4, 1), "EUR", 1, *money("16.80", "0.00", "0.00", "0.00", "3.20", "0.00", "3.20")),
            (date(2018, 4, 1), "INR", 5, *money("544.00", "0.00", "0.00", "1.50", "0.00", "0.50", "2.00")),
            (date(2019, 1, 1), "", 1, Decimal("7.00"), *zero),
        ]

    def test_running_on(self, run: Run) -> None:
        assert run("running-total") == [
            (date(2018, 3, 1), "INR", *money("218.00", "218.00")),
            (date(2018, 4, 1), "EUR", *money("20.00", "20.00")),
            (date(2018, 4, 1), "INR", *money("546.00", "764.00")),
            (date(2019, 1, 1), "", *money("7.00", "7.00")),
        ]


class TestLists:
    def test_the_largest_of_each_currency(self, run: Run) -> None:
        assert run("top-invoices", limit=3) == [
            ("", 1, Decimal("7.00"), date(2019, 1, 7), "C-2", "B-6", "Beta"),
            ("EUR", 1, Decimal("20.00"), APRIL_2, "C-1", "A-3", "Acme Ltd"),
            ("INR", 1, Decimal("500.00"), APRIL_3, "C-2", "B-5", "Beta"),
            ("INR", 2, Decimal("118.00"), MARCH_30, "C-1", "A-1", "Acme Ltd"),
            ("INR", 3, Decimal("50.00"), MARCH_30, "C-1", "A-2", "Acme Ltd"),
            ("INR", 3, Decimal("50.00"), MARCH_30, "C-2", "A-2", "ACME LTD"),
        ]

    def test_invoices_one_by_one(self, run: Run) -> None:
        assert run("invoices", limit=2) == [
            (date(2019, 1, 7), "C-2", "B-6", "Beta", "Buyer", "", *money("7.00", "0.00", "7.00"), ""),
            (APRIL_3, "C-2", "B-4", "Beta", "Buyer", "INR", *money("13.00", "0.00", "13.00"), ""),
        ]

    def test_items_one_by_one(self, run: Run) -> None:
        acme = (MARCH_30, "C-1", "A-1", "Acme Ltd")
        assert run("line-items") == [
            (APRIL_1, "C-2", "B-1", "Beta", 1, "Nut", "INR", *money("8.00", "2.00")),
            (*acme, 1, "Widget", "INR", *money("60.00", "18.00")),
            (*acme, 2, 'Bolt, "M8"', "INR", Decimal("40.00"), None),
        ]


class TestDoubts:
    def test_findings(self, run: Run) -> None:
        assert run("findings") == [
            ("words-mismatch", 2, 1, MARCH_30, MARCH_30),
            ("total-mismatch", 1, 1, MARCH_30, MARCH_30),
        ]

    def test_suspected_duplicates(self, run: Run) -> None:
        assert run("suspected-duplicates") == [
            ("ACME LTD", MARCH_30, "INR", Decimal("50.00"), 2, Decimal("50.00"), "C-1 A-2, C-2 A-2"),
        ]

    def test_outliers(self, run: Run) -> None:
        assert run("outliers") == [
            ("Beta", "INR", APRIL_3, "C-2", "B-5", *money("500.00", "12.00"), 41.67),
        ]

    def test_outliers_of_sellers_with_many_invoices_only(self, run: Run) -> None:
        assert run("outliers", least=6) == []

    def test_outliers_below_the_median(self, run: Run) -> None:
        rows = run("outliers", times=Decimal("1.2"), seller="beta")

        assert [(row[4], row[7]) for row in rows] == [("B-5", 41.67), ("B-1", 0.83)]


class TestParameters:
    def test_from_and_to_are_both_included(self, run: Run) -> None:
        rows = run("expenses-by-day", from_=APRIL_1, to=APRIL_2)

        assert [row[:2] for row in rows] == [(APRIL_1, "INR"), (APRIL_2, "EUR"), (APRIL_2, "INR")]

    def test_a_part_of_the_sellers_name_is_enough(self, run: Run) -> None:
        rows = run("expenses-by-seller", seller="aCmE")

        assert {row[0] for row in rows} == {"Acme Ltd", "ACME LTD"}

    def test_a_customer_is_named_exactly(self, run: Run) -> None:
        assert {row[0] for row in run("expenses-by-customer", customer="C-1")} == {"C-1"}
        assert run("expenses-by-customer", customer="C-") == []

    def test_the_empty_currency_is_one_of_its_own(self, run: Run) -> None:
        assert [row[1] for row in run("expenses-by-month", currency="")] == [""]

    def test_a_hostile_text_is_only_a_text(self, run: Run) -> None:
        assert run("expenses-by-day", seller="x' OR '1'='1") == []


@pytest.mark.parametrize("name", REPORTS)
def test_the_text_of_each_report_is_one_query_to_athenas_parser(name: str) -> None:
    (query,) = sqlglot.parse(REPORTS[name].render({}), read="athena")

    assert isinstance(query, sqlglot.exp.Select)
    assert not list(query.find_all(sqlglot.exp.Placeholder, sqlglot.exp.Parameter))


@pytest.mark.parametrize("name", REPORTS)
def test_no_report_adds_up_amounts_of_several_currencies(name: str) -> None:
    amounts = [column for column in REPORTS[name].columns if column.kind == "amount"]

    assert not amounts or "currency" in [column.name for column in REPORTS[name].columns]
