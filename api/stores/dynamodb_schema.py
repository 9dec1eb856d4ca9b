"""The two tables in DynamoDB as create_table makes them; infra/template.yaml says the same.

Paid for by the request: load comes in bursts, and on-demand tables take them without a plan.
"""

from typing import Any

# What the indexes and the batch reads show of a document: all but its text.
DOCUMENT_FACTS = (
    "outcome",
    "customer_id",
    "invoice_id",
    "rev",
    "etag",
    "size_bytes",
    "sha256",
    "sequencer",
    "last_modified_at",
    "message_id",
    "attempts",
    "reason",
    "acts",
)


def table_definitions(document_table: str, invoice_table: str) -> tuple[dict[str, Any], ...]:
    """Return the arguments of create_table for both tables."""
    return (
        _table(
            document_table,
            ("source_key", "version_id"),
            _index("recent", ("hour_shard", "recorded"), (*DOCUMENT_FACTS, "unstored_shard")),
            _index("unstored", ("unstored_shard", "recorded"), DOCUMENT_FACTS),
        ),
        _table(
            invoice_table,
            ("customer_id", "invoice_id"),
            _index("stored", ("hour_shard", "stored_at"), ("rev",)),
        ),
    )


def _table(name: str, key: tuple[str, str], *indexes: dict[str, Any]) -> dict[str, Any]:
    keys = {part["AttributeName"] for index in indexes for part in index["KeySchema"]} | set(key)
    return {
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": part, "AttributeType": "S"} for part in sorted(keys)],
        "KeySchema": _key_schema(key),
        "GlobalSecondaryIndexes": list(indexes),
    }


def _index(name: str, key: tuple[str, str], facts: tuple[str, ...]) -> dict[str, Any]:
    return {
        "IndexName": name,
        "KeySchema": _key_schema(key),
        "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": list(facts)},
    }


def _key_schema(key: tuple[str, str]) -> list[dict[str, str]]:
    return [
        {"AttributeName": name, "KeyType": kind} for name, kind in zip(key, ("HASH", "RANGE"), strict=True)
    ]
