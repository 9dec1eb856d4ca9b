"""Worlds on real parts: the doors to S3 over moto, and DynamoDB over moto or SQLite beside them."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import UTC, datetime
from itertools import count
from typing import Any, Self

from botocore.exceptions import ReadTimeoutError
from django.db import OperationalError, connections

from api.maintenance.reconcile import CHECKPOINT, FULL_CHECKPOINT
from api.stores.dynamodb import DynamoLedger
from api.stores.dynamodb_schema import table_definitions
from api.stores.router import LEDGER
from api.stores.sql import SqlLedger
from tests.support.aws_world import AwsBucket, AwsSink, gated_aws, gated_database
from tests.support.databases import LedgerDatabases
from tests.support.ledgers import RealLedger
from tests.support.outside import Switch
from tests.support.world import World

_numbers = count()


class RealWorlds:
    """A context manager that opens worlds, each with buckets and tables of its own.

    Every HTTP request, statement and commit of a world passes the switch that it was opened with.
    `database_url` names the database of an SQL ledger; without it the ledger is DynamoDB.
    """

    def __init__(self, database_url: str = "") -> None:
        self._database_url = database_url
        self._databases = LedgerDatabases()
        self._clients = dict[str, Any]()
        self._stack, self._switch = ExitStack(), Switch()

    def __enter__(self) -> Self:
        self._stack.__enter__()
        clients = self._stack.enter_context(gated_aws(self._switch))
        self._clients = {name: clients.make(name) for name in ("s3", "dynamodb")}
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @contextmanager
    def open(self, switch: Switch) -> Iterator[World]:
        """Yield an empty world whose calls pass the switch."""
        number = next(_numbers)
        s3 = self._clients["s3"]
        with self._ledger(number) as ledger, self._switch.closed_by(switch):
            now = datetime.now(UTC)  # S3 takes its own time for Last-Modified
            # The last sweep was a moment ago, or each would begin with the queries of a whole day.
            for name in (CHECKPOINT, FULL_CHECKPOINT):
                ledger.save_checkpoint(name, now.isoformat())
            yield World(
                ledger=ledger,
                bucket=AwsBucket.made(s3, f"source-{number}"),
                archive=AwsBucket.made(s3, f"archive-{number}"),
                sink=AwsSink.made(s3, f"destination-{number}"),
                time=now,
            )

    @staticmethod
    def bury() -> None:
        """Do what the system does with the dead: close their connections."""
        if LEDGER in connections.settings:
            connections[LEDGER].close()

    def lost_answer(self, name: str) -> Exception:
        """Return what the driver says when no answer comes to that call; whoever called asks once more."""
        if name.startswith("sql"):
            return OperationalError(2013, f"Lost connection during {name}")
        return ReadTimeoutError(endpoint_url=name)

    def _ledger(self, number: int) -> AbstractContextManager[RealLedger]:
        return self._sql() if self._database_url else self._dynamodb(number)

    @contextmanager
    def _sql(self) -> Iterator[SqlLedger]:
        with self._databases.at(self._database_url), gated_database(self._switch):
            yield SqlLedger(sleep=lambda _: None)

    @contextmanager
    def _dynamodb(self, number: int) -> Iterator[DynamoLedger]:
        client = self._clients["dynamodb"]
        names = f"document-{number}", f"invoice-{number}"
        for definition in table_definitions(*names):
            client.create_table(**definition)
        yield DynamoLedger(
            client=client, document_table=names[0], invoice_table=names[1], sleep=lambda _: None
        )
        for name in names:
            client.delete_table(TableName=name)
