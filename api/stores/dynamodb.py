"""The ledger in DynamoDB, the default: one TransactWriteItems decides.

The layout of the items is in dynamodb_items.py, the tables' schema in dynamodb_schema.py.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from api.records import Act, Change, Document, Erased, Page, Revision, Seen
from api.stores import dynamodb_listings as listings
from api.stores import dynamodb_upkeep as upkeep
from api.stores.dynamodb_items import (
    current_key,
    document_item,
    document_key,
    document_of,
    is_replaced,
    replaced_key,
    revision_item,
    revision_of,
)
from api.stores.dynamodb_schema import DOCUMENT_FACTS
from api.stores.dynamodb_tables import Tables
from api.stores.dynamodb_values import Item
from api.stores.erasure import erase

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_FACT_NAMES = {
    f"#{number}": name
    for number, name in enumerate(("source_key", "version_id", "recorded", "unstored_shard", *DOCUMENT_FACTS))
}
_FACTS: dict[str, Any] = {
    "ProjectionExpression": ", ".join(_FACT_NAMES),
    "ExpressionAttributeNames": _FACT_NAMES,
}
_IS_NEW_DOCUMENT: Item = {"ConditionExpression": "attribute_not_exists(source_key)"}
_IS_NEW_INVOICE = {"ConditionExpression": "attribute_not_exists(customer_id)"}
_ALL_OLD = {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}


class DynamoLedger:
    """Keeps documents and revisions in two tables. Every method raises TemporaryFailure."""

    def __init__(
        self,
        *,
        client: "DynamoDBClient",
        document_table: str,
        invoice_table: str,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._tables = Tables(
            client=client, document_table=document_table, invoice_table=invoice_table, sleep=sleep
        )

    def commit(self, change: Change) -> Seen | None:
        """Write all of the change or none; None when it is durable, else what the ledger says now.

        Of what did not fail the answer is what was seen: nobody needs another read for it.
        """
        operations = self._operations(change)
        failed = self._tables.transact(operations) if operations else None
        if failed is None:
            return None
        document, invoice = change.seen.document, change.seen.invoice
        if change.document is not None and (item := failed.pop(0)) is not None:
            document = document_of(item) if item else None
        if failed and failed[0] is not None:
            invoice = revision_of(failed[0]) if failed[0] else None
        return Seen(document=document, invoice=invoice)

    def document(self, source_key: str, version_id: str) -> Document | None:
        """Return the document's record with its text, or None when the ledger does not know it."""
        item = self._tables.get(self._tables.document_table, document_key(source_key, version_id))
        return document_of(item) if item else None

    def documents(self, ids: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Document]:
        """Return the known ones of these (source_key, version_id), without their texts."""
        keys = [document_key(*each) for each in dict.fromkeys(ids)]
        found = map(document_of, self._tables.batch_get(self._tables.document_table, keys, **_FACTS))
        return {(document.source_key, document.version_id): document for document in found}

    def revision(self, customer_id: str, invoice_id: str, rev: int | None = None) -> Revision | None:
        """Return that revision, the current one without `rev`, or None."""
        # The current one first: if it is replaced meanwhile, the older key has it already.
        item = self._tables.get(self._tables.invoice_table, current_key(customer_id, invoice_id))
        if item and rev is not None and int(item["rev"]["N"]) != rev:
            key = replaced_key(customer_id, invoice_id, rev)
            item = self._tables.get(self._tables.invoice_table, key)
        return revision_of(item) if item else None

    def history(self, customer_id: str, invoice_id: str) -> tuple[Revision, ...]:
        """Return every revision of the invoice, newest first."""
        return listings.history(self._tables, customer_id, invoice_id)

    def current_revisions(self, *, customer_id: str | None = None) -> Iterator[Revision]:
        """Yield the current revision of every invoice, or of the customer's."""
        if customer_id is None:
            items = self._tables.scan(self._tables.invoice_table)
        else:
            items = self._tables.query(
                self._tables.invoice_table,
                KeyConditionExpression="customer_id = :customer",
                ExpressionAttributeValues={":customer": {"S": customer_id}},
            )
        return (revision_of(item) for item in items if not is_replaced(item))

    def revisions_stored(self, hour: datetime) -> Iterator[Revision]:
        """Yield every revision, current or replaced, that was stored in the hour."""
        return listings.revisions_stored(self._tables, hour)

    def newest_stored_at(self, hour: datetime) -> datetime | None:
        """Return when the newest revision of the hour was stored, None when it has none."""
        return listings.newest_stored_at(self._tables, hour)

    def rejections(self, *, open_only: bool = True, limit: int, token: str | None) -> Page:
        """Return a page of rejections, newest first, without their texts."""
        return listings.rejections(self._tables, open_only=open_only, limit=limit, token=token)

    def open_rejection_count(self, limit: int) -> int:
        """Return how many rejections are open, `limit` if there are more."""
        return listings.open_rejection_count(self._tables, limit)

    def recent_documents(self, *, now: datetime, limit: int, token: str | None) -> Page:
        """Return a page of the last seven days' documents, newest first, without their texts."""
        return listings.recent_documents(self._tables, now=now, limit=limit, token=token)

    def acquire_lease(self, name: str, holder: str, *, now: datetime, seconds: float) -> bool:
        """Take or renew the lease for so long; False while another holds it and it has not expired."""
        return upkeep.acquire_lease(self._tables, name, holder, now=now, seconds=seconds)

    def release_lease(self, name: str, holder: str) -> None:
        """Give the lease back; nothing happens when another has it by now."""
        upkeep.release_lease(self._tables, name, holder)

    def checkpoint(self, name: str) -> str | None:
        """Return what was saved under the name, or None."""
        return upkeep.checkpoint(self._tables, name)

    def save_checkpoint(self, name: str, value: str) -> None:
        """Save the value under the name."""
        upkeep.save_checkpoint(self._tables, name, value)

    def erase(self, customer_id: str, invoice_id: str | None, act: Act) -> Iterator[Erased]:
        """Erase the invoice, or all of the customer's, while iterated; see erasure.py.

        Yields everything again when repeated. What arrives meanwhile may stay: repeat it then.
        """
        return erase(self, customer_id, invoice_id, act)

    def invoice_ids(self, customer_id: str) -> Iterator[str]:
        """Yield the ids of the customer's invoices."""
        return (revision.invoice_id for revision in self.current_revisions(customer_id=customer_id))

    def unstored(self, customer_id: str, invoice_id: str | None) -> Iterator[Document]:
        """Yield the documents without a row that name the invoice, or any of the customer's."""
        return map(document_of, listings.unstored_documents(self._tables, customer_id, invoice_id))

    def empty_revision(self, revision: Revision) -> None:
        """Drop text, row and hash of a replaced revision."""
        upkeep.empty_revision(self._tables, revision)

    def expire_texts(self, *, since: datetime, before: datetime) -> int:
        """Drop the texts of what was recorded or stored from `since` till `before`; return how many.

        Rows, reasons and outcomes stay. A sweep through the hourly indexes rather than DynamoDB's
        time to live, which deletes whole items: a document without its record would be new again.
        """
        return upkeep.expire_texts(self._tables, since=since, before=before)

    def nothing_before(self) -> datetime | None:
        """Return a time before which nothing was recorded or stored, None if only a sweep could tell."""
        return upkeep.nothing_before(self._tables)

    def ready(self) -> None:
        """Raise TemporaryFailure unless both tables can be read."""
        self._tables.get(self._tables.document_table, document_key("ready", "ready"))
        self._tables.get(self._tables.invoice_table, current_key("ready", "ready"))

    def _operations(self, change: Change) -> list[Any]:
        operations: list[Any] = []
        seen = change.seen
        if change.document is not None:
            operations.append(self._put_document(change.document, seen.document))
        if change.revision is not None:
            item = revision_item(change.revision)
            operations.append({"Put": self._on_invoice(seen.invoice) | {"Item": item}})
            if seen.invoice is not None:
                item = revision_item(seen.invoice, is_current=False)
                operations.append({"Put": {"TableName": self._tables.invoice_table, "Item": item}})
        elif seen.invoice is not None:
            key = current_key(seen.invoice.customer_id, seen.invoice.invoice_id)
            operations.append({"ConditionCheck": self._on_invoice(seen.invoice) | {"Key": key}})
        return operations

    def _put_document(self, document: Document, seen: Document | None) -> Item:
        table = self._tables.document_table
        condition = _IS_NEW_DOCUMENT if seen is None else _is_as_seen(seen, document)
        return {"Put": {"TableName": table, "Item": document_item(document), **condition, **_ALL_OLD}}

    def _on_invoice(self, seen: Revision | None) -> Item:
        table = {"TableName": self._tables.invoice_table, **_ALL_OLD}
        if seen is None:
            return table | _IS_NEW_INVOICE
        values = {":rev": {"N": str(seen.rev)}}
        if seen.data is None:
            return table | {"ConditionExpression": "rev = :rev", "ExpressionAttributeValues": values}
        # What was seen is written again under the key of the replaced; a text that retention
        # dropped meanwhile must not come back by it.
        return table | {
            "ConditionExpression": "rev = :rev AND attribute_exists(#data)",
            "ExpressionAttributeNames": {"#data": "data"},
            "ExpressionAttributeValues": values,
        }


def _is_as_seen(seen: Document, changed: Document) -> Item:
    """Return the condition that a change of a document has: no act came between, and no retention."""
    condition: Item = {"ConditionExpression": "attribute_exists(source_key) AND attribute_not_exists(acts)"}
    if seen.acts:
        condition = {
            "ConditionExpression": "size(acts) = :acts",
            "ExpressionAttributeValues": {":acts": {"N": str(len(seen.acts))}},
        }
    if changed.writes_back(seen):
        condition["ConditionExpression"] += " AND attribute_exists(#data)"
        condition["ExpressionAttributeNames"] = {"#data": "data"}
    return condition
