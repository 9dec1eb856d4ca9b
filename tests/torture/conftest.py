"""The real ledgers, and a new empty one as often as a proof wants it."""

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import pytest
from pytest_django.plugin import DjangoDbBlocker

from api.stores.dynamodb import DynamoLedger
from api.stores.dynamodb_schema import table_definitions
from api.stores.sql import SqlLedger
from tests.support.databases import LedgerDatabases, mariadb_database
from tests.support.dynamodb import dynamodb
from tests.support.ledgers import RealLedger


@pytest.fixture(autouse=True)
def _silence() -> Iterator[None]:
    """Keep the logs of thousands of faults out of the figures."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture(scope="session")
def mariadb_url() -> Iterator[str]:
    """Return the URL of a new database on the server that DOCPROC_TEST_MARIADB_URL names."""
    server = os.environ.get("DOCPROC_TEST_MARIADB_URL")
    if not server:
        pytest.skip("DOCPROC_TEST_MARIADB_URL names no server; see tests/support/mariadb.sql")
    with mariadb_database(server) as url:
        yield url


@pytest.fixture(scope="session")
def sqlite_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the URL of a database file."""
    path: Path = tmp_path_factory.mktemp("ledger") / "ledger.sqlite3"
    return f"sqlite:///{path}"


@pytest.fixture(scope="session")
def dynamodb_url() -> str:
    """Return what stands for a ledger that is in no database."""
    return ""


@pytest.fixture(scope="module")
def new_ledger(
    request: pytest.FixtureRequest, django_db_blocker: DjangoDbBlocker
) -> Iterator[Callable[[str], RealLedger]]:
    """Return a function that returns an empty ledger of a kind."""
    numbers = count()
    with ExitStack() as stack:
        stack.enter_context(django_db_blocker.unblock())
        client = stack.enter_context(dynamodb())
        databases, opened = LedgerDatabases(), stack.enter_context(ExitStack())

        def new(kind: str) -> RealLedger:
            opened.close()
            if kind != "dynamodb":
                opened.enter_context(databases.at(request.getfixturevalue(f"{kind}_url")))
                return SqlLedger(sleep=lambda _: None)
            names = [f"{name}-{next(numbers)}" for name in ("document", "invoice")]
            for definition in table_definitions(names[0], names[1]):
                client.create_table(**definition)
            for name in names:
                opened.callback(client.delete_table, TableName=name)
            return DynamoLedger(
                client=client, document_table=names[0], invoice_table=names[1], sleep=lambda _: None
            )

        yield new
