"""The statements that make the tables and views in Athena, in their order.

`python -m api.reports.schema` prints them for people as infra/athena.sql; `create` runs them.
Safe to repeat: no table is replaced and the tail keeps its beginning.
"""

import sys
from collections.abc import Iterator
from typing import Final

from api.reports.compaction import Tables, compacted
from api.reports.queries import REPORTS
from api.reports.report import ReportFailed
from api.reports.tables import (
    EXPENSES_VIEW,
    FIRST_HOUR,
    LINE_ITEMS_VIEW,
    TYPES,
    compaction_view,
    tail_view,
)
from invoice_parser import CSV_COLUMNS

_BUCKET: Final = "DESTINATION_BUCKET"
_NO_TABLE: Final = "TABLE_NOT_FOUND"
_HIVE_TYPES: Final = {"varchar": "string", "integer": "int"}
_HEAD: Final = f"""\
-- The tables and views of Athena. Put your destination bucket's name for {_BUCKET}.
-- Written by `python -m api.reports.schema`; docs/athena.md says how they work.
-- `manage.py create_tables` runs the same statements; run `manage.py compact` next."""


def _listed(lines: Iterator[str]) -> str:
    return ",\n    ".join(lines)


def raw_table(bucket: str) -> str:
    """Return the statement for `invoices_raw`.

    The escape character is one that no row holds: Hive's default, the backslash, would eat those
    of the data. The partitions are computed and not stored, so nobody has to add one an hour.
    """
    return f"""\
CREATE EXTERNAL TABLE IF NOT EXISTS invoices_raw (
    {_listed(f"{column} string" for column in CSV_COLUMNS)}
)
PARTITIONED BY (ingest string)
ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.OpenCSVSerde'
WITH SERDEPROPERTIES ('separatorChar' = ',', 'quoteChar' = '"', 'escapeChar' = '\\u0001')
STORED AS TEXTFILE
LOCATION 's3://{bucket}/csv/v1/'
TBLPROPERTIES (
    'projection.enabled' = 'true',
    'projection.ingest.type' = 'date',
    'projection.ingest.format' = 'yyyy-MM-dd-HH',
    'projection.ingest.range' = '{FIRST_HOUR},NOW+1HOURS',
    'projection.ingest.interval' = '1',
    'projection.ingest.interval.unit' = 'HOURS',
    'storage.location.template' = 's3://{bucket}/csv/v1/ingest=${{ingest}}/'
)"""


def compacted_table(bucket: str) -> str:
    """Return the statement for `invoices`."""
    return f"""\
CREATE TABLE IF NOT EXISTS invoices (
    {_listed(f"{column} {_HIVE_TYPES.get(kind, kind)}" for column, kind in TYPES.items())}
)
PARTITIONED BY (month(issue_date))
LOCATION 's3://{bucket}/iceberg/invoices/'
TBLPROPERTIES (
    'table_type' = 'ICEBERG',
    'format' = 'parquet',
    'write_compression' = 'zstd',
    'vacuum_max_snapshot_age_seconds' = '86400',
    'vacuum_max_metadata_files_to_keep' = '20'
)"""


def create(tables: Tables, bucket: str) -> None:
    """Make what is missing of the tables, and the views anew. Raises ReportFailed."""
    tables.run(raw_table(bucket))
    tables.run(compacted_table(bucket))
    try:
        compacted_at, tail_from = compacted(tables)
    except ReportFailed as error:
        # Anything else, a throttled query say, would send the tail back to its first hour.
        if error.code != _NO_TABLE:
            raise
        compacted_at, tail_from = None, FIRST_HOUR
    for view in (
        tail_view(tail_from),
        EXPENSES_VIEW,
        LINE_ITEMS_VIEW,
        compaction_view(compacted_at, tail_from),
    ):
        tables.run(view)


def script() -> str:
    """Return infra/athena.sql: all statements, then every report as a query to keep."""
    statements = (
        raw_table(_BUCKET),
        compacted_table(_BUCKET),
        tail_view(FIRST_HOUR),
        EXPENSES_VIEW,
        LINE_ITEMS_VIEW,
        compaction_view(None, FIRST_HOUR),
    )
    queries = (f"-- {each.name}: {each.description}\n{each.render({})}" for each in REPORTS.values())
    return f"{_HEAD}\n\n" + "".join(f"{text};\n\n" for text in (*statements, *queries)).rstrip() + "\n"


if __name__ == "__main__":
    sys.stdout.write(script())
