"""The Athena engine against moto's Athena; what moto cannot do (pages, failures, costs) is stubbed."""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from botocore.stub import ANY, Stubber
from moto import mock_aws
from moto.athena.models import QueryResults, athena_backends
from moto.moto_api import state_manager

from api.maintenance.lease import LeaseTaken
from api.reports.athena import AthenaEngine
from api.reports.report import ReportFailed

ACCOUNT, REGION, WORKGROUP = "123456789012", "us-east-1", "docproc"
COLUMNS = [
    ("issue_date", "date"),
    ("currency", "varchar"),
    ("invoices", "bigint"),
    ("total_amount", "decimal"),
]
HEADER = ["issue_date", "currency", "invoices", "total_amount"]
DAY = ["2018-03-31", "", "1", "8150.00"]


class Clock:
    """Time passes only by sleeping."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


def row(values: Sequence[str | None]) -> dict[str, Any]:
    return {"Data": [{} if value is None else {"VarCharValue": value} for value in values]}


def page(*rows: Sequence[str | None], token: str | None = None) -> dict[str, Any]:
    info = [{"CatalogName": "c", "Name": name, "Label": name, "Type": kind} for name, kind in COLUMNS]
    result = {"ResultSet": {"Rows": [row(each) for each in rows], "ResultSetMetadata": {"ColumnInfo": info}}}
    return result | ({"NextToken": token} if token else {})


def execution(state: str, reason: str = "", scanned: int = 0, *, reused: bool = False) -> dict[str, Any]:
    return {
        "QueryExecution": {
            "Status": {"State": state, "StateChangeReason": reason},
            "Statistics": {
                "DataScannedInBytes": scanned,
                "ResultReuseInformation": {"ReusedPreviousResult": reused},
            },
        }
    }


@pytest.fixture
def client() -> Iterator[Any]:
    with mock_aws():
        client = boto3.client("athena", region_name=REGION)
        client.create_work_group(Name=WORKGROUP, Configuration={})
        yield client
    state_manager.unset_transition("athena::execution")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def engine(client: Any, clock: Clock) -> AthenaEngine:
    return AthenaEngine(
        client=client,
        database="docproc",
        workgroup=WORKGROUP,
        timeout_seconds=60,
        sleep=clock.sleep,
        clock=clock,
    )


def answer_with(*rows: Sequence[str | None]) -> None:
    """Let moto give these rows to the next query."""
    result = page(*rows)["ResultSet"]
    athena_backends[ACCOUNT][REGION].query_results_queue.append(
        QueryResults(rows=result["Rows"], column_info=result["ResultSetMetadata"]["ColumnInfo"])
    )


def last_state() -> str | None:
    return list(athena_backends[ACCOUNT][REGION].executions.values())[-1].status


class TestRun:
    def test_returns_typed_rows_without_the_header(self, engine: AthenaEngine) -> None:
        answer_with(HEADER, DAY, ["2018-04-01", None, "2", "-0.50"])

        result = engine.run("SELECT 1")

        assert result.columns == ("issue_date", "currency", "invoices", "total_amount")
        assert list(result.rows) == [
            (date(2018, 3, 31), "", 1, Decimal("8150.00")),
            (date(2018, 4, 1), None, 2, Decimal("-0.50")),
        ]

    def test_starts_one_query_however_often_botocore_tries(self, client: Any, engine: AthenaEngine) -> None:
        bodies: list[str] = []
        client.meta.events.register(
            "before-call.athena.StartQueryExecution",
            lambda params, **_: bodies.append(params["body"].decode()),
        )

        engine.run("SELECT 1")

        (body,) = bodies
        assert len(json.loads(body)["ClientRequestToken"]) >= 32

    def test_asks_the_workgroup_for_the_very_text(self, client: Any, engine: AthenaEngine) -> None:
        engine.run("SELECT 'O''Brien'")

        (query_id,) = client.list_query_executions(WorkGroup=WORKGROUP)["QueryExecutionIds"]
        sent = client.get_query_execution(QueryExecutionId=query_id)["QueryExecution"]
        assert sent["Query"] == "SELECT 'O''Brien'"
        assert sent["QueryExecutionContext"] == {"Database": "docproc"}
        assert "ExecutionParameters" not in sent

    def test_waits_with_growing_pauses_while_it_is_queued_and_running(
        self, engine: AthenaEngine, clock: Clock
    ) -> None:
        state_manager.set_transition("athena::execution", {"progression": "manual", "times": 5})

        engine.run("SELECT 1")

        assert clock.pauses[:3] == pytest.approx([0.1, 0.15, 0.225])
        assert max(clock.pauses) <= 2.0
        assert last_state() == "SUCCEEDED"

    def test_a_statement_without_rows_has_none(self, engine: AthenaEngine) -> None:
        result = engine.run("CREATE OR REPLACE VIEW v AS SELECT 1 AS one")

        assert (result.columns, list(result.rows)) == ((), [])

    def test_stops_a_query_that_takes_too_long(self, engine: AthenaEngine, clock: Clock) -> None:
        state_manager.set_transition("athena::execution", {"progression": "manual", "times": 10_000})

        with pytest.raises(ReportFailed, match="longer than 60 s and was stopped") as caught:
            engine.run("SELECT 1")

        assert caught.value.code == "TIMEOUT"
        assert 60 < clock.now < 63
        assert last_state() == "CANCELLED"

    def test_stops_the_query_of_a_caller_who_gives_up(self, client: Any) -> None:
        state_manager.set_transition("athena::execution", {"progression": "manual", "times": 10_000})

        def interrupt(_seconds: float) -> None:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            AthenaEngine(client=client, database="docproc", workgroup=WORKGROUP, sleep=interrupt).run(
                "SELECT 1"
            )

        assert last_state() == "CANCELLED"

    def test_stops_the_query_of_a_caller_who_lost_the_lease(self, client: Any, clock: Clock) -> None:
        state_manager.set_transition("athena::execution", {"progression": "manual", "times": 10_000})
        kept: list[float] = []

        def keep() -> None:
            kept.append(clock.now)
            if clock.now > 30:
                raise LeaseTaken("compact")

        with pytest.raises(LeaseTaken):
            AthenaEngine(
                client=client,
                database="docproc",
                workgroup=WORKGROUP,
                sleep=clock.sleep,
                clock=clock,
                keep=keep,
            ).run("MERGE")

        # Often enough for a lease of two minutes.
        assert max(later - earlier for earlier, later in pairwise(kept)) <= 2.0
        assert last_state() == "CANCELLED"

    def test_says_what_athena_refused(self, client: Any) -> None:
        with pytest.raises(ReportFailed, match="refused the query: WorkGroup does not exist") as caught:
            AthenaEngine(client=client, database="docproc", workgroup="nobody").run("SELECT 1")

        assert caught.value.code == "InvalidRequestException"


@pytest.fixture
def stub(client: Any) -> Iterator[Stubber]:
    with Stubber(client) as stub:
        stub.add_response("start_query_execution", {"QueryExecutionId": "q-1"})
        yield stub
        stub.assert_no_pending_responses()


class TestPages:
    def test_are_read_one_after_the_other_as_they_are_wanted(
        self, stub: Stubber, engine: AthenaEngine
    ) -> None:
        stub.add_response("get_query_execution", execution("SUCCEEDED"))
        wanted = {"QueryExecutionId": "q-1", "MaxResults": 1000}
        stub.add_response("get_query_results", page(HEADER, DAY, token="more"), wanted)
        rows = engine.run("SELECT 1").rows

        first = next(rows)
        # A text that equals the names is data, unless it is the very first row.
        stub.add_response("get_query_results", page(DAY), wanted | {"NextToken": "more"})
        others = list(rows)

        assert first == (date(2018, 3, 31), "", 1, Decimal("8150.00"))
        assert others == [first]

    def test_a_page_that_cannot_be_read_fails_the_report(self, stub: Stubber, engine: AthenaEngine) -> None:
        stub.add_response("get_query_execution", execution("SUCCEEDED"))
        stub.add_response("get_query_results", page(HEADER, DAY, token="more"))
        stub.add_client_error("get_query_results", "ThrottlingException", "slow down", 400)
        rows = engine.run("SELECT 1").rows

        with pytest.raises(ReportFailed, match="cannot be reached now") as caught:
            list(rows)

        assert caught.value.code == "ThrottlingException"


class TestFailures:
    @pytest.mark.parametrize(
        ("state", "reason", "sentence", "code"),
        [
            (
                "FAILED",
                "SYNTAX_ERROR: line 1:8: Column 'x' cannot be resolved",
                "Athena could not answer: SYNTAX_ERROR: line 1:8: Column 'x' cannot be resolved",
                "SYNTAX_ERROR",
            ),
            (
                "CANCELLED",
                "Query cancelled! : Bytes scanned limit was exceeded",
                "The query would read more than the workgroup allows: take fewer days.",
                "",
            ),
            (
                "FAILED",
                "ICEBERG_COMMIT_ERROR: Failed to commit",
                "Athena could not answer: ICEBERG_COMMIT_ERROR: Failed to commit",
                "ICEBERG_COMMIT_ERROR",
            ),
            ("CANCELLED", "", "Athena could not answer: the query was cancelled", ""),
        ],
    )
    def test_are_sentences_with_athenas_code(
        self, stub: Stubber, engine: AthenaEngine, state: str, reason: str, sentence: str, code: str
    ) -> None:
        stub.add_response("get_query_execution", execution(state, reason))

        with pytest.raises(ReportFailed) as caught:
            engine.run("SELECT 1")

        assert (caught.value.reason, caught.value.code) == (sentence, code)

    def test_of_asking_are_asked_again(self, stub: Stubber, engine: AthenaEngine) -> None:
        stub.add_client_error("get_query_execution", "ThrottlingException", "slow down", 400)
        stub.add_response("get_query_execution", execution("SUCCEEDED"))
        stub.add_response("get_query_results", page(HEADER, DAY))

        assert len(list(engine.run("SELECT 1").rows)) == 1

    def test_to_reach_athena_are_told(self, client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        def unreachable(**_arguments: object) -> None:
            raise EndpointConnectionError(endpoint_url="https://athena")

        monkeypatch.setattr(client, "start_query_execution", unreachable)

        with pytest.raises(ReportFailed, match="Athena cannot be reached now") as caught:
            AthenaEngine(client=client, database="docproc", workgroup=WORKGROUP).run("SELECT 1")

        assert caught.value.code == "EndpointConnectionError"


class TestCost:
    @pytest.mark.parametrize(
        ("scanned", "dollars"),
        [(0, "0"), (1, "0.00005"), (12_345_678, "0.000065"), (600_000_000, "0.003"), (10**12, "5")],
    )
    def test_is_that_of_the_bytes_scanned(
        self, stub: Stubber, engine: AthenaEngine, scanned: int, dollars: str
    ) -> None:
        stub.add_response("get_query_execution", execution("SUCCEEDED", scanned=scanned))
        stub.add_response("get_query_results", page(HEADER))

        cost = engine.run("SELECT 1").cost

        assert cost is not None
        assert (cost.scanned_bytes, cost.dollars, cost.reused) == (scanned, Decimal(dollars), False)

    def test_of_a_reused_answer_is_none(self, client: Any) -> None:
        reuse = {"ResultReuseByAgeConfiguration": {"Enabled": True, "MaxAgeInMinutes": 1}}
        wanted = {
            "QueryString": "SELECT 1",
            "QueryExecutionContext": {"Database": "docproc"},
            "WorkGroup": WORKGROUP,
            "ResultReuseConfiguration": reuse,
        }
        with Stubber(client) as stub:
            stub.add_response("start_query_execution", {"QueryExecutionId": "q-1"}, wanted)
            stub.add_response("get_query_execution", execution("SUCCEEDED", scanned=10**9, reused=True))
            stub.add_response("get_query_results", page(HEADER, DAY))

            cost = (
                AthenaEngine(client=client, database="docproc", workgroup=WORKGROUP, reuse_minutes=1)
                .run("SELECT 1")
                .cost
            )

        assert cost is not None
        assert (cost.dollars, cost.reused) == (Decimal(0), True)


class TestUpkeep:
    def test_optimize_goes_on_while_athena_wants_more_runs(self, client: Any, engine: AthenaEngine) -> None:
        with Stubber(client) as stub:
            for text, ends in [
                (
                    "OPTIMIZE invoices REWRITE DATA USING BIN_PACK",
                    ("ICEBERG_OPTIMIZE_MORE_RUNS_NEEDED: go on", ""),
                ),
                ("VACUUM invoices", ("ICEBERG_VACUUM_MORE_RUNS_NEEDED: Removed 1000 files", "")),
            ]:
                for reason in ends:
                    start = {"QueryString": text, "QueryExecutionContext": ANY, "WorkGroup": WORKGROUP}
                    start |= {"ResultReuseConfiguration": ANY}
                    stub.add_response("start_query_execution", {"QueryExecutionId": "q-1"}, start)
                    state = execution("FAILED" if reason else "SUCCEEDED", reason)
                    stub.add_response("get_query_execution", state)
                    if not reason:
                        stub.add_response("get_query_results", {"ResultSet": {}})

            engine.optimize()

            stub.assert_no_pending_responses()

    def test_settle_ends_what_an_earlier_run_left(self, client: Any, engine: AthenaEngine) -> None:
        done = client.start_query_execution(QueryString="SELECT 1", WorkGroup=WORKGROUP)["QueryExecutionId"]
        client.get_query_execution(QueryExecutionId=done)
        state_manager.set_transition("athena::execution", {"progression": "manual", "times": 10_000})
        left = client.start_query_execution(QueryString="MERGE", WorkGroup=WORKGROUP)["QueryExecutionId"]

        engine.settle()

        states = {key: each.status for key, each in athena_backends[ACCOUNT][REGION].executions.items()}
        assert states == {done: "SUCCEEDED", left: "CANCELLED"}


class TestInTheBackground:
    def test_gives_one_query_the_callers_token(self, client: Any, engine: AthenaEngine) -> None:
        bodies: list[str] = []
        client.meta.events.register(
            "before-call.athena.StartQueryExecution",
            lambda params, **_: bodies.append(params["body"].decode()),
        )

        engine.start("SELECT 1", token="ab" * 32)

        assert json.loads(bodies[0])["ClientRequestToken"] == "ab" * 32

    def test_tells_where_a_query_is_and_ends_it(self, engine: AthenaEngine) -> None:
        state_manager.set_transition("athena::execution", {"progression": "manual", "times": 10_000})
        query_id = engine.start("SELECT 1")

        before = engine.progress(query_id)
        engine.stop(query_id)
        after = engine.progress(query_id)

        assert before is not None
        assert (before.sql, before.state) == ("SELECT 1", "running")
        assert after is not None
        assert after.state == "cancelled"

    def test_knows_no_other_query(self, client: Any, engine: AthenaEngine) -> None:
        with Stubber(client) as stub:
            stub.add_client_error("get_query_execution", "InvalidRequestException", "was not found", 400)

            assert engine.progress("6a2f41a3-c54c-fce8-32d2-0324e1c32e22") is None

    def test_says_why_one_failed(self, client: Any, engine: AthenaEngine) -> None:
        failed = execution("FAILED", "EXCEEDED_MEMORY_LIMIT: Query exceeded local memory limit", scanned=7)
        failed["QueryExecution"]["Status"]["SubmissionDateTime"] = datetime(2026, 11, 21, tzinfo=UTC)
        with Stubber(client) as stub:
            stub.add_response("get_query_execution", failed)

            progress = engine.progress("q-1")

        assert progress is not None
        assert (progress.state, progress.scanned_bytes) == ("failed", 7)
        assert progress.fault == "The query needs more memory than Athena has: take fewer days."

    def test_returns_the_rows_of_one_that_is_done(self, engine: AthenaEngine) -> None:
        answer_with(HEADER, DAY)

        result = engine.result(engine.start("SELECT 1"))

        assert list(result.rows) == [(date(2018, 3, 31), "", 1, Decimal("8150.00"))]
