"""Rows: exact, one line each, read alike by every reader."""

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from invoice_parser import CSV_COLUMNS, Finding, Invoice, csv_row, parse, read_row, restamp_row, row_content

CANONICAL = parse((Path(__file__).parents[2] / "data" / "invoices" / "canonical.txt").read_bytes())
STORED_AT = datetime(2026, 11, 21, 21, 42, 51, 123456, tzinfo=UTC)


def row(
    invoice: Invoice = CANONICAL, source_key: str = "in/a b.txt", stored_at: datetime = STORED_AT
) -> bytes:
    return csv_row(invoice, status="active", rev=1, source_key=source_key, stored_at=stored_at)


def by_csv(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode(), newline="")))


class TestCsvRow:
    def test_is_exactly_this(self) -> None:
        assert row() == (
            b'"sm-LK0080145","inv-00001","2018-03-31","Space Mechanics Inc.","Starfleet Interplanatory HQ",'
            b'"7650.00","500.00","8150.00","Space Rupees Eight thousand one hundred fifty only","",'
            b'"0.00","500.00","0.00","0.00","0.00",'
            b'"[{""line_number"":1,""description"":""Matter antimatter fusion controller"",'
            b'""net_amount"":""2000.00"",""tax_amount"":""200.00""},'
            b'{""line_number"":2,""description"":""External inertial damper"",'
            b'""net_amount"":""3100.00"",""tax_amount"":""180.00""},'
            b'{""line_number"":3,""description"":""Type X phaser"",'
            b'""net_amount"":""500.00"",""tax_amount"":""35.00""},'
            b'{""line_number"":4,""description"":""2MW Fusion reactor"",'
            b'""net_amount"":""1200.00"",""tax_amount"":""85.00""},'
            b'{""line_number"":5,""description"":""Transporter base dial"",'
            b'""net_amount"":""850.00"",""tax_amount"":null}]",'
            b'"","active","1","in/a b.txt","2026-11-21T21:42:51.123456Z","1"\n'
        )

    def test_has_the_columns_of_the_design(self) -> None:
        assert ", ".join(CSV_COLUMNS) == (
            "customer_id, invoice_id, issue_date, seller_name, buyer_name, net_amount, tax_amount, "
            "total_amount, amount_in_words, currency, cgst_amount, sgst_amount, utgst_amount, igst_amount, "
            "cess_amount, items, findings, status, rev, source_key, stored_at, schema_version"
        )
        assert len(by_csv(row())[0]) == len(CSV_COLUMNS)

    def test_names_each_finding_once_in_order(self) -> None:
        text = (Path(__file__).parents[2] / "data" / "invoices" / "canonical.txt").read_text()
        invoice = parse(f"Thanks\nVAT: 1\nThanks\n{text.replace('Total: 8150', 'Total: 8160')}".encode())

        assert (
            read_row(row(invoice))["findings"]
            == "unrecognised-line unknown-field total-mismatch words-mismatch"
        )

    def test_writes_the_time_in_utc(self) -> None:
        india = datetime(2026, 1, 1, 3, 0, tzinfo=timezone(timedelta(hours=5, minutes=30)))

        assert read_row(row(stored_at=india))["stored_at"] == "2025-12-31T21:30:00.000000Z"

    def test_refuses_a_time_without_zone(self) -> None:
        with pytest.raises(ValueError, match="time zone"):
            row(stored_at=datetime(2026, 1, 1))  # noqa: DTZ001 - the point

    @given(
        st.text(max_size=50),
        st.text(alphabet='",\\\n\r\t\x00\x01\x1f\x7f\x85\u2028\u2029\ud800a', max_size=20),
    )
    def test_is_one_line_and_reads_back_whatever_the_texts(self, seller: str, key: str) -> None:
        breaking = {*map(chr, range(32)), "\x7f", "\x85", "\u2028", "\u2029"}

        data = row(replace(CANONICAL, seller_name=seller), source_key=key)

        assert data.decode().splitlines() == [data.decode()[:-1]]
        for text, name in ((seller, "seller_name"), (key, "source_key")):
            shown = "".join(" " if c in breaking else "?" if c == "\ud800" else c for c in text)
            assert read_row(data)[name] == shown
            assert by_csv(data)[0][CSV_COLUMNS.index(name)] == shown

    @given(st.text(alphabet='",\\a;{}[]: é\u200d', min_size=1, max_size=20))
    def test_holds_the_items_as_json(self, description: str) -> None:
        item = replace(CANONICAL.items[4], description=description)

        items = json.loads(read_row(row(replace(CANONICAL, items=(item,))))["items"])

        assert items == [
            {"line_number": 5, "description": description, "net_amount": "850.00", "tax_amount": None}
        ]

    def test_is_read_by_duckdb_as_by_python(self, tmp_path: Path) -> None:
        texts = ['a"b', "a\\", '"', "a,b", "a\nb", "", "é ₹ 漢", "=1+1", 'a\\"b', "','"]
        data = b"".join(row(replace(CANONICAL, seller_name=text)) for text in texts)
        path = tmp_path / "rows.csv"
        path.write_bytes(data)

        columns = dict.fromkeys(CSV_COLUMNS, "VARCHAR")
        relation = duckdb.sql(
            f"SELECT * FROM read_csv('{path}', header=false, auto_detect=false, delim=',', quote='\"', "  # noqa: S608 - our own path
            f"escape='\"', columns={columns})"
        )

        assert relation is not None
        assert [[value or "" for value in row] for row in relation.fetchall()] == by_csv(data)


class TestRestampRow:
    def test_changes_three_columns_and_no_byte_else(self) -> None:
        original = row(replace(CANONICAL, seller_name='a "b", c\\'))
        later = datetime(2026, 11, 22, tzinfo=UTC)

        stamped = restamp_row(original, status="withdrawn", rev=12, stored_at=later)

        assert stamped == original.replace(b'"active","1"', b'"withdrawn","12"').replace(
            b"2026-11-21T21:42:51.123456Z", b"2026-11-22T00:00:00.000000Z"
        )

    def test_keeps_columns_that_it_does_not_know(self) -> None:
        newer = row()[:-1] + b',"more"\n'

        assert restamp_row(newer, status="active", rev=2, stored_at=STORED_AT).endswith(b'"1","more"\n')


class TestReadRow:
    def test_lacks_what_an_older_row_lacks(self) -> None:
        older = row().rpartition(b',"')[0] + b"\n"

        assert "schema_version" not in read_row(older)
        assert read_row(older)["stored_at"] == "2026-11-21T21:42:51.123456Z"

    @pytest.mark.parametrize(
        "data", [b"", b"a,b\n", b'"a"\n', b'"a","b\n', row() + row(), row()[:-1] + b"x\n"]
    )
    def test_refuses_what_is_not_one_row_of_ours(self, data: bytes) -> None:
        with pytest.raises(ValueError, match="CSV row of ours"):
            read_row(data)


class TestRowContent:
    def test_is_the_same_for_the_same_invoice_from_elsewhere(self) -> None:
        again = csv_row(
            CANONICAL, status="withdrawn", rev=7, source_key="b", stored_at=STORED_AT + timedelta(days=1)
        )

        assert row_content(again) == row_content(row())
        assert len(row_content(again)) == 17

    @pytest.mark.parametrize(
        "other",
        [
            replace(CANONICAL, seller_name="x"),
            replace(CANONICAL, currency="INR"),
            replace(CANONICAL, items=CANONICAL.items[:4]),
            replace(CANONICAL, findings=(Finding("no-items", ""),)),
        ],
    )
    def test_differs_when_the_invoice_does(self, other: Invoice) -> None:
        assert row_content(row(other)) != row_content(row())
