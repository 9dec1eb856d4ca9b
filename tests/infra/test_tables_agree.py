"""The template's tables are those that the code makes."""

import re
from typing import Any

import pytest

from api.stores.dynamodb_schema import table_definitions
from tests.support.template import CONFIGURATIONS, PATH, load, resolve

STACK = resolve(load(), CONFIGURATIONS["small"])
DDL = (
    (PATH.parent / "athena.sql")
    .read_text(encoding="utf-8")
    .replace("DESTINATION_BUCKET", "docproc-destination-123456789012-us-east-1")
)
RAW = re.search(r"CREATE EXTERNAL TABLE IF NOT EXISTS invoices_raw.*?;", DDL, re.DOTALL)


def _pairs(text: str) -> dict[str, str]:
    return dict(re.findall(r"'([^']+)' = '([^']*)'", text))


@pytest.mark.parametrize("name", ["DocumentTable", "InvoiceTable"])
def test_the_ledgers_tables_have_the_same_keys_and_indexes(name: str) -> None:
    table = STACK.properties(name)
    made = {d["TableName"]: d for d in table_definitions("docproc-document", "docproc-invoice")}

    expected: dict[str, Any] = made[table["TableName"]]

    for part in ("KeySchema", "AttributeDefinitions", "BillingMode"):
        assert table[part] == expected[part]
    assert _indexes(table) == _indexes(expected)


def _indexes(table: dict[str, Any]) -> dict[str, Any]:
    return {
        index["IndexName"]: (
            index["KeySchema"],
            index["Projection"]["ProjectionType"],
            sorted(index["Projection"].get("NonKeyAttributes", ())),
        )
        for index in table["GlobalSecondaryIndexes"]
    }


def test_the_raw_table_has_the_columns_of_the_ddl_in_their_order() -> None:
    assert RAW is not None
    columns = re.findall(r"^    (\w+) (\w+),?$", RAW[0].split("PARTITIONED")[0], re.MULTILINE)

    table = STACK.properties("InvoicesRaw")["TableInput"]

    assert len(columns) == 22
    assert [(c["Name"], c["Type"]) for c in table["StorageDescriptor"]["Columns"]] == columns


def test_the_raw_table_has_the_properties_of_the_ddl() -> None:
    assert RAW is not None
    serde, rest = RAW[0].split("WITH SERDEPROPERTIES")[1].split("STORED AS", 1)
    properties = RAW[0].split("TBLPROPERTIES")[1]

    table = STACK.properties("InvoicesRaw")["TableInput"]

    expected_serde = {key: value.replace("\\u0001", "\x01") for key, value in _pairs(serde).items()}
    assert table["StorageDescriptor"]["SerdeInfo"]["Parameters"] == expected_serde
    assert {k: v for k, v in table["Parameters"].items() if k != "EXTERNAL"} == _pairs(properties)
    assert f"LOCATION '{table['StorageDescriptor']['Location']}'" in rest


def test_the_role_reaches_where_the_compacted_table_lies() -> None:
    location = re.search(r"PARTITIONED BY \(month\(issue_date\)\)\nLOCATION 's3://([^']+)'", DDL)
    assert location is not None

    statements = STACK.properties("InstancePolicy")["PolicyDocument"]["Statement"]
    [keep] = [s for s in statements if s["Sid"] == "KeepTablesAndResults"]

    assert any(f"arn:aws:s3:::{location[1]}".startswith(r.removesuffix("*")) for r in keep["Resource"])
