"""Engine: DuckDB in this process, for local mode and the tests.

The SQL is Athena's, translated by sqlglot. DuckDB loads no extension and touches no file or
network by a query's doing: the rows are handed over as Arrow tables.
"""

from collections.abc import Iterator

import duckdb
import sqlglot

from api.reports.raw import RawObjects
from api.reports.report import ReportFailed, Result, Row
from api.reports.tables import EXPENSES_VIEW, FIRST_HOUR, TYPES, tail_view

FETCH_ROWS = 1_000


class DuckEngine:
    """Runs each query on a connection of its own over what the bucket holds at that moment."""

    def __init__(self, raw: RawObjects) -> None:
        self._raw = raw

    def run(self, sql: str) -> Result:
        """Return the result. Raises ReportFailed."""
        raw = self._raw.since(FIRST_HOUR)
        connection = duckdb.connect(config={"enable_external_access": "false"})
        try:
            connection.register("invoices_raw", raw)
            for statement in (_EMPTY_INVOICES, tail_view(FIRST_HOUR), EXPENSES_VIEW, sql):
                connection.execute(translate(statement))
        except duckdb.Error as error:
            connection.close()
            raise ReportFailed(f"DuckDB could not answer: {error}", type(error).__name__) from error
        columns = tuple(column[0] for column in connection.description or ())
        return Result(columns=columns, rows=_rows(connection))


_EMPTY_INVOICES = f"CREATE TABLE invoices ({', '.join(f'{name} {kind}' for name, kind in TYPES.items())})"


def translate(sql: str) -> str:
    """Return Athena's SQL in DuckDB's dialect."""
    return str(sqlglot.transpile(sql, read="athena", write="duckdb")[0])


def _rows(connection: duckdb.DuckDBPyConnection) -> Iterator[Row]:
    with connection:
        while rows := connection.fetchmany(FETCH_ROWS):
            yield from rows
