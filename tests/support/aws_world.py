"""The doors of the world over moto: S3 and DynamoDB, or SQLite, each call of which passes a gate.

The gates sit where the process ends: below botocore, at each HTTP request, and below Django, at
each statement and each commit. What the service may not see is that they are there.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Any
from unittest.mock import patch
from urllib.parse import unquote

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from moto import mock_aws
from moto.core.models import botocore_stubber

from api.aws import Clients
from api.buckets import DestinationBucket, SourceBucket
from api.s3_event import ObjectRef
from api.stores.router import LEDGER
from invoice_parser import MAX_DOCUMENT_BYTES
from tests.support.outside import Switch


@contextmanager
def gated_aws(switch: Switch) -> Iterator[Clients]:
    """Yield the maker of clients of an empty AWS, one request of which is carried out after the other."""
    lock, carry_out = Lock(), botocore_stubber.process_request

    def one_by_one(request: Any) -> Any:
        with lock:
            return carry_out(request)

    def at_gate(request: Any) -> Any:
        return switch(_name_of(request), lambda: one_by_one(request))

    with patch.object(botocore_stubber, "process_request", at_gate), mock_aws():
        yield Clients(region="us-east-1")


@contextmanager
def gated_database(switch: Switch) -> Iterator[None]:
    """Put the switch before every statement and every commit of the ledger's database."""
    commit: Callable[[BaseDatabaseWrapper], None] = BaseDatabaseWrapper._commit  # type: ignore[attr-defined] # Django's own

    def execute(run: Any, sql: str, params: Any, many: Any, context: Any) -> Any:
        return switch(f"sql {sql.split(maxsplit=1)[0]}", lambda: run(sql, params, many, context))

    def gated_commit(connection: BaseDatabaseWrapper) -> Any:
        return switch("sql commit", lambda: commit(connection))

    with (
        connections[LEDGER].execute_wrapper(execute),
        patch.object(BaseDatabaseWrapper, "_commit", gated_commit),
    ):
        yield


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsBucket:
    """The source bucket, with what customers and the audit do to it."""

    bucket: SourceBucket
    name: str

    @classmethod
    def made(cls, client: Any, name: str) -> "AwsBucket":
        """Make the bucket, versioned."""
        client.create_bucket(Bucket=name)
        client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        return cls(bucket=SourceBucket(client=client, bucket=name, max_bytes=MAX_DOCUMENT_BYTES), name=name)

    def put(self, key: str, data: bytes, at: datetime) -> ObjectRef:
        """Put a version; S3 takes its own time for it."""
        del at
        answer = self.bucket.client.put_object(Bucket=self.name, Key=key, Body=data)
        number = sum(1 for _ in self.bucket.list_versions())
        return ObjectRef(
            bucket=self.name,
            key=key,
            version_id=answer["VersionId"],
            etag=answer["ETag"].strip('"'),
            size_bytes=len(data),
            sequencer=f"{number:016X}",
        )

    def expire(self, ref: ObjectRef) -> None:
        """Remove a version."""
        self.bucket.client.delete_object(Bucket=self.name, Key=ref.key, VersionId=ref.version_id)

    def holds(self, version_id: str) -> bool:
        """Tell whether the version is there."""
        return any(ref.version_id == version_id for ref, _ in self.bucket.list_versions())

    def __getattr__(self, name: str) -> Any:
        return getattr(self.bucket, name)


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsSink:
    """The destination bucket, with what the audit wants to know of it."""

    bucket: DestinationBucket

    @classmethod
    def made(cls, client: Any, name: str) -> "AwsSink":
        """Make the bucket."""
        client.create_bucket(Bucket=name)
        return cls(bucket=DestinationBucket(client=client, copy_client=client, bucket=name))

    @property
    def objects(self) -> dict[str, bytes]:
        """Every CSV object."""
        return {key: self.bucket.get(key) for key in self.bucket.list_keys("csv/")}

    @property
    def kept(self) -> dict[tuple[str, str], bytes]:
        """The copies of rejected documents."""
        found = {}
        for copy in self.bucket.list_keys("rejected/"):
            key, _, version_id = copy.removeprefix("rejected/").rpartition("/")
            found[unquote(key), unquote(version_id)] = self.bucket.get(copy)
        return found

    def __getattr__(self, name: str) -> Any:
        return getattr(self.bucket, name)


def _name_of(request: Any) -> str:
    target = request.headers.get("X-Amz-Target", b"")
    name = target.decode() if isinstance(target, bytes) else target
    return name.rpartition(".")[2] or f"{request.method} {request.url.partition('?')[0].rpartition('/')[2]}"
