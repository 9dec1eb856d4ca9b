"""What only the SQL ledger can show: its columns, its faults, its retries."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from django.core.management import call_command
from django.db import DataError, OperationalError, connections
from pytest_django.plugin import DjangoDbBlocker

from api.ports import TemporaryFailure
from api.records import Change, Seen
from api.stores.router import LEDGER, LedgerRouter
from api.stores.sql import SqlLedger
from tests.support.databases import forget_ledger, point_ledger_at
from tests.support.ledgers import RealLedger
from tests.support.records import ROW, act, document, revision

NEW = Change(document=document(), revision=revision(), seen=Seen())
SQL = ("sqlite", pytest.param("mariadb", marks=pytest.mark.server))


@pytest.fixture(params=SQL)
def ledger(request: pytest.FixtureRequest, open_ledger: Callable[[str], RealLedger]) -> RealLedger:
    """Return both of the SQL ledgers, empty."""
    return open_ledger(request.param)


@pytest.fixture
def mariadb(open_ledger: Callable[[str], RealLedger]) -> RealLedger:
    return open_ledger("mariadb")


@contextmanager
def ledger_at(url: str, blocker: DjangoDbBlocker) -> Iterator[SqlLedger]:
    """Yield a ledger at a URL that nothing was done to."""
    with blocker.unblock():
        point_ledger_at(url)
        try:
            yield SqlLedger(sleep=lambda _: None)
        finally:
            forget_ledger()


def select(statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
    with connections[LEDGER].cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())


class TestColumns:
    def test_tell_date_and_money_to_those_who_ask_in_sql(self, ledger: RealLedger) -> None:
        ledger.commit(NEW)

        rows = select("SELECT issue_date, currency, net_amount, tax_amount, total_amount FROM revision")

        # SQLite has no decimals of its own and gives numbers.
        assert [(str(day), currency, *map(Decimal, amounts)) for day, currency, *amounts in rows] == [
            ("2026-01-26", "INR", Decimal(1200), Decimal(216), Decimal(1416))
        ]

    @pytest.mark.server
    def test_are_decimal_and_date_on_a_server(self, mariadb: RealLedger) -> None:
        mariadb.commit(NEW)

        assert select("SELECT issue_date, total_amount FROM revision") == [
            (date(2026, 1, 26), Decimal("1416.00"))
        ]

    @pytest.mark.parametrize(
        "row",
        [
            b"\n",
            b"no quotes at all",
            b'"A","1","27/01/2026","s","b","1e999","nan","12.345","w","EURO-AND-MORE"\n',
            ROW.replace(b"1200.00", b"1" * 19),
        ],
    )
    def test_are_null_where_the_row_says_nothing_plain(self, ledger: RealLedger, row: bytes) -> None:
        ledger.commit(Change(document=None, revision=revision(row=row), seen=Seen()))

        assert select("SELECT net_amount FROM revision") == [(None,)]
        assert ledger.revision("ACME", "INV-1") == revision(row=row)

    def test_tell_current_from_replaced(self, ledger: RealLedger) -> None:
        ledger.commit(NEW)
        ledger.commit(Change(document=None, revision=revision(rev=2), seen=Seen(invoice=revision())))

        assert select("SELECT rev FROM revision WHERE current_key IS NOT NULL") == [(2,)]
        assert select("SELECT rev FROM revision WHERE current_key IS NULL") == [(1,)]

    def test_say_nothing_of_what_was_erased(self, ledger: RealLedger) -> None:
        ledger.commit(NEW)

        list(ledger.erase("ACME", None, act("erase")))

        told = select("SELECT issue_date, currency, net_amount, tax_amount, total_amount FROM revision")
        assert told == [(None, "", None, None, None)] * 2

    @pytest.mark.server
    @pytest.mark.parametrize(("name", "found"), [("INV", 1), ("inv", 0), ("INV ", 0), ("ÍNV", 0)])
    def test_compare_exactly_in_plain_sql(self, mariadb: RealLedger, name: str, found: int) -> None:
        mariadb.commit(
            Change(document=document(), revision=revision(invoice_id="INV", source_key="INV"), seen=Seen())
        )

        statement = "SELECT COUNT(*) FROM revision WHERE invoice_id = %s AND source_key = %s"

        assert select(statement, name, name) == [(found,)]

    @pytest.mark.server
    def test_refuse_what_is_too_long_instead_of_cutting_it_off(self, mariadb: RealLedger) -> None:
        with pytest.raises(DataError):
            mariadb.commit(Change(document=document(etag="e" * 1025), revision=None, seen=Seen()))

    @pytest.mark.server
    @pytest.mark.usefixtures("mariadb")
    def test_are_asked_under_the_settings_that_the_ledger_counts_on(self) -> None:
        # tx_isolation is transaction_isolation on MySQL 8.
        [(mode, isolation, wait, names)] = select(
            "SELECT @@sql_mode, @@tx_isolation, @@innodb_lock_wait_timeout, @@character_set_connection"
        )

        assert "STRICT_TRANS_TABLES" in mode
        assert (isolation, wait, names) == ("READ-COMMITTED", 2, "utf8mb4")


class TestMigrations:
    def test_say_what_the_models_say(self, django_db_blocker: DjangoDbBlocker) -> None:
        with ledger_at("sqlite://:memory:", django_db_blocker):
            call_command("makemigrations", "api", check=True, dry_run=True, verbosity=0)

    def test_make_the_ledgers_tables_in_the_ledgers_database_alone(
        self, django_db_blocker: DjangoDbBlocker, tmp_path: Path
    ) -> None:
        with ledger_at(f"sqlite:///{tmp_path}/ledger.sqlite3", django_db_blocker):
            call_command("migrate", database=LEDGER, verbosity=0)

            tables = {name for (name,) in select("SELECT name FROM sqlite_master WHERE type = 'table'")}

        assert tables - {"sqlite_sequence"} == {
            "checkpoint",
            "django_migrations",
            "document",
            "lease",
            "revision",
        }

    @pytest.mark.parametrize(
        ("database", "app", "allowed"),
        [
            ("ledger", "api", True),
            ("ledger", "auth", False),
            ("default", "api", False),
            ("default", "auth", True),
        ],
    )
    def test_go_where_the_router_says(self, database: str, app: str, *, allowed: bool) -> None:
        assert LedgerRouter().allow_migrate(database, app) is allowed


class Interruption:
    """Makes one statement of a connection fail, before or after it was carried out."""

    def __init__(self, place: int, error: Exception, *, is_done: bool) -> None:
        self.place, self.error, self.is_done = place, error, is_done
        self.count = 0

    def __call__(self, execute: Any, sql: str, parameters: Any, many: Any, context: Any) -> Any:
        self.count += 1
        if self.count != self.place:
            return execute(sql, parameters, many, context)
        if self.is_done:
            execute(sql, parameters, many, context)
        raise self.error


ERRORS = {
    "deadlock": OperationalError(1213, "Deadlock found when trying to get lock"),
    "lost": OperationalError(2013, "Lost connection to server during query"),
    "locked": OperationalError("database is locked"),
}


class TestRetry:
    @pytest.mark.parametrize("error", ERRORS.values(), ids=ERRORS)
    @pytest.mark.parametrize("is_done", [False, True])
    @pytest.mark.parametrize("place", [1, 2, 3, 4])
    def test_carries_a_change_out_once_whichever_statement_failed(
        self, ledger: RealLedger, place: int, error: Exception, *, is_done: bool
    ) -> None:
        ledger.commit(NEW)
        second = Change(
            document=document(version_id="v2", rev=2),
            revision=revision(rev=2, version_id="v2"),
            seen=Seen(invoice=revision()),
        )
        interruption = Interruption(place, error, is_done=is_done)

        with connections[LEDGER].execute_wrapper(interruption):
            answer = ledger.commit(second)

        assert answer is None
        assert ledger.history("ACME", "INV-1") == (revision(rev=2, version_id="v2"), revision())
        assert ledger.document("in/a.txt", "v2") == document(version_id="v2", rev=2)

    def test_finds_its_own_document_when_only_the_answer_was_lost(
        self, ledger: RealLedger, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        connection = connections[LEDGER]
        connection.ensure_connection()
        commit = connection._commit  # type: ignore[attr-defined] # where Django meets the driver

        def commit_and_lose() -> None:
            commit()
            monkeypatch.undo()
            raise OperationalError(2013, "Lost connection to server during query")

        monkeypatch.setattr(connection, "_commit", commit_and_lose)

        assert ledger.commit(NEW) == Seen(document=document(), invoice=revision())

    def test_ends(self, ledger: RealLedger) -> None:
        waits: list[float] = []

        def always_fail(*_: object) -> None:
            raise OperationalError(1213, "Deadlock found when trying to get lock")

        with connections[LEDGER].execute_wrapper(always_fail), pytest.raises(TemporaryFailure) as raised:
            SqlLedger(sleep=waits.append).commit(NEW)

        assert (raised.value.service, raised.value.operation, raised.value.code) == ("sql", "commit", "1213")
        assert len(waits) == 4
        assert all(0 <= wait <= 0.03 * 2**number for number, wait in enumerate(waits))
        assert ledger.document("in/a.txt", "v1") is None

    def test_does_not_wait_for_what_waiting_cannot_cure(self, ledger: RealLedger) -> None:
        waits: list[float] = []

        def refuse(*_: object) -> None:
            raise OperationalError(1142, "INSERT command denied to user 'docproc'@'10.0.0.7'")

        with connections[LEDGER].execute_wrapper(refuse), pytest.raises(TemporaryFailure) as raised:
            SqlLedger(sleep=waits.append).commit(NEW)

        assert waits == []
        assert "check user, password and grants" in raised.value.mend
        assert "10.0.0.7" not in str(raised.value)
        assert ledger.document("in/a.txt", "v1") is None


# One at a time: they watch the whole server's locks.
@pytest.mark.xdist_group("server's locks")
class TestFault:
    def test_of_missing_tables_says_migrate(self, django_db_blocker: DjangoDbBlocker, tmp_path: Path) -> None:
        url = f"sqlite:///{tmp_path}/ledger.sqlite3"
        with (
            ledger_at(url, django_db_blocker) as ledger,
            pytest.raises(TemporaryFailure, match=r"run manage\.py migrate"),
        ):
            ledger.ready()

    def test_of_a_missing_folder_names_the_path(
        self, django_db_blocker: DjangoDbBlocker, tmp_path: Path
    ) -> None:
        url = f"sqlite:///{tmp_path}/nowhere/ledger.sqlite3"
        with (
            ledger_at(url, django_db_blocker) as ledger,
            pytest.raises(TemporaryFailure, match="check the path in DOCPROC_LEDGER"),
        ):
            ledger.ready()

    def test_of_a_server_that_nobody_runs_is_temporary(self, django_db_blocker: DjangoDbBlocker) -> None:
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            url = f"mysql://u:secret@127.0.0.1:{unused.getsockname()[1]}/ledger"
            with ledger_at(url, django_db_blocker) as ledger, pytest.raises(TemporaryFailure) as raised:
                ledger.commit(NEW)

        assert (raised.value.code, raised.value.mend) == ("2003", "")
        assert "secret" not in str(raised.value)

    @pytest.mark.server
    @pytest.mark.parametrize(
        ("old", "new", "mend"),
        [
            ("docproc:docproc@", "docproc:wrong@", "check user, password and grants"),
            ("/docproc_test_", "/docproc_none_", "the database does not exist"),
        ],
    )
    def test_of_the_address_names_its_mend(
        self, mariadb_url: str, django_db_blocker: DjangoDbBlocker, old: str, new: str, mend: str
    ) -> None:
        assert old in mariadb_url
        url = mariadb_url.replace(old, new)
        with ledger_at(url, django_db_blocker) as ledger, pytest.raises(TemporaryFailure, match=mend):
            ledger.ready()

    @pytest.mark.server
    def test_of_a_connection_that_the_server_closed_is_cured_by_a_new_one(self, mariadb: RealLedger) -> None:
        mariadb.commit(NEW)
        other = connections.create_connection(LEDGER)
        with other.cursor() as cursor:
            cursor.execute("KILL CONNECTION %s", [select("SELECT CONNECTION_ID()")[0][0]])
        other.close()

        assert mariadb.document("in/a.txt", "v1") == document()

    def test_of_a_lock_that_is_not_given_is_temporary(self, ledger: RealLedger) -> None:
        ledger.commit(NEW)
        second = Change(document=None, revision=revision(rev=2), seen=Seen(invoice=revision()))
        _lose_patience()
        with _transaction() as execute:
            execute("UPDATE revision SET status = 'held'")

            with pytest.raises(TemporaryFailure) as raised:
                ledger.commit(second)

        assert raised.value.code in {"database is locked", "1205"}
        assert ledger.history("ACME", "INV-1") == (revision(),)
        assert ledger.commit(second) is None

    @pytest.mark.server
    def test_of_a_deadlock_is_cured_by_another_try(self, mariadb: RealLedger) -> None:
        mariadb.commit(NEW)
        second = Change(
            document=document(version_id="v2", rev=2), revision=revision(rev=2), seen=Seen(invoice=revision())
        )
        before = _deadlocks()
        with _transaction() as execute:
            # The one with more to undo survives a deadlock; and the ledger shall not be that.
            for number in range(20):
                execute("INSERT INTO checkpoint VALUES (%s, '')", f"c{number}")
            execute("SELECT * FROM revision WHERE rev = 1 FOR UPDATE")
            answers: list[Seen | None] = []

            def commit() -> None:
                answers.append(mariadb.commit(second))
                connections.close_all()

            thread = Thread(target=commit)
            thread.start()
            # It has written its document by now, and waits for the revision that is held here.
            _wait_for_a_lock_wait()
            execute("SELECT rev FROM document FOR UPDATE")
        thread.join(20)

        assert answers == [None]
        assert _deadlocks() > before
        assert mariadb.history("ACME", "INV-1") == (revision(rev=2), revision())
        assert mariadb.document("in/a.txt", "v2") == second.document


@contextmanager
def _transaction() -> Iterator[Callable[..., None]]:
    """Yield an `execute` of another connection, within a transaction that is rolled back."""
    other = connections.create_connection(LEDGER)
    other.set_autocommit(False)

    def execute(statement: str, *parameters: Any) -> None:
        with other.cursor() as cursor:
            cursor.execute(statement, parameters)

    try:
        yield execute
    finally:
        other.rollback()
        other.close()


def _lose_patience() -> None:
    """Have SQLite wait for a lock only so long; a server waits two seconds by its settings."""
    if connections[LEDGER].vendor == "sqlite":
        connections[LEDGER].close()
        del connections[LEDGER]
        connections.settings[LEDGER]["OPTIONS"]["timeout"] = 0.2


def _deadlocks() -> int:
    return int(select("SHOW GLOBAL STATUS LIKE 'Innodb_deadlocks'")[0][1])


def _wait_for_a_lock_wait() -> None:
    """Return when a transaction on this very database waits for a lock, which it does for two seconds."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if int(select(_LOCK_WAITS)[0][0]):
            return
        # The view is not made anew for whoever has looked within the last 0.1 s.
        time.sleep(0.15)
    pytest.fail("nobody waits for a lock")


_LOCK_WAITS = """
    SELECT count(*) FROM information_schema.innodb_trx
    JOIN information_schema.processlist ON id = trx_mysql_thread_id
    WHERE trx_state = 'LOCK WAIT' AND db = database()
"""
