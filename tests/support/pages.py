"""A small world behind the pages: ports in memory, DuckDB over the rows, and a query that takes its time."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from api import wiring
from api.acts import Acts
from api.buckets import UploadForm
from api.pipeline import Outcome, Pipeline
from api.ports import TemporaryFailure
from api.records import Document, Page
from api.reports.duck import DuckEngine
from api.reports.raw import RawObjects
from api.reports.report import Cell, Progress, QueryState, Result
from tests.support.memory import MemoryBucket, MemoryLedger, MemorySink


class Ledger(MemoryLedger):
    """MemoryLedger with the two listings that only pages ask for."""

    def open_rejection_count(self, limit: int) -> int:
        return len(self.rejections(limit=limit, token=None).documents)

    def recent_documents(self, *, now: datetime, limit: int, token: str | None) -> Page:
        del now, token
        found = sorted(self.documents_by_id.values(), key=lambda each: each.recorded_at, reverse=True)
        return Page(documents=tuple(found[:limit]), next_token=None)


class Source(MemoryBucket):
    """MemoryBucket under the name that the pages ask for, with a form to upload through."""

    @property
    def bucket(self) -> str:
        return self.name

    def upload_form(self, key: str, *, seconds: int, redirect_url: str = "") -> UploadForm:
        fields: Mapping[str, str] = {"key": key, "seconds": str(seconds), "redirect": redirect_url}
        return UploadForm(url="https://docproc-source.s3.example/", fields=fields)


class Sink(MemorySink):
    """MemorySink that DuckDB can read."""

    bucket = "docproc-destination"

    def get(self, key: str) -> bytes:
        return self.objects[key]


@dataclass
class Letters:
    """A dead-letter queue of so many messages; None is one that does not answer."""

    waiting: int | None = 0

    def depth(self) -> int:
        if self.waiting is None:
            raise TemporaryFailure("sqs", "GetQueueAttributes", "ServiceUnavailable")
        return self.waiting


@dataclass
class Queries:
    """A background engine whose queries run until the test says otherwise.

    `states` are those of single queries; one that `shares` gives the same query for the same token.
    """

    state: QueryState = "running"
    fault: str = ""
    rows: tuple[tuple[Cell, ...], ...] = ()
    started: dict[str, str] = field(default_factory=dict)
    stopped: list[str] = field(default_factory=list)
    shares: bool = False
    states: dict[str, QueryState] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)

    def start(self, sql: str, token: str = "") -> str:
        if self.shares and token in self.tokens:
            return self.tokens[token]
        if token:
            self.tokens[token] = f"id-{len(self.started) + 1}"
        self.started[f"id-{len(self.started) + 1}"] = sql
        return f"id-{len(self.started)}"

    def progress(self, query_id: str) -> Progress | None:
        if query_id not in self.started:
            return None
        state = "cancelled" if query_id in self.stopped else self.states.get(query_id, self.state)
        now, sql = datetime.now(UTC), self.started[query_id]
        return Progress(sql=sql, state=state, started_at=now, scanned_bytes=2_048, fault=self.fault)

    def result(self, query_id: str) -> Result:
        del query_id
        return Result(columns=(), rows=iter(self.rows))

    def stop(self, query_id: str) -> None:
        self.stopped.append(query_id)


@dataclass
class World:
    """What the pages show, and clients to look with."""

    source: Source = field(default_factory=Source)
    sink: Sink = field(default_factory=Sink)
    ledger: Ledger = field(default_factory=Ledger)
    letters: Letters = field(default_factory=Letters)
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    @property
    def pipeline(self) -> Pipeline:
        return Pipeline(source=self.source, ledger=self.ledger, sink=self.sink)

    def upload(self, key: str, data: bytes) -> Outcome:
        """Put a document and take it to its outcome."""
        ref = self.source.put(key, data, at=datetime.now(UTC))
        return self.pipeline.ingest(ref, message_id=f"m-{next(self.numbers)}", now=datetime.now(UTC))

    def document(self, key: str) -> Document:
        """Return what the ledger keeps of the key's only version."""
        (found,) = [each for each in self.ledger.documents_by_id.values() if each.source_key == key]
        return found

    def install(self, patch: pytest.MonkeyPatch, folder: Path) -> None:
        """Put this world behind wiring."""
        engine = DuckEngine(RawObjects(self.sink), folder / "reports.duckdb")
        parts = {
            "ledger": self.ledger,
            "pipeline": self.pipeline,
            "acts": Acts(pipeline=self.pipeline),
            "source": self.source,
            "destination": self.sink,
            "dead_letters": self.letters,
            "reports": engine,
        }
        for name, part in parts.items():
            patch.setattr(wiring, name, lambda part=part: part)


def client_of(role: str) -> Client:
    """Return a browser in which somebody of that role is logged in; `anyone` is nobody."""
    client = Client()
    if role != "anyone":
        user, _ = User.objects.get_or_create(username=f"{role}-person")
        if role in {"viewer", "operator"}:
            user.groups.set([Group.objects.get(name=role)])
        client.force_login(user)
    return client
