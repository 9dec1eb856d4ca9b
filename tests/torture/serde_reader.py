"""Reads CSV objects as Athena does: by infra/athena.sql's own table and Hive's OpenCSVSerde.

Not a test: test_serde.py starts it with an interpreter that has pyspark, since the service's own
has not. Arguments: the table's DDL, the partition's name, where to write the rows as JSON.
"""

import json
import sys
import tempfile
from pathlib import Path

from pyspark.sql import SparkSession


def main(ddl: str, hour: str, out: str) -> None:
    """Create the table, add the one partition, write every row as an array of texts."""
    with tempfile.TemporaryDirectory() as scratch:
        spark = (
            SparkSession.builder.master("local[1]")
            .config("spark.ui.enabled", "false")
            .config("spark.ui.showConsoleProgress", "false")
            .config("spark.sql.warehouse.dir", scratch)
            .config("spark.driver.host", "127.0.0.1")
            .config("spark.driver.extraJavaOptions", f"-Dderby.system.home={scratch}")
            .enableHiveSupport()
            .getOrCreate()
        )
        spark.sql(ddl)
        spark.sql(f"ALTER TABLE invoices_raw ADD PARTITION (ingest = '{hour}')")
        rows = [list(row) for row in spark.sql("SELECT * FROM invoices_raw").collect()]
        spark.stop()
    Path(out).write_text(json.dumps(rows))


if __name__ == "__main__":
    main(Path(sys.argv[1]).read_text(), sys.argv[2], sys.argv[3])
