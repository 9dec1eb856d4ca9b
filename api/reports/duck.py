"""Engine: DuckDB in this process, for local mode and the tests.

The tables and views are Athena's, statement for statement, translated by sqlglot: `invoices` and
the views lie in a file, `invoices_raw` is handed over as an Arrow table with the objects that the
file's tail begins with. DuckDB loads no extension, and once the file is attached no query can
touch a file or the network.

Only `expenses` has a form of its own. Athena's joins the tail by the ids, and to unpack ten million of
them takes as long as the rest of a sum. Here the file does not change between compactions, and its
rows have numbers: those of the invoices that the tail replaces are looked up once and left out.

Several processes read the file, and DuckDB lets none read while one writes. So nobody writes to
it: `compacting` works on a copy and puts that in its place by a rename. Every query opens the file
anew (a few milliseconds), and so sees `invoices` and the beginning of its tail at one moment.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from uuid import uuid4

import duckdb
import pyarrow as pa
import sqlglot

from api.ports import TemporaryFailure
from api.reports.literals import literal
from api.reports.raw import SCHEMA, RawObjects
from api.reports.report import ReportFailed, Result, Row
from api.reports.tables import (
    EXPENSES_VIEW,
    FIRST_HOUR,
    LINE_ITEMS_VIEW,
    TYPES,
    compaction_view,
    expenses_view,
    tail_view,
)

FETCH_ROWS = 1_000
_OTHER_PATH = "Set DOCPROC_DUCKDB_PATH to a file of docproc's own, or to a path where there is none."
_TABLES = (
    f"CREATE TABLE invoices ({', '.join(f'{name} {kind}' for name, kind in TYPES.items())})",
    tail_view(FIRST_HOUR),
    EXPENSES_VIEW,
    LINE_ITEMS_VIEW,
    compaction_view(None, FIRST_HOUR),
    "CREATE VIEW file AS SELECT '' AS id, '' AS newest",
)
# An invoice of which the tail has the first revision, stored after all that the file holds, is not in
# the file: no revision is stored before the one that it replaces. New invoices need no look.
CANDIDATES = """\
SELECT customer_id, invoice_id
FROM invoices_tail
WHERE rev > 1 OR stored_at <= (SELECT newest FROM file)
ORDER BY customer_id, invoice_id"""
REPLACED = """\
SELECT rowid AS number
FROM invoices
SEMI JOIN candidates USING (customer_id, invoice_id)"""
OWN_EXPENSES_VIEW = expenses_view("""\
FROM invoices AS i
WHERE i.status = 'active' AND i.rowid NOT IN (SELECT number FROM replaced)""")
# Temporary views of a connection go before the file's.
_OWN_VIEWS = tuple(
    view.replace("CREATE OR REPLACE", "CREATE OR REPLACE TEMP", 1)
    for view in (OWN_EXPENSES_VIEW, LINE_ITEMS_VIEW)
)


class DuckEngine:
    """Runs each query on a connection of its own over what the bucket holds at that moment."""

    def __init__(self, raw: RawObjects, path: Path) -> None:
        self._raw, self._path = raw, path
        self._replaced = Replaced()

    def run(self, sql: str) -> Result:
        """Return the result. Raises ReportFailed."""
        connection = duckdb.connect()
        try:
            open_tables(connection, self._path, read_only=True)
            _read_tail(connection, self._raw)
            with _failing():
                self._replaced.leave_out(connection)
            return _run(connection, sql)
        except BaseException:
            connection.close()
            raise


@dataclass(frozen=True, slots=True)
class _Found:
    file: str
    candidates: pa.Table
    numbers: pa.Table


class Replaced:
    """Which rows of the file the tail replaces, by their numbers. Safe to use from several threads."""

    def __init__(self) -> None:
        self._last: _Found | None = None

    def leave_out(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Make the connection's `expenses` one that leaves these rows out by their numbers."""
        ((file,),) = connection.execute("SELECT id FROM file").fetchall()
        candidates = connection.sql(CANDIDATES).to_arrow_table()
        found = self._last
        if not (found and found.file == file and found.candidates.equals(candidates)):
            connection.register("candidates", candidates)
            self._last = found = _Found(file, candidates, connection.sql(REPLACED).to_arrow_table())
        connection.register("replaced", found.numbers)
        for view in _OWN_VIEWS:
            connection.execute(translate(view))


class DuckTables:
    """The tables while they are compacted."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def run(self, sql: str) -> Result:
        """Return the result. Raises ReportFailed."""
        result = _run(self._connection, sql)
        return Result(columns=result.columns, rows=iter(list(result.rows)))

    def settle(self) -> None:
        """Do nothing: a run that died left only a copy behind."""

    def optimize(self) -> None:
        """Do nothing: the file has no old snapshots and no small parts."""


@contextmanager
def compacting(raw: RawObjects, path: Path) -> Iterator[DuckTables]:
    """Give the tables to write to, and make them the ones to read when the block ends well."""
    _make_folder(path)
    if path.exists() and not _is_duckdb(path):
        raise ReportFailed(f"{path} is no DuckDB file. {_OTHER_PATH}")
    new = path.with_name(path.name + ".new")
    for leftover in (new, new.with_name(new.name + ".wal")):
        leftover.unlink(missing_ok=True)
    if path.exists():
        shutil.copyfile(path, new)
    with duckdb.connect() as connection:
        open_tables(connection, new, read_only=False)
        _read_tail(connection, raw)
        yield DuckTables(connection)
        describe(connection)
    new.replace(path)


def open_tables(connection: duckdb.DuckDBPyConnection, path: Path, *, read_only: bool) -> None:
    """Give the connection the file's tables and views, or empty ones; then lock it in."""
    is_new = not path.exists()
    try:
        if not (is_new and read_only):
            mode = "READ_ONLY" if read_only else "READ_WRITE"
            connection.execute(f"ATTACH {literal(str(path))} AS lake ({mode})")
            connection.execute("USE lake")
        if not is_new:  # a compaction makes the view `file` anew
            connection.execute("FROM file" if read_only else "FROM compaction")
    except duckdb.Error as error:
        named = path if read_only else path.with_suffix("")  # the copy's is not what people know
        raise ReportFailed(
            f"{named} cannot be read ({_first_line(error)}). {_advice(path)}", type(error).__name__
        ) from error
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    connection.register("invoices_raw", SCHEMA.empty_table())
    if is_new:
        for statement in _TABLES:
            connection.execute(translate(statement))


def _make_folder(path: Path) -> None:
    """Make the demo's folder; any other that is not there is more likely a misspelt one."""
    if path.parent.name == ".demo":
        path.parent.mkdir(exist_ok=True)
    if not path.parent.is_dir():
        raise ReportFailed(
            f"{path.parent} is no folder: make it, or set DOCPROC_DUCKDB_PATH to another path."
        )


def _is_duckdb(path: Path) -> bool:
    """Return whether it is a file that begins as DuckDB's do: https://duckdb.org/docs/stable/internals/storage."""
    try:
        with path.open("rb") as file:
            return file.read(12)[8:] == b"DUCK"
    except OSError:
        return False


def _first_line(error: duckdb.Error) -> str:
    return str(error).partition("\n")[0]


def _advice(path: Path) -> str:
    """Return what to do about a file that cannot be read; nobody shall delete what is not docproc's."""
    if not _is_duckdb(path):
        return _OTHER_PATH
    return (
        "If docproc made it, it holds nothing that the bucket does not: "
        f"delete it and run `manage.py compact`. If not: {_OTHER_PATH}"
    )


def describe(connection: duckdb.DuckDBPyConnection) -> None:
    """Give the file an id of its own, and note when the last revision in it was stored."""
    ((newest,),) = connection.execute("SELECT coalesce(max(stored_at), '') FROM invoices").fetchall()
    connection.execute(
        f"CREATE OR REPLACE VIEW file AS SELECT {literal(uuid4().hex)} AS id, {literal(newest)} AS newest"
    )


def _read_tail(connection: duckdb.DuckDBPyConnection, raw: RawObjects) -> None:
    ((tail_from, at),) = connection.execute("SELECT tail_from, compacted_at FROM compaction").fetchall()
    try:
        rows = raw.since(tail_from, at)
    except TemporaryFailure as error:
        raise ReportFailed(f"The CSV objects cannot be read now: {error}", error.code) from error
    connection.register("invoices_raw", rows)


def _run(connection: duckdb.DuckDBPyConnection, sql: str) -> Result:
    with _failing():
        connection.execute(translate(sql))
        columns = tuple(str(column[0]) for column in connection.description or ())
    return Result(columns=columns, rows=_rows(connection))


def _rows(connection: duckdb.DuckDBPyConnection) -> Iterator[Row]:
    with _failing():
        while rows := connection.fetchmany(FETCH_ROWS):
            yield from rows


@contextmanager
def _failing() -> Iterator[None]:
    try:
        yield
    except (duckdb.Error, sqlglot.errors.SqlglotError) as error:
        raise ReportFailed(f"DuckDB could not answer: {error}", type(error).__name__) from error


@lru_cache(maxsize=256)
def translate(sql: str) -> str:
    """Return Athena's SQL in DuckDB's dialect."""
    return str(sqlglot.transpile(sql, read="athena", write="duckdb")[0])
