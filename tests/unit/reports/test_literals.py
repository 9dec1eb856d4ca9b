"""Values as SQL literals; hostile ones come back from DuckDB and from sqlglot's Athena as they were."""

from datetime import UTC, date, datetime
from decimal import Decimal

import duckdb
import pytest
import sqlglot
from hypothesis import example, given
from hypothesis import strategies as st

from api.reports.literals import UnwritableValue, literal

writable = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0") | st.sampled_from("'\"\\;:-/*?{}\n\r"),
    max_size=60,
)


def answer(text: str) -> object:
    translated = sqlglot.transpile(f"SELECT {text}", read="athena", write="duckdb")[0]
    with duckdb.connect() as connection:
        row = connection.execute(translated).fetchone()
    assert row is not None
    return row[0]


class TestLiteral:
    @pytest.mark.parametrize(
        ("value", "text"),
        [
            (date(2018, 3, 31), "DATE '2018-03-31'"),
            (date(1, 1, 1), "DATE '0001-01-01'"),
            (42, "42"),
            (Decimal("8150.00"), "CAST('8150.00' AS decimal(6,2))"),
            (Decimal("1E+3"), "CAST('1000' AS decimal(4,0))"),
            (Decimal("-0.05"), "CAST('-0.05' AS decimal(3,2))"),
            ("Space Mechanics Inc.", "'Space Mechanics Inc.'"),
            ("O'Brien", "'O''Brien'"),
            ("'; DROP TABLE invoices; --", "'''; DROP TABLE invoices; --'"),
        ],
    )
    def test_is_athenas(self, value: date | Decimal | int | str, text: str) -> None:
        assert literal(value) == text

    @pytest.mark.parametrize(
        "value",
        [
            "a\0b",
            "\ud800",
            "x" * 1_001,
            Decimal("NaN"),
            Decimal("-Infinity"),
            Decimal("1E+38"),
            Decimal("1E+999999999"),
            Decimal("1E-999999999"),
        ],
    )
    def test_refuses_what_no_engine_reads(self, value: Decimal | str) -> None:
        with pytest.raises(UnwritableValue):
            literal(value)

    @pytest.mark.parametrize("value", [True, datetime(2018, 3, 31, tzinfo=UTC)])
    def test_refuses_subclasses_that_would_be_written_as_something_else(self, value: date | int) -> None:
        with pytest.raises(UnwritableValue):
            literal(value)


@given(writable)
@example("O'Brien")
@example("''")
@example("\\")
@example("\\'; SELECT 1 --")
@example("' OR 1=1 /*")
@example(":from :to ? {0} %s $1")
def test_a_text_comes_back_from_duckdb_as_it_was(value: str) -> None:
    assert answer(literal(value)) == value


@given(writable)
@example("\\'; SELECT 1 --")
def test_a_text_is_one_literal_to_athenas_parser(value: str) -> None:
    parsed = sqlglot.parse(f"SELECT {literal(value)}", read="athena")

    assert len(parsed) == 1
    assert parsed[0] is not None
    assert [each.this for each in parsed[0].find_all(sqlglot.exp.Literal)] == [value]


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**30), max_value=10**30, places=4))
def test_an_amount_comes_back_exactly(value: Decimal) -> None:
    assert answer(literal(value)) == value


@given(st.dates())
def test_a_date_comes_back(value: date) -> None:
    assert answer(literal(value)) == value
