"""Results as files for people; what a stranger wrote on an invoice does nothing in them."""

import io
import re
import zipfile
from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import pytest

from api.reports import spreadsheet
from api.reports.formats import FORMATS
from api.reports.report import Column, ReportFailed, Row

COLUMNS = (
    Column(name="seller_name", kind="text"),
    Column(name="first_date", kind="date"),
    Column(name="total_amount", kind="amount"),
    Column(name="invoices", kind="count"),
    Column(name="times", kind="number"),
)
ROWS: list[Row] = [
    ("=HYPERLINK(1)", date(2018, 3, 31), Decimal("8150.00"), 3, 41.67),
    ('Ä "b", <c>', date(1850, 1, 1), Decimal("9999999999999999.99"), 1, None),
]


def written(name: str, rows: list[Row]) -> bytes:
    return b"".join(FORMATS[name].write(COLUMNS, iter(rows)))


def sheet(rows: list[Row]) -> str:
    with zipfile.ZipFile(io.BytesIO(written("xlsx", rows))) as book:
        return book.read("xl/worksheets/sheet1.xml").decode()


class TestTable:
    def test_aligns_numbers_to_the_right(self) -> None:
        assert written("table", ROWS).decode() == (
            "seller_name    first_date         total_amount  invoices  times\n"
            "-------------  ----------  -------------------  --------  -----\n"
            "=HYPERLINK(1)  2018-03-31              8150.00         3  41.67\n"
            'Ä "b", <c>     1850-01-01  9999999999999999.99         1\n'
            "(2 rows)\n"
        )

    def test_without_rows_has_its_head(self) -> None:
        assert written("table", []).decode().splitlines()[2] == "(0 rows)"

    def test_hands_a_terminal_no_commands(self) -> None:
        text = written("table", [("\x1b]0;x\x07\x9b31m", None, None, None, None)]).decode()

        assert "<U+001B>]0;x<U+0007><U+009B>31m" in text
        assert not re.search("[\x1b\x07\x9b]", text)


class TestCsv:
    def test_quotes_what_must_be(self) -> None:
        assert (
            written("csv", ROWS).decode().splitlines()[2]
            == '"Ä ""b"", <c>",1850-01-01,9999999999999999.99,1,'
        )

    @pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
    def test_shows_a_formula_as_the_text_that_it_is(self, text: str) -> None:
        lines = written("csv", [(text, None, Decimal("-5.00"), None, None)]).decode().partition("\n")[2]

        assert lines.strip('"').startswith("'" + text)
        # A negative amount is a number and no formula.
        assert lines.endswith(",-5.00,,\n")

    def test_comes_in_parts(self) -> None:
        rows: Iterator[Row] = iter([("x" * 1000, None, None, None, None)] * 1000)

        parts = list(FORMATS["csv"].write(COLUMNS, rows))

        assert len(parts) > 10
        assert (
            sum(map(len, parts)) == len("seller_name,first_date,total_amount,invoices,times\n") + 1000 * 1005
        )


class TestJson:
    def test_keeps_amounts_exact_and_counts_numbers(self) -> None:
        assert written("json", ROWS).decode() == (
            '[\n{"seller_name": "=HYPERLINK(1)", "first_date": "2018-03-31", "total_amount": "8150.00", '
            '"invoices": 3, "times": 41.67},\n'
            '{"seller_name": "Ä \\"b\\", <c>", "first_date": "1850-01-01", '
            '"total_amount": "9999999999999999.99", "invoices": 1, "times": null}\n]\n'
        )

    def test_without_rows_is_an_empty_array(self) -> None:
        assert written("json", []) == b"[]\n"


class TestXlsx:
    def test_has_numbers_as_numbers_and_dates_as_dates(self) -> None:
        cells = re.findall(r'<c r="(\w+)"[^>]*?><v>([^<]*)</v>', sheet(ROWS))

        # Excel counts days from 1900: 2018-03-31 is the 43,190th.
        assert cells == [("B2", "43190"), ("C2", "8150.00"), ("D2", "3"), ("E2", "41.67"), ("D3", "1")]

    def test_has_no_formula(self) -> None:
        text = sheet(ROWS)

        assert "<f>" not in text
        assert "<t>&#39;=HYPERLINK(1)</t>" in text or "<t>'=HYPERLINK(1)</t>" in text

    def test_keeps_as_texts_what_excel_would_round_or_cannot_date(self) -> None:
        text = sheet(ROWS)

        assert "<t>9999999999999999.99</t>" in text
        assert "<t>1850-01-01</t>" in text

    def test_refuses_more_rows_than_a_sheet_holds(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(spreadsheet, "MAX_ROWS", 1)

        with pytest.raises(ReportFailed, match="take CSV or fewer dates"):
            written("xlsx", ROWS)
