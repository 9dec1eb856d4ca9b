"""Athena as the pages meet it: queries that wait, run, fail and can be stopped, with genuine answers.

It takes the calls that the service makes to Athena out of embedded AWS's traffic, so real boto3
speaks to it over HTTP, and lets DuckDB answer over the very objects that are in the bucket:
https://docs.aws.amazon.com/athena/latest/APIReference/API_Operations.html
"""

import json
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import uuid4

from api.buckets import DestinationBucket
from api.reports.duck import DuckEngine
from api.reports.raw import RawObjects
from api.reports.report import Cell, ReportFailed
from infra.local.provision import DESTINATION_BUCKET
from infra.local.service import Service
from infra.local.system import LocalSystem, inherited, running

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

SETTLE_SECONDS = 0.3  # a query that is stopped goes on for a moment
SCANNED_BYTES = 34_603_008
BYTES_A_SECOND = 8_000_000
_KINDS: dict[type, str] = {date: "date", Decimal: "decimal", int: "bigint", float: "double"}


class Refused(Exception):  # noqa: N818 - it names what is wrong
    """Athena's InvalidRequestException."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How long the next queries take, and why they fail, if they do."""

    queued_seconds: float = 0.2
    running_seconds: float = 1.0
    fault: str = ""


HELD = Plan(running_seconds=3_600)


@dataclass(slots=True, kw_only=True)
class Execution:
    """A query; times are seconds since it was submitted, in `stopped_at` None until it is stopped."""

    sql: str
    plan: Plan
    is_reused: bool
    submitted_at: float = field(default_factory=time.time)
    stopped_at: float | None = None

    @property
    def age(self) -> float:
        return time.time() - self.submitted_at

    @property
    def state(self) -> str:
        if self.stopped_at is not None and self.age > self.stopped_at + SETTLE_SECONDS:
            return "CANCELLED"
        if self.age < self.plan.queued_seconds:
            return "QUEUED"
        if self.stopped_at is not None or self.age < self.plan.queued_seconds + self.plan.running_seconds:
            return "RUNNING"
        return "FAILED" if self.plan.fault else "SUCCEEDED"

    @property
    def scanned_bytes(self) -> int:
        if self.is_reused:
            return 0
        read = int(max(0.0, self.age - self.plan.queued_seconds) * BYTES_A_SECOND)
        return SCANNED_BYTES if self.state == "SUCCEEDED" else min(read, SCANNED_BYTES)


class SlowAthena:
    """Answers Athena's calls, everything else goes below. `plan` is that of the next queries."""

    def __init__(self, below: "WSGIApplication", engine: DuckEngine) -> None:
        self.plan = Plan()
        self.calls: Counter[str] = Counter()
        self.stopped: list[str] = []
        self.executions: dict[str, Execution] = {}
        self._below, self._engine = below, engine
        self._by_token: dict[str, str] = {}
        self._lock = threading.Lock()

    def started(self, part: str = "") -> list[Execution]:
        """Return the queries whose text has that part, in their order."""
        return [each for each in self.executions.values() if part in each.sql]

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        service, _, operation = environ.get("HTTP_X_AMZ_TARGET", "").partition(".")
        if service != "AmazonAthena":
            return self._below(environ, start_response)
        asked = json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
        status, answer = "200 OK", dict[str, Any]()
        try:
            with self._lock:
                self.calls[operation] += 1
                answer = _OPERATIONS[operation](self, asked)
        except Refused as error:
            status = "400 Bad Request"
            answer = {"__type": "InvalidRequestException", "Message": str(error)}
        body = json.dumps(answer).encode()
        start_response(
            status,
            [("Content-Type", "application/x-amz-json-1.1"), ("Content-Length", str(len(body)))],
        )
        return [body]

    def _start(self, asked: dict[str, Any]) -> dict[str, Any]:
        token, sql = asked["ClientRequestToken"], asked["QueryString"]
        if len(token) < 32:
            raise Refused("ClientRequestToken is too short")
        known = self._by_token.get(token)
        if known and self.executions[known].sql != sql:
            raise Refused("Idempotent parameters do not match")
        if known is None:
            known = self._by_token[token] = str(uuid4())
            by_age = asked["ResultReuseConfiguration"]["ResultReuseByAgeConfiguration"]
            oldest = 60 * by_age["MaxAgeInMinutes"] if by_age["Enabled"] else 0
            is_reused = any(
                each.state == "SUCCEEDED" and each.sql == sql and each.age < oldest
                for each in self.executions.values()
            )
            self.executions[known] = Execution(sql=sql, plan=self.plan, is_reused=is_reused)
        return {"QueryExecutionId": known}

    def _find(self, asked: dict[str, Any]) -> Execution:
        if asked["QueryExecutionId"] not in self.executions:
            raise Refused(f"QueryExecution {asked['QueryExecutionId']} was not found")
        return self.executions[asked["QueryExecutionId"]]

    def _get(self, asked: dict[str, Any]) -> dict[str, Any]:
        found = self._find(asked)
        status: dict[str, Any] = {"State": found.state, "SubmissionDateTime": found.submitted_at}
        if found.state == "FAILED":
            status["StateChangeReason"] = found.plan.fault
        statistics = {
            "DataScannedInBytes": found.scanned_bytes,
            "ResultReuseInformation": {"ReusedPreviousResult": found.is_reused},
        }
        execution = {"Query": found.sql, "Status": status, "Statistics": statistics}
        return {"QueryExecution": {"QueryExecutionId": asked["QueryExecutionId"], **execution}}

    def _results(self, asked: dict[str, Any]) -> dict[str, Any]:
        found = self._find(asked)
        if found.state != "SUCCEEDED":
            raise Refused(f"Query has not yet finished. Current state: {found.state}")
        try:
            result = self._engine.run(found.sql)
            rows = list(result.rows)
        except ReportFailed as error:
            raise Refused(error.reason) from error
        kinds = [_kind(row[place] for row in rows) for place in range(len(result.columns))]
        columns = [{"Name": name, "Type": kind} for name, kind in zip(result.columns, kinds, strict=True)]
        listed = [list(result.columns), *rows]
        first = int(asked.get("NextToken", "0"))
        last = first + asked["MaxResults"]
        answer: dict[str, Any] = {
            "ResultSet": {
                "Rows": [{"Data": [_cell(cell) for cell in row]} for row in listed[first:last]],
                "ResultSetMetadata": {"ColumnInfo": columns},
            }
        }
        return answer | ({"NextToken": str(last)} if last < len(listed) else {})

    def _stop(self, asked: dict[str, Any]) -> dict[str, Any]:
        found = self._find(asked)
        self.stopped.append(asked["QueryExecutionId"])
        if found.state in {"QUEUED", "RUNNING"}:
            found.stopped_at = found.age
        return {}


_OPERATIONS: dict[str, Callable[[SlowAthena, dict[str, Any]], dict[str, Any]]] = {
    "StartQueryExecution": SlowAthena._start,
    "GetQueryExecution": SlowAthena._get,
    "GetQueryResults": SlowAthena._results,
    "StopQueryExecution": SlowAthena._stop,
}


def _kind(cells: Iterable[Cell]) -> str:
    return next((_KINDS.get(type(cell), "varchar") for cell in cells if cell is not None), "varchar")


def _cell(cell: Cell) -> dict[str, str]:
    return {} if cell is None else {"VarCharValue": str(cell)}


@contextmanager
def with_athena(state: Path) -> Iterator[tuple[LocalSystem, SlowAthena]]:
    """Yield the system whose service asks Athena, and that Athena; raises as `running` does."""
    with running(state, ledger="sqlite") as system:
        system.service.stop()
        bucket = DestinationBucket(
            client=system.aws.client("s3"), copy_client=system.aws.client("s3"), bucket=DESTINATION_BUCKET
        )
        engine = DuckEngine(RawObjects(bucket), Path(system.settings["DOCPROC_DUCKDB_PATH"]))
        server = system.aws._server
        athena = SlowAthena(server.app, engine)
        server.app = athena
        settings = system.settings | {"DOCPROC_REPORTS": "athena"}
        port = urlsplit(system.service.url).port
        assert port
        service = Service(inherited(os.environ) | settings, port=port, log_path=state / "athena.log")
        try:
            service.start()
            service.wait_ready()
            yield replace(system, service=service, settings=settings), athena
        finally:
            service.stop()
