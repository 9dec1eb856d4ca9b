"""The ledger's listings in DynamoDB: newest first through sharded indexes, and by the hour.

A token is the place in the order where the next page begins: what `recorded` holds of the last
document, or the beginning of the last hour that was looked at.
"""

import heapq
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Any

from api.records import Page, Revision
from api.stores.dynamodb_items import (
    SHARDS,
    current_key,
    document_of,
    invoice_id_of,
    replaced_key,
    revision_of,
)
from api.stores.dynamodb_tables import Tables
from api.stores.dynamodb_values import Item, time_text
from api.stores.hours import HOUR, LOOK_BACK, hour_of

# Each hour without documents costs a query a shard, so an idle weekend must not make a page slow:
# it looks at a day's hours at most, and at more of them at once the fewer documents they held.
_HOURS_AT_ONCE = (1, 2, 4, 8, 9)
_MAX_PAGE_ITEMS = 1_000
_BATCH_ITEMS = 100
_AFTER_ALL = "9999"
_TOKEN = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z)(?:#[0-9a-f]{8})?\Z", re.ASCII)


def rejections(tables: Tables, *, open_only: bool, limit: int, token: str | None) -> Page:
    """Return a page of rejections, newest first."""
    before = token if token and _time_of(token) else _AFTER_ALL
    groups = ("open",) if open_only else ("open", "closed")
    return _page(list(islice(_newest(tables, "unstored", groups, before, limit + 1), limit + 1)), limit)


def open_rejection_count(tables: Tables, limit: int) -> int:
    """Return how many rejections are open, `limit` if there are more."""
    total = 0
    for shard in range(SHARDS):
        if total < limit:
            query = _shard_query("unstored", f"open#{shard}", _AFTER_ALL)
            total += tables.count(tables.document_table, **query, Limit=limit - total)
    return total


def recent_documents(tables: Tables, *, now: datetime, limit: int, token: str | None) -> Page:
    """Return a page of the last days' documents, newest first.

    It looks at a day's hours at most, so a page may be short, even empty, and yet have a token.
    """
    start = (_time_of(token) if token else None) or now
    before = token if token and start is not now else _AFTER_ALL
    hour, items = hour_of(min(start, now)), list[Item]()
    with ThreadPoolExecutor(max(_HOURS_AT_ONCE)) as pool:
        for number in _HOURS_AT_ONCE:
            need = limit + 1 - len(items)
            hours = [hour - n * HOUR for n in range(number) if hour - n * HOUR >= hour_of(now) - LOOK_BACK]
            if need <= 0 or not hours:
                return _page(items, limit)
            for found in pool.map(partial(_last_of_hour, tables, before, need), hours):
                items += found
            hour -= number * HOUR
    page = _page(items, limit)
    return Page(documents=page.documents, next_token=page.next_token or time_text(hour + HOUR))


def _last_of_hour(tables: Tables, before: str, need: int, hour: datetime) -> list[Item]:
    return list(islice(_newest(tables, "recent", (time_text(hour)[:13],), before, need), need))


def unstored_documents(tables: Tables, customer_id: str, invoice_id: str | None) -> Iterator[Item]:
    """Yield the keys and facts of rejected and superseded documents that name the invoice.

    DynamoDB reads all such documents for it: they are few and erasures are rare, so an index of
    names would cost every document more than it ever saves.
    """
    names = "customer_id = :customer" + ("" if invoice_id is None else " AND invoice_id = :invoice")
    values = {":customer": {"S": customer_id}}
    if invoice_id is not None:
        values[":invoice"] = {"S": invoice_id}
    for group in ("open", "closed", "superseded"):
        for shard in range(SHARDS):
            query = _shard_query("unstored", f"{group}#{shard}", _AFTER_ALL)
            query["ExpressionAttributeValues"] |= values
            yield from tables.query(tables.document_table, **query, FilterExpression=names)


def documents_of_hour(tables: Tables, hour: datetime) -> Iterator[Item]:
    """Yield the keys and facts of the documents recorded in the hour."""
    return _newest(tables, "recent", (time_text(hour)[:13],), _AFTER_ALL, _MAX_PAGE_ITEMS)


def revisions_of_hour(tables: Tables, hour: datetime) -> Iterator[Item]:
    """Yield key and rev of the revisions stored in the hour, current and replaced."""
    for shard in range(SHARDS):
        yield from tables.query(
            tables.invoice_table,
            IndexName="stored",
            KeyConditionExpression="hour_shard = :shard",
            ExpressionAttributeValues={":shard": {"S": f"{time_text(hour)[:13]}#{shard}"}},
        )


def newest_stored_at(tables: Tables, hour: datetime) -> datetime | None:
    """Return when the hour's newest revision was stored; one query a shard, of one item each."""
    newest = [
        item["stored_at"]["S"]
        for shard in range(SHARDS)
        for item in islice(
            tables.query(
                tables.invoice_table,
                IndexName="stored",
                KeyConditionExpression="hour_shard = :shard",
                ExpressionAttributeValues={":shard": {"S": f"{time_text(hour)[:13]}#{shard}"}},
                ScanIndexForward=False,
                Limit=1,
            ),
            1,
        )
    ]
    return datetime.fromisoformat(max(newest)) if newest else None


def revisions_stored(tables: Tables, hour: datetime) -> Iterator[Revision]:
    """Yield the whole revisions stored in the hour, current and replaced."""
    listed = revisions_of_hour(tables, hour)
    while batch := list(islice(listed, _BATCH_ITEMS)):
        wanted = {_id(item) for item in batch}
        # An index may for a moment show a revision under both of its keys.
        keys = {item["customer_id"]["S"] + "\0" + item["invoice_id"]["S"]: _key(item) for item in batch}
        for item in tables.batch_get(tables.invoice_table, list(keys.values())):
            if _id(item) in wanted:
                wanted.discard(_id(item))
                yield revision_of(item)
        # What was replaced since the index was read has moved to its other key.
        moved = [replaced_key(*each) for each in wanted]
        yield from map(revision_of, tables.batch_get(tables.invoice_table, moved))


def history(tables: Tables, customer_id: str, invoice_id: str) -> tuple[Revision, ...]:
    """Return an invoice's revisions, newest first."""
    # The current one first: what replaces it meanwhile has put it among the replaced ones.
    current = tables.get(tables.invoice_table, current_key(customer_id, invoice_id))
    replaced = tables.query(
        tables.invoice_table,
        KeyConditionExpression="customer_id = :customer AND begins_with(invoice_id, :prefix)",
        ExpressionAttributeValues={":customer": {"S": customer_id}, ":prefix": {"S": f"{invoice_id}#r"}},
    )
    items = [current] if current else []
    items += [item for item in replaced if invoice_id_of(item) == invoice_id]  # A#r000001 may be one, too
    found = {int(item["rev"]["N"]): item for item in items}
    return tuple(revision_of(found[rev]) for rev in sorted(found, reverse=True))


def _newest(
    tables: Tables, index: str, groups: Sequence[str], before: str, page_items: int
) -> Iterator[Item]:
    """Merge the shards of the groups; each is read only as far as somebody asks."""
    shards = [
        tables.query(
            tables.document_table,
            **_shard_query(index, f"{group}#{shard}", before),
            ScanIndexForward=False,
            Limit=min(page_items, _MAX_PAGE_ITEMS),
        )
        for group in groups
        for shard in range(SHARDS)
    ]
    return heapq.merge(*shards, key=_recorded, reverse=True)


def _shard_query(index: str, shard: str, before: str) -> dict[str, Any]:
    key = {"recent": "hour_shard", "unstored": "unstored_shard"}[index]
    return {
        "IndexName": index,
        "KeyConditionExpression": f"{key} = :shard AND recorded < :before",
        "ExpressionAttributeValues": {":shard": {"S": shard}, ":before": {"S": before}},
    }


def _page(items: list[Item], limit: int) -> Page:
    """Return a page of `limit` items; one more says that there is a next page."""
    shown = items[:limit]
    token = _recorded(shown[-1]) if shown and len(items) > limit else None
    return Page(documents=tuple(map(document_of, shown)), next_token=token)


def _recorded(item: Item) -> str:
    text: str = item["recorded"]["S"]
    return text


def _time_of(token: str) -> datetime | None:
    """Return a token's time, None when it is no token: it comes from a browser."""
    match = _TOKEN.match(token)
    try:
        return datetime.fromisoformat(match[1]) if match else None
    except ValueError:
        return None


def _id(item: Item) -> tuple[str, str, int]:
    return item["customer_id"]["S"], invoice_id_of(item), int(item["rev"]["N"])


def _key(item: Item) -> Item:
    return {"customer_id": item["customer_id"], "invoice_id": item["invoice_id"]}
