"""What the recovery commands keep in DynamoDB, and what retention and erasure take out of it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial

from api.records import Revision
from api.stores import dynamodb_listings as listings
from api.stores.dynamodb_items import current_key, document_key, invoice_id_of, replaced_key
from api.stores.dynamodb_tables import Tables
from api.stores.dynamodb_values import Item, time_text
from api.stores.hours import hours_between

# An hour costs eight queries even if it held nothing, and the first sweep of a ledger sees years of hours.
_HOURS_AT_ONCE = 8
_DROP_TEXT = "REMOVE #data, encoding"
_DATA = {"#data": "data"}


def acquire_lease(tables: Tables, name: str, holder: str, *, now: datetime, seconds: float) -> bool:
    """Take or renew the lease; False while another holds it and it has not expired."""
    return tables.put(
        tables.document_table,
        {
            **document_key(f"lease:{name}", "lease"),
            "holder": {"S": holder},
            "expires_at": {"S": time_text(now + timedelta(seconds=seconds))},
        },
        ConditionExpression="attribute_not_exists(source_key) OR holder = :holder OR expires_at <= :now",
        ExpressionAttributeValues={":holder": {"S": holder}, ":now": {"S": time_text(now)}},
    )


def release_lease(tables: Tables, name: str, holder: str) -> None:
    """Give the lease back; nothing happens when another has it by now."""
    tables.delete(
        tables.document_table,
        document_key(f"lease:{name}", "lease"),
        ConditionExpression="holder = :holder",
        ExpressionAttributeValues={":holder": {"S": holder}},
    )


def checkpoint(tables: Tables, name: str) -> str | None:
    """Return what was saved under the name, or None."""
    item = tables.get(tables.document_table, document_key(f"checkpoint:{name}", "checkpoint"))
    return item["reached"]["S"] if item else None


def save_checkpoint(tables: Tables, name: str, value: str) -> None:
    """Save the value under the name."""
    key = document_key(f"checkpoint:{name}", "checkpoint")
    tables.put(tables.document_table, {**key, "reached": {"S": value}})


def empty_revision(tables: Tables, revision: Revision) -> None:
    """Drop text, row and hash of a replaced revision."""
    tables.update(
        tables.invoice_table,
        replaced_key(revision.customer_id, revision.invoice_id, revision.rev),
        UpdateExpression=_DROP_TEXT + ", #row, sha256",
        ConditionExpression="attribute_exists(customer_id)",
        ExpressionAttributeNames=_DATA | {"#row": "row"},
    )


def expire_texts(tables: Tables, *, since: datetime, before: datetime) -> int:
    """Drop the texts of what was recorded or stored from `since` till `before`; return how many."""
    with ThreadPoolExecutor(_HOURS_AT_ONCE) as pool:
        return sum(pool.map(partial(_expire_hour, tables, since, before), hours_between(since, before)))


def nothing_before(tables: Tables) -> datetime | None:
    """Return a time before which nothing was recorded or stored, None if only a sweep could tell.

    Seen whole, a table has nothing that is older. When it was made would be no such time: a restored
    table is younger than what it holds, and so is one that was copied.
    """
    times: list[str] = []
    for table, attribute in ((tables.document_table, "recorded"), (tables.invoice_table, "stored_at")):
        items = tables.whole(table)
        if items is None:
            return None
        times += [item[attribute]["S"].partition("#")[0] for item in items if attribute in item]
    return datetime.fromisoformat(min(times)) if times else datetime.max.replace(tzinfo=UTC)


def _expire_hour(tables: Tables, since: datetime, before: datetime, hour: datetime) -> int:
    return sum(
        _expire_document(tables, item)
        for item in listings.documents_of_hour(tables, hour)
        if item["outcome"]["S"] != "stored" and _is_within(item["recorded"]["S"], since, before)
    ) + sum(
        _expire_revision(tables, item)
        for item in listings.revisions_of_hour(tables, hour)
        if _is_within(item["stored_at"]["S"], since, before)
    )


def _is_within(at: str, since: datetime, before: datetime) -> bool:
    return time_text(since) <= at < time_text(before)


def _expire_document(tables: Tables, item: Item) -> bool:
    return tables.update(
        tables.document_table,
        document_key(item["source_key"]["S"], item["version_id"]["S"]),
        UpdateExpression=_DROP_TEXT,
        ConditionExpression="attribute_exists(#data)",
        ExpressionAttributeNames=_DATA,
    )


def _expire_revision(tables: Tables, item: Item) -> bool:
    ids = item["customer_id"]["S"], invoice_id_of(item)
    rev = int(item["rev"]["N"])
    # Replaced since the index was read, it has moved to its other key.
    return any(
        tables.update(
            tables.invoice_table,
            key,
            UpdateExpression=_DROP_TEXT,
            ConditionExpression="rev = :rev AND attribute_exists(#data)",
            ExpressionAttributeNames=_DATA,
            ExpressionAttributeValues={":rev": {"N": str(rev)}},
        )
        for key in (current_key(*ids), replaced_key(*ids, rev))
    )
