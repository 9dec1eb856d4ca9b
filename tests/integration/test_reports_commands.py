"""The commands of analysts and of the compaction timer, on embedded S3 and a DuckDB file."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import boto3
import pytest
from django.core.management import CommandError, call_command, load_command_class
from moto.athena.models import QueryResults, athena_backends

from api import wiring
from api.reports.report import Cost, Result
from tests.support.dynamodb import dynamodb
from tests.support.report_rows import OBJECTS

Say = Callable[..., str]
CACHED = (wiring.clients, wiring.destination, wiring.ledger, wiring.reports)


@pytest.fixture
def s3(tmp_path: Path, settings: Any) -> Iterator[Any]:
    settings.DOCPROC_DUCKDB_PATH = tmp_path / "reports.duckdb"
    with dynamodb():
        for made in CACHED:
            made.cache_clear()
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket="docproc-destination")
        for key, data in OBJECTS.items():
            s3.put_object(Bucket="docproc-destination", Key=key, Body=data)
        yield s3
    for made in CACHED:
        made.cache_clear()


@pytest.fixture
def say(s3: Any) -> Say:  # noqa: ARG001 - the bucket must be there
    def say(*command: str) -> str:
        out = StringIO()
        call_command(*command, stdout=out)
        return out.getvalue()

    return say


MARCH = """\
issue_date  currency  invoices  net_amount  tax_amount  total_amount
----------  --------  --------  ----------  ----------  ------------
2018-03-30  INR              3      200.00       18.00        218.00
(1 row)
"""


class TestExpenses:
    def test_are_a_table(self, say: Say) -> None:
        assert say("expenses", "--from=2018-03-01", "--to=2018-03-31") == MARCH

    def test_are_csv(self, say: Say) -> None:
        assert say("expenses", "--to=2018-03-31", "--format=csv") == (
            "issue_date,currency,invoices,net_amount,tax_amount,total_amount\n"
            "2018-03-30,INR,3,200.00,18.00,218.00\n"
        )

    def test_are_json(self, say: Say) -> None:
        assert json.loads(say("expenses", "--to=2018-03-31", "--format=json")) == [
            {
                "issue_date": "2018-03-30",
                "currency": "INR",
                "invoices": 3,
                "net_amount": "200.00",
                "tax_amount": "18.00",
                "total_amount": "218.00",
            }
        ]

    @pytest.mark.parametrize("when", ["30.3.2018", "2018-02-30", "20180330", "today"])
    def test_refuse_what_is_no_date(self, say: Say, when: str) -> None:
        with pytest.raises(CommandError, match="write YYYY-MM-DD"):
            say("expenses", f"--from={when}")

    @pytest.mark.parametrize(
        "command", [("expenses",), ("report", "expenses-by-day"), ("report", "invoices")]
    )
    def test_refuse_a_range_that_ends_before_it_begins(self, say: Say, command: tuple[str, ...]) -> None:
        with pytest.raises(CommandError, match="from is 2026-02-01 and to is 2026-01-01"):
            say(*command, "--from=2026-02-01", "--to=2026-01-01")


class TestReport:
    def test_without_a_name_lists_all(self, say: Say) -> None:
        lines = say("report").splitlines()

        assert len(lines) == 13
        assert lines[0] == "expenses-by-day       What was invoiced on each issue date."

    @pytest.mark.parametrize(
        ("options", "named"),
        [
            (("--from=2018-01-01", "--currency="), "--from, --currency"),
            (("--limit=5",), "--limit"),
            (("--show-sql",), "--show-sql"),
            (("--format=table", "--output=it.csv"), "--format, --output"),
        ],
    )
    def test_refuses_options_without_a_name(self, say: Say, options: tuple[str, ...], named: str) -> None:
        with pytest.raises(CommandError, match=f"^{named} without a NAME: ") as refusal:
            say("report", *options)

        assert refusal.value.returncode == 2

    def test_takes_its_parameters(self, say: Say) -> None:
        text = say("report", "top-invoices", "--seller=beta", "--currency=INR", "--limit=1", "--format=csv")

        assert text.splitlines()[1:] == ["INR,1,500.00,2018-04-03,C-2,B-5,Beta"]

    @pytest.mark.parametrize("currency", ["none", ""])
    def test_takes_the_invoices_that_name_no_currency(self, say: Say, currency: str) -> None:
        text = say("report", "top-invoices", f"--currency={currency}", "--format=csv")

        assert text.splitlines()[1:] == [",1,7.00,2019-01-07,C-2,B-6,Beta"]

    def test_refuses_a_parameter_of_another(self, say: Say) -> None:
        with pytest.raises(CommandError, match="expenses-by-day has no parameter 'times'"):
            say("report", "expenses-by-day", "--times=3")

    def test_shows_the_text_for_athena(self, say: Say) -> None:
        text = say("report", "expenses-by-day", "--customer=O'Brien", "--show-sql")

        assert "WHERE issue_date BETWEEN DATE '0001-01-01' AND DATE '9999-12-31'\n" in text
        assert "AND customer_id = 'O''Brien'\n" in text
        assert "seller_name" not in text

    def test_writes_the_text_for_athena_to_a_file(self, say: Say, tmp_path: Path) -> None:
        path = tmp_path / "it.sql"

        assert say("report", "invoices", "--limit=7", "--show-sql", f"--output={path}") == ""

        assert path.read_text().splitlines()[-1] == "LIMIT 7"
        assert path.read_text() == say("report", "invoices", "--limit=7", "--show-sql")

    def test_shows_the_text_whatever_the_format(self, say: Say) -> None:
        assert say("report", "findings", "--format=xlsx", "--show-sql").startswith("SELECT finding")

    def test_writes_a_file(self, say: Say, tmp_path: Path) -> None:
        say("report", "findings", "--format=csv", f"--output={tmp_path / 'findings.csv'}")

        assert (tmp_path / "findings.csv").read_text().splitlines()[1:] == [
            "words-mismatch,2,1,2018-03-30,2018-03-30",
            "total-mismatch,1,1,2018-03-30,2018-03-30",
        ]

    @pytest.mark.parametrize(
        ("options", "said"),
        [
            (("--output=nowhere/it.csv",), "--output nowhere/it.csv is no file in a folder that exists"),
            (("--output=.",), "--output . is no file in a folder that exists"),
            (("--format=xlsx",), "xlsx is no text: name a file with --output FILE"),
            (("--output=locked/it.csv",), "locked/it.csv cannot be written: you may not write to locked"),
            (("--output=kept.csv",), "kept.csv cannot be written: you may not write to kept.csv"),
        ],
    )
    def test_finds_where_it_cannot_write_before_it_asks(
        self, options: tuple[str, ...], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked: list[None] = []
        monkeypatch.chdir(tmp_path)
        Path("locked").mkdir()
        Path("kept.csv").touch()
        # Root may write everywhere, so no mode of a file would do.
        monkeypatch.setattr("os.access", lambda path, _: str(path) not in {"locked", "kept.csv"})
        monkeypatch.setattr(wiring, "reports", lambda: asked.append(None))

        with pytest.raises(CommandError, match=f"^{re.escape(said)}"):
            call_command("report", "findings", *options)

        assert asked == []

    def test_says_that_the_file_cannot_be_written(self, say: Say) -> None:
        with pytest.raises(CommandError, match="/dev/full cannot be written: No space left on device"):
            say("report", "findings", "--format=csv", "--output=/dev/full")

    @pytest.mark.parametrize(("times", "said"), [("-1", "-1 is too low"), ("0.99", "0.99 is too low")])
    def test_refuses_a_multiple_that_makes_no_sense(self, say: Say, times: str, said: str) -> None:
        with pytest.raises(CommandError, match=f"times: {said}; write a number from 1 up"):
            say("report", "outliers", f"--times={times}")

    @pytest.mark.parametrize(
        ("command", "said"),
        [
            (
                ("line-items", "--limit=2"),
                "2 rows: cut at the limit, there may be more; raise --limit or ask for fewer days\n",
            ),
            (
                ("invoices", "--limit=1", "--format=json"),
                "1 row: cut at the limit, there may be more; raise --limit or ask for fewer days\n",
            ),
            (("line-items", "--limit=4"), ""),
            (("top-invoices", "--limit=3"), ""),
            (("findings",), ""),
        ],
    )
    @pytest.mark.usefixtures("s3")
    def test_says_that_the_answer_is_cut(self, command: tuple[str, ...], said: str, tmp_path: Path) -> None:
        for output in ((), (f"--output={tmp_path / 'answer'}",)):
            err = StringIO()

            call_command("report", *command, *output, stdout=StringIO(), stderr=err)

            assert err.getvalue() == said

    @pytest.mark.parametrize(
        ("command", "option", "said"),
        [
            (
                "report",
                "limit",
                (
                    "top-invoices: so many places for each currency, equal ones share one, 10 if not given; "
                    "invoices, line-items, suspected-duplicates, outliers: at most so many rows, "
                    "1000 if not given"
                ),
            ),
            ("report", "times", "outliers: how many times the median is too much, 10 if not given"),
            ("report", "from", "first issue date"),
            ("expenses", "from", "first issue date"),
            ("report", "currency", 'the currency; "none" for invoices that name none'),
        ],
    )
    def test_helps_with_what_an_option_means_to_which_report(
        self, command: str, option: str, said: str
    ) -> None:
        made = load_command_class("api", command)
        actions = made.create_parser("manage.py", command)._actions

        assert [each.help for each in actions if each.dest == option] == [said]

    def test_says_what_it_cost(self, monkeypatch: pytest.MonkeyPatch) -> None:
        class Athena:
            def run(self, _sql: str) -> Result:
                cost = Cost(scanned_bytes=12_345_678, dollars=Decimal("0.000065"))
                return Result(columns=(), rows=iter([]), cost=cost)

        err = StringIO()
        monkeypatch.setattr(wiring, "reports", Athena)

        call_command("report", "findings", stdout=StringIO(), stderr=err)

        assert err.getvalue() == "12,345,678 bytes scanned, $0.000065\n"


class TestCompact:
    def test_leaves_every_answer_as_it_was(self, say: Say, s3: Any) -> None:
        before = say("expenses")

        assert say("compact").startswith("compacted: 3 months in 1 merge, tail from ")
        # The objects are in the table now: nothing of the answer comes from them any more.
        for key in OBJECTS:
            s3.delete_object(Bucket="docproc-destination", Key=key)
        wiring.reports.cache_clear()
        wiring.reports.cache_clear()

        assert say("expenses") == before

    def test_refuses_while_another_does_it(self, say: Say) -> None:
        wiring.ledger().acquire_lease("compact", "another", now=datetime.now(UTC), seconds=60)

        with pytest.raises(CommandError, match="compact is running elsewhere"):
            say("compact")


class TestCreateTables:
    def test_makes_none_in_local_mode(self, say: Say) -> None:
        before = say("expenses")

        with pytest.raises(CommandError, match="Local mode makes its tables by itself"):
            say("create_tables")

        assert say("expenses") == before

    def test_runs_athenas_statements_in_compactions_workgroup(self, say: Say, settings: Any) -> None:
        settings.DOCPROC_REPORTS = "athena"
        athena = boto3.client("athena", region_name="us-east-1")
        athena.create_work_group(Name="docproc-compact", Configuration={})
        row = {"Data": [{"VarCharValue": "2026-03-01T12:15:00Z"}, {"VarCharValue": "2026-03-01-09"}]}
        info = [{"Name": "compacted_at", "Type": "varchar"}, {"Name": "tail_from", "Type": "varchar"}]
        results = athena_backends["123456789012"]["us-east-1"].query_results_queue
        results += [QueryResults([], []), QueryResults([], []), QueryResults([row], info)]

        assert say("create_tables") == "The tables and views are there.\n"

        ids = athena.list_query_executions(WorkGroup="docproc-compact")["QueryExecutionIds"]
        sent = [athena.get_query_execution(QueryExecutionId=each)["QueryExecution"]["Query"] for each in ids]
        assert len(sent) == 7
        assert "LOCATION 's3://docproc-destination/csv/v1/'" in sent[0]
        assert "ingest >= '2026-03-01-09'" in sent[3]
