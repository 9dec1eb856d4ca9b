"""infra/athena.sql: written by api.reports.schema, and what Athena's parser and the CSV's columns say."""

import json
import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
import sqlglot
from sqlglot import exp

from api.reports.duck import DuckEngine
from api.reports.queries import REPORTS
from api.reports.raw import RawObjects
from api.reports.schema import script
from invoice_parser import CSV_COLUMNS
from tests.support.bucket import MemoryBucket
from tests.support.report_rows import OBJECTS

TEXT = (Path(__file__).resolve().parents[2] / "infra" / "athena.sql").read_text()
STATEMENTS = [statement.strip() for statement in TEXT.split(";\n") if statement.strip()]


def statement(beginning: str) -> str:
    (found,) = [each for each in STATEMENTS if beginning in each]
    return found


def test_the_file_is_what_the_code_says() -> None:
    assert script() == TEXT, "run `python -m api.reports.schema > infra/athena.sql`"


def test_the_raw_table_has_the_columns_of_the_csv_in_their_order() -> None:
    columns = re.findall(r"^    (\w+) string,?$", statement("EXTERNAL TABLE"), re.MULTILINE)

    assert tuple(columns) == CSV_COLUMNS


def test_the_compacted_table_has_them_with_their_types() -> None:
    columns = re.findall(
        r"^    (\w+) ([a-z0-9(,)]+?),?$", statement("TABLE IF NOT EXISTS invoices ("), re.MULTILINE
    )

    assert tuple(name for name, _ in columns) == CSV_COLUMNS
    assert {name for name, kind in columns if kind == "decimal(18,2)"} == {
        "net_amount",
        "tax_amount",
        "total_amount",
        "cgst_amount",
        "sgst_amount",
        "utgst_amount",
        "igst_amount",
        "cess_amount",
    }
    assert {name: kind for name, kind in columns if kind not in {"decimal(18,2)", "string"}} == {
        "issue_date": "date",
        "rev": "int",
        "schema_version": "int",
    }


@pytest.mark.parametrize("view", ["invoices_tail", "expenses"])
def test_the_views_have_them_too(view: str) -> None:
    (parsed,) = sqlglot.parse(statement(f"VIEW {view} AS"), read="athena")

    assert parsed is not None
    assert tuple(parsed.expression.named_selects) == CSV_COLUMNS


def test_athenas_parser_reads_every_statement() -> None:
    kinds = [type(sqlglot.parse_one(each, read="athena")) for each in STATEMENTS]

    assert kinds == [exp.Create] * 6 + [exp.Select] * 13


def test_the_escape_character_is_one_that_no_row_holds() -> None:
    assert r"'escapeChar' = '\u0001'" in TEXT


def test_the_partitions_are_the_hours_of_the_keys() -> None:
    assert "'projection.ingest.format' = 'yyyy-MM-dd-HH'" in TEXT
    assert "'storage.location.template' = 's3://DESTINATION_BUCKET/csv/v1/ingest=${ingest}/'" in TEXT


def test_the_views_of_the_file_answer_expenses_by_date() -> None:
    """The file's own text, translated, on rows added up by hand; not the constants of the code."""
    with duckdb.connect() as connection:
        connection.register("invoices_raw", RawObjects(MemoryBucket(OBJECTS)).since("2026-01-01-00"))
        for each in STATEMENTS[1:6]:
            connection.execute(
                sqlglot.transpile(re.sub(r"(?s)\nPARTITIONED.*", "", each), "athena", "duckdb")[0]
            )
        rows = connection.execute(
            sqlglot.transpile(statement("-- expenses-by-month"), "athena", "duckdb")[0]
        ).fetchall()

    assert rows[0] == (date(2018, 3, 1), "INR", 3, Decimal("200.00"), Decimal("18.00"), Decimal("218.00"))
    assert len(rows) == 4


@pytest.mark.parametrize("name", REPORTS)
def test_the_kept_queries_answer_like_the_reports(name: str, tmp_path: Path) -> None:
    engine = DuckEngine(RawObjects(MemoryBucket(OBJECTS)), tmp_path / "none.duckdb")
    kept = statement(f"-- {name}:").partition("\n")[2]

    assert list(engine.run(kept).rows) == list(engine.run(REPORTS[name].render({})).rows)


def test_dates_reach_the_one_scan_of_the_compacted_table() -> None:
    """Athena leaves out months by what reaches its scan; DuckDB's planner shows whether it can."""
    view = statement("VIEW expenses AS")
    with duckdb.connect() as connection:
        connection.register("invoices_raw", RawObjects(MemoryBucket(OBJECTS)).since("2026-01-01-00"))
        for each in STATEMENTS[1:4]:
            connection.execute(
                sqlglot.transpile(re.sub(r"(?s)\nPARTITIONED.*", "", each), "athena", "duckdb")[0]
            )
        connection.execute("INSERT INTO invoices FROM invoices_tail")
        asked = "SELECT sum(total_amount) FROM expenses WHERE issue_date >= DATE '2018-04-01'"
        ((_, plan),) = connection.execute(f"EXPLAIN (FORMAT json) {asked}").fetchall()

    scans = [each for each in _operators(json.loads(plan)) if "invoices" in str(each.get("Table"))]

    assert len(re.findall(r"(?:FROM|JOIN) invoices\b", view)) == 1
    assert len(scans) == 1
    assert "issue_date >= '2018-04-01'" in str(scans[0]["Filters"])


def _operators(plan: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for each in plan:
        yield each.get("extra_info", {})
        yield from _operators(each.get("children", []))
