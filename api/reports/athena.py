"""Engine: Amazon Athena.

A query is started, asked after with growing pauses, and its rows are read page by page:
https://docs.aws.amazon.com/athena/latest/APIReference/API_StartQueryExecution.html
What takes too long, or is given up by its caller, is stopped, for what it reads is billed.
"""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import chain
from typing import TYPE_CHECKING, Final, TypedDict

from botocore.exceptions import ClientError

from api.aws import error_code, translate
from api.ports import TemporaryFailure
from api.reports.prices import scan_dollars
from api.reports.report import Cell, Cost, Progress, QueryState, ReportFailed, Result, Row

if TYPE_CHECKING:
    from mypy_boto3_athena import AthenaClient
    from mypy_boto3_athena.type_defs import GetQueryResultsOutputTypeDef, QueryExecutionTypeDef

FIRST_PAUSE_SECONDS: Final = 0.1
LONGEST_PAUSE_SECONDS: Final = 2.0
PAGE_ROWS: Final = 1_000  # the most that Athena gives
MAX_ROUNDS: Final = 50
LATEST: Final = 5
TIMEOUT: Final = "TIMEOUT"

_CODE = re.compile(r"[A-Z][A-Z0-9_]{3,}(?=:)")
_READERS: dict[str, Callable[[str], Cell]] = {
    "date": date.fromisoformat,
    "decimal": Decimal,
    "tinyint": int,
    "smallint": int,
    "integer": int,
    "bigint": int,
    "float": float,
    "double": float,
}
_STATES: Final[dict[str, QueryState]] = {
    "SUCCEEDED": "done",
    "FAILED": "failed",
    "CANCELLED": "cancelled",
}
_SENTENCES = {
    "Bytes scanned limit": "The query would read more than the workgroup allows: take fewer days.",
    "QUERY_TIMEOUT": "Athena gave up on the query: take fewer days.",
    "EXCEEDED_MEMORY_LIMIT": "The query needs more memory than Athena has: take fewer days.",
    "TABLE_NOT_FOUND": "A table is missing: create the tables of infra/athena.sql.",
    "INVALID_VIEW": "A view does not fit its tables: create the views of infra/athena.sql again.",
}


class _Once(TypedDict, total=False):
    ClientRequestToken: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AthenaEngine:
    """Runs queries in one workgroup.

    `reuse_minutes` is how old an earlier answer may be, 0 for none; `keep` is called while a query
    runs, and stops it by raising.
    """

    client: "AthenaClient"
    database: str
    workgroup: str
    timeout_seconds: float = 120
    reuse_minutes: int = 0
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    keep: Callable[[], None] = lambda: None

    def run(self, sql: str) -> Result:
        """Return the result. Raises ReportFailed, also while its rows are read."""
        return self.result(self.start(sql))

    def start(self, sql: str, token: str = "") -> str:
        """Start the query and return its id; the same one for the same token. Raises ReportFailed."""
        # Without a token botocore adds one, so its own retry starts no second query.
        once: _Once = {"ClientRequestToken": token} if token else {}
        with _failing("StartQueryExecution"):
            return self.client.start_query_execution(
                QueryString=sql,
                QueryExecutionContext={"Database": self.database},
                WorkGroup=self.workgroup,
                ResultReuseConfiguration={
                    "ResultReuseByAgeConfiguration": {
                        "Enabled": self.reuse_minutes > 0,
                        "MaxAgeInMinutes": self.reuse_minutes,
                    }
                },
                **once,
            )["QueryExecutionId"]

    def progress(self, query_id: str) -> Progress | None:
        """Return where it is, None for an id that Athena does not know. Raises ReportFailed."""
        try:
            with translate("athena", "GetQueryExecution"):
                execution = self.client.get_query_execution(QueryExecutionId=query_id)["QueryExecution"]
        except TemporaryFailure as error:
            raise ReportFailed(f"Athena cannot be reached now: {error}", error.code) from error
        except ClientError:
            return None  # the id came from a URL
        status = execution["Status"]
        state: QueryState = _STATES.get(status["State"], "running")
        return Progress(
            sql=execution.get("Query", ""),
            state=state,
            started_at=status["SubmissionDateTime"],
            scanned_bytes=execution.get("Statistics", {}).get("DataScannedInBytes", 0),
            fault=_failure(status.get("StateChangeReason", "")).reason if state == "failed" else "",
        )

    def result(self, query_id: str) -> Result:
        """Return the result of a query, when it is done. Raises ReportFailed."""
        execution = self._wait(query_id)
        statistics = execution.get("Statistics", {})
        scanned = statistics.get("DataScannedInBytes", 0)
        reused = statistics.get("ResultReuseInformation", {}).get("ReusedPreviousResult", False)
        cost = Cost(
            scanned_bytes=scanned, dollars=Decimal(0) if reused else scan_dollars(scanned), reused=reused
        )
        pages = self._pages(query_id)
        first = next(pages)
        columns = first["ResultSet"].get("ResultSetMetadata", {}).get("ColumnInfo", [])
        return Result(
            columns=tuple(column["Name"] for column in columns),
            rows=_rows(first, pages, [column["Type"] for column in columns]),
            cost=cost,
        )

    def stop(self, query_id: str) -> None:
        """End it, if it has not ended; what it read is billed all the same."""
        # The first trouble is the one to tell of; Athena's own time-out ends the query in any case.
        with suppress(TemporaryFailure, ClientError), translate("athena", "StopQueryExecution"):
            self.client.stop_query_execution(QueryExecutionId=query_id)

    def settle(self) -> None:
        """Stop what still runs in the workgroup and wait for its end. Raises ReportFailed."""
        with _failing("ListQueryExecutions"):
            # The latest come first; a compaction that died left its last statement at most.
            latest = self.client.list_query_executions(WorkGroup=self.workgroup, MaxResults=LATEST)
        for execution_id in latest.get("QueryExecutionIds", []):
            if self._look(execution_id) is None:
                self.stop(execution_id)
                try:
                    self._wait(execution_id)
                except ReportFailed as error:
                    if error.code == TIMEOUT:  # any other end will do
                        raise

    def optimize(self) -> None:
        """Rewrite small files, remove old snapshots. Raises ReportFailed."""
        for statement in ("OPTIMIZE invoices REWRITE DATA USING BIN_PACK", "VACUUM invoices"):
            self._run_until_done(statement)

    def _run_until_done(self, statement: str) -> None:
        for _ in range(MAX_ROUNDS):
            try:
                self.run(statement)
            except ReportFailed as error:
                # Each round does a bounded part; the next one goes on.
                if not error.code.endswith("_MORE_RUNS_NEEDED"):
                    raise
            else:
                return

    def _wait(self, execution_id: str) -> "QueryExecutionTypeDef":
        deadline = self.clock() + self.timeout_seconds
        pause = FIRST_PAUSE_SECONDS
        try:
            while (execution := self._look(execution_id)) is None:
                self._check(deadline)
                self.keep()
                self.sleep(pause)
                pause = min(pause * 1.5, LONGEST_PAUSE_SECONDS)
        except BaseException:
            self.stop(execution_id)
            raise
        if execution["Status"]["State"] != "SUCCEEDED":
            raise _failure(execution["Status"].get("StateChangeReason", ""))
        return execution

    def _check(self, deadline: float) -> None:
        if self.clock() > deadline:
            limit = f"{self.timeout_seconds:.0f} s"
            raise ReportFailed(
                f"The query took longer than {limit} and was stopped: take fewer days.", "TIMEOUT"
            )

    def _look(self, execution_id: str) -> "QueryExecutionTypeDef | None":
        """Return the execution when it has ended, None while it runs or cannot be asked after."""
        with suppress(TemporaryFailure), translate("athena", "GetQueryExecution"):
            execution = self.client.get_query_execution(QueryExecutionId=execution_id)["QueryExecution"]
            if execution["Status"]["State"] in {"SUCCEEDED", "FAILED", "CANCELLED"}:
                return execution
        return None

    def _pages(self, execution_id: str) -> "Iterator[GetQueryResultsOutputTypeDef]":
        pages = self.client.get_paginator("get_query_results").paginate(
            QueryExecutionId=execution_id, PaginationConfig={"PageSize": PAGE_ROWS}
        )
        with _failing("GetQueryResults"):
            yield from pages


def _rows(
    first: "GetQueryResultsOutputTypeDef", pages: "Iterator[GetQueryResultsOutputTypeDef]", types: list[str]
) -> Iterator[Row]:
    readers = [_READERS.get(kind, str) for kind in types]
    # The first row of a SELECT repeats the names of its columns.
    names = [
        column["Name"] for column in first["ResultSet"].get("ResultSetMetadata", {}).get("ColumnInfo", [])
    ]
    is_header = True
    for page in chain([first], pages):
        for row in page["ResultSet"].get("Rows", []):
            values = [cell.get("VarCharValue") for cell in row.get("Data", [])]
            if not (is_header and values == names):
                yield tuple(
                    None if value is None else read(value)
                    for read, value in zip(readers, values, strict=True)
                )
            is_header = False


def _failure(reason: str) -> ReportFailed:
    found = _CODE.search(reason)
    for sign, sentence in _SENTENCES.items():
        if sign in reason:
            return ReportFailed(sentence, found[0] if found else "")
    return ReportFailed(
        f"Athena could not answer: {reason or 'the query was cancelled'}", found[0] if found else ""
    )


@contextmanager
def _failing(operation: str) -> Iterator[None]:
    """Turn whatever AWS says into ReportFailed."""
    try:
        with translate("athena", operation):
            yield
    except TemporaryFailure as error:
        raise ReportFailed(f"Athena cannot be reached now: {error}", error.code) from error
    except ClientError as error:
        message = error.response.get("Error", {}).get("Message", "")
        raise ReportFailed(f"Athena refused the query: {message}", error_code(error)) from error
