"""A report's text: typed parameters in, one pass, lines without their parameter left out."""

from datetime import date
from decimal import Decimal

import pytest

from api.reports.literals import Value
from api.reports.parameters import BadParameter, Parameter, ParameterKind
from api.reports.queries import REPORTS
from api.reports.report import Column, Report

REPORT = Report(
    name="test",
    title="Test",
    description="A test.",
    parameters=(
        Parameter(name="from", kind="date", title="first date", default=date(2018, 1, 1)),
        Parameter(name="seller", kind="text", title="seller"),
        Parameter(name="times", kind="amount", title="times", default=Decimal(10)),
    ),
    columns=(),
    sql="SELECT :times\nWHERE issue_date >= :from\n    AND seller_name = :seller\nLIMIT 5",
)


class TestRender:
    def test_writes_literals_and_leaves_out_what_is_not_asked(self) -> None:
        assert REPORT.render({}) == (
            "SELECT CAST('10' AS decimal(2,0))\nWHERE issue_date >= DATE '2018-01-01'\nLIMIT 5"
        )

    def test_never_looks_at_a_value_again(self) -> None:
        text = REPORT.render({"seller": "x :from '"})

        assert text.splitlines()[2] == "    AND seller_name = 'x :from '''"

    @pytest.mark.parametrize(
        "values", [{"buyer": "x"}, {"from": "2018-01-01"}, {"seller": 1}, {"times": 1.5}, {"seller": "\0"}]
    )
    def test_refuses_what_does_not_fit(self, values: dict[str, Value]) -> None:
        with pytest.raises(BadParameter):
            REPORT.render(values)


class TestMostRows:
    @pytest.mark.parametrize(
        ("name", "values", "rows"),
        [
            ("line-items", {}, 1_000),
            ("invoices", {"limit": 20}, 20),
            ("suspected-duplicates", {}, 1_000),
            ("outliers", {}, 1_000),
            ("top-invoices", {"limit": 20}, None),
            ("expenses-by-day", {}, None),
        ],
    )
    def test_is_where_the_answer_stops(self, name: str, values: dict[str, Value], rows: int | None) -> None:
        assert REPORTS[name].most_rows(values) == rows

    def test_is_known_of_every_report_that_stops(self) -> None:
        stop = {name for name, each in REPORTS.items() if each.most_rows({}) is not None}

        assert stop == {name for name, each in REPORTS.items() if "LIMIT" in each.sql}


class TestRead:
    @pytest.mark.parametrize(
        ("kind", "text", "value"),
        [
            ("date", "2018-03-31", date(2018, 3, 31)),
            ("text", "", ""),
            ("text", "a\nb", "a\nb"),
            ("amount", "-1250.5", Decimal("-1250.5")),
            ("count", "999999", 999_999),
        ],
    )
    def test_returns_the_value(self, kind: ParameterKind, text: str, value: Value) -> None:
        assert Parameter(name="it", kind=kind, title="it").read(text) == value

    @pytest.mark.parametrize(
        ("kind", "text"),
        [
            ("date", "2018-02-30"),
            ("date", "20180331"),
            ("date", "2018-W13-6"),
            ("date", "2018-03-31\n"),
            ("amount", "1e9"),
            ("amount", "NaN"),
            ("amount", "1.234"),
            ("amount", "٣"),
            ("count", "0"),
            ("count", "1000000"),
            ("count", "-1"),
            ("count", "٣"),
        ],
    )
    def test_refuses_another_form(self, kind: ParameterKind, text: str) -> None:
        with pytest.raises(BadParameter, match=r"^it: "):
            Parameter(name="it", kind=kind, title="it").read(text)

    @pytest.mark.parametrize(
        ("text", "value"), [("none", ""), ("None", ""), ("", ""), ("INR", "INR"), ("none ", "none ")]
    )
    def test_knows_the_word_for_the_empty_text(self, text: str, value: str) -> None:
        assert Parameter(name="it", kind="text", title="it", empty_word="none").read(text) == value

    def test_takes_any_word_as_it_is_where_none_is_for_the_empty_text(self) -> None:
        assert Parameter(name="it", kind="text", title="it").read("none") == "none"

    def test_knows_the_reports_own_parameters_only(self) -> None:
        assert REPORT.read({"seller": "Acme"}) == {"seller": "Acme"}
        with pytest.raises(BadParameter, match="has no parameter 'buyer'"):
            REPORT.read({"buyer": "x"})


def test_a_columns_title_is_its_name_for_people() -> None:
    assert Column(name="total_amount", kind="amount").title == "Total amount"


@pytest.mark.parametrize(
    ("parameter", "label"),
    [
        (Parameter(name="it", kind="count", title="so many", default=1_000), "so many, 1000 if not given"),
        (
            Parameter(name="it", kind="amount", title="so much", default=Decimal(10)),
            "so much, 10 if not given",
        ),
        (Parameter(name="it", kind="date", title="a day", default=date.min), "a day"),
        (Parameter(name="it", kind="text", title="a word"), "a word"),
    ],
)
def test_a_parameters_label_names_the_number_that_stands_for_none(parameter: Parameter, label: str) -> None:
    assert parameter.label == label
