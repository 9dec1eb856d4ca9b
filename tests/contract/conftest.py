"""The ledgers that the contract is for.

DynamoDB is moto's. MariaDB is a real server, named by DOCPROC_TEST_MARIADB_URL after
`mariadb < tests/support/mariadb.sql`.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from pytest_django.plugin import DjangoDbBlocker

from api.ports import Ledger
from api.stores.dynamodb import DynamoLedger
from api.stores.sql import SqlLedger
from tests.support.databases import LedgerDatabases, mariadb_database
from tests.support.dynamodb import TABLES, dynamodb
from tests.support.ledgers import RealLedger
from tests.support.memory import MemoryLedger

REAL = ("dynamodb", "sqlite", pytest.param("mariadb", marks=pytest.mark.server))


@pytest.fixture(scope="session")
def databases() -> LedgerDatabases:
    return LedgerDatabases()


@pytest.fixture(scope="session")
def sqlite_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    path: Path = tmp_path_factory.mktemp("ledger") / "ledger.sqlite3"
    return f"sqlite:///{path}"


@pytest.fixture(scope="session")
def mariadb_url() -> Iterator[str]:
    server = os.environ.get("DOCPROC_TEST_MARIADB_URL")
    if not server:
        pytest.skip("DOCPROC_TEST_MARIADB_URL names no server; see tests/support/mariadb.sql")
    with mariadb_database(server) as url:
        yield url


@pytest.fixture
def open_ledger(
    request: pytest.FixtureRequest, databases: LedgerDatabases, django_db_blocker: DjangoDbBlocker
) -> Iterator[Callable[[str], RealLedger]]:
    """Return a function that opens an empty ledger of a kind until the end of the test."""
    with ExitStack() as stack:

        def open_one(kind: str) -> RealLedger:
            if kind == "dynamodb":
                client = stack.enter_context(dynamodb())
                return DynamoLedger(client=client, document_table=TABLES[0], invoice_table=TABLES[1])
            stack.enter_context(django_db_blocker.unblock())
            stack.enter_context(databases.at(request.getfixturevalue(f"{kind}_url")))
            return SqlLedger()

        yield open_one


@pytest.fixture(params=REAL)
def ledger(request: pytest.FixtureRequest, open_ledger: Callable[[str], RealLedger]) -> RealLedger:
    """Return each of the ledgers, empty."""
    return open_ledger(request.param)


@pytest.fixture(params=(*REAL, "memory"))
def any_ledger(request: pytest.FixtureRequest, open_ledger: Callable[[str], RealLedger]) -> Ledger:
    """Return each of the ledgers and the tests' own, which must keep to the same conditions."""
    return MemoryLedger() if request.param == "memory" else open_ledger(request.param)
