"""Documents and revisions as DynamoDB items, and back; what is empty has no attribute.

    document table         key (source_key, version_id)
      outcome, customer_id, invoice_id, rev, etag, size_bytes, sha256, sequencer,
      last_modified_at, message_id, attempts, reason {code, message, line, column},
      acts [{kind, who, why, at}], data, encoding
      recorded             recorded_at and eight hex digits that tell apart what shares it
      hour_shard           recorded_at's hour and a shard      index recent    (…, recorded)
      unstored_shard       open, closed or superseded, and a   index unstored  (…, recorded)
                           shard; a stored document has none
    invoice table          key (customer_id, invoice_id)
      rev, status, stored_at, csv_key, row, data, encoding, sha256, source_key, version_id,
      sequencer, last_modified_at, act
      hour_shard           stored_at's hour and a shard        index stored    (…, stored_at)
    leases and checkpoints are items of the document table: `lease:<name>`, `checkpoint:<name>`

The sort key of a replaced revision is `<invoice_id>#r000001`. An invoice may itself be called
so; such an id gets one more `#` at its end as long as it is current, and nothing collides.
Indexes carry neither texts nor rows. Times are ISO 8601 in UTC with six digits, so that they
sort as text.
"""

import re
from datetime import datetime
from typing import cast
from zlib import crc32

from api.records import Document, DocumentOutcome, Revision
from api.stores.dynamodb_values import (
    Item,
    act_of,
    act_value,
    bytes_of,
    data_of,
    put_data,
    reason_of,
    reason_value,
    row_value,
    time_of,
    time_text,
)

# A partition key of an index takes 1,000 writes a second, an instance records some hundreds.
SHARDS = 4
_REPLACED = re.compile(r"(?s)(.*)#r([0-9]{6,})\Z")
_LOOKS_REPLACED = re.compile(r"#r[0-9]{6,}#*\Z")
_NO_TEXT = {"S": ""}
_ZERO = {"N": "0"}


def current_key(customer_id: str, invoice_id: str) -> Item:
    """Return the key of an invoice's current revision."""
    mark = "#" if _LOOKS_REPLACED.search(invoice_id) else ""
    return {"customer_id": {"S": customer_id}, "invoice_id": {"S": invoice_id + mark}}


def replaced_key(customer_id: str, invoice_id: str, rev: int) -> Item:
    """Return the key of a revision that another has replaced."""
    return {"customer_id": {"S": customer_id}, "invoice_id": {"S": f"{invoice_id}#r{rev:06d}"}}


def is_replaced(item: Item) -> bool:
    """Tell whether the item is a replaced revision."""
    return _REPLACED.match(item["invoice_id"]["S"]) is not None


def invoice_id_of(item: Item) -> str:
    """Return the invoice id within a sort key."""
    key: str = item["invoice_id"]["S"]
    if replaced := _REPLACED.match(key):
        return replaced[1]
    return key[:-1] if _LOOKS_REPLACED.search(key) else key


def document_key(source_key: str, version_id: str) -> Item:
    """Return the key of a document."""
    return {"source_key": {"S": source_key}, "version_id": {"S": version_id}}


def document_item(document: Document) -> Item:
    """Return the item of a document."""
    tie = crc32(f"{document.source_key}\0{document.version_id}".encode())
    at = time_text(document.recorded_at)
    item: Item = {
        "source_key": {"S": document.source_key},
        "version_id": {"S": document.version_id},
        "outcome": {"S": document.outcome},
        "recorded": {"S": f"{at}#{tie:08x}"},
        "hour_shard": {"S": f"{at[:13]}#{tie % SHARDS}"},
        "attempts": {"N": str(document.attempts)},
    }
    if document.outcome != "stored":
        group = "open" if document.is_open else "closed" if document.outcome == "rejected" else "superseded"
        item["unstored_shard"] = {"S": f"{group}#{tie % SHARDS}"}
    _put_texts(item, document, ("customer_id", "invoice_id", "etag", "sha256", "sequencer", "message_id"))
    if document.rev:
        item["rev"] = {"N": str(document.rev)}
    if document.size_bytes:
        item["size_bytes"] = {"N": str(document.size_bytes)}
    if document.last_modified_at:
        item["last_modified_at"] = {"S": time_text(document.last_modified_at)}
    if document.reason:
        item["reason"] = reason_value(document.reason)
    if document.acts:
        item["acts"] = {"L": [act_value(act) for act in document.acts]}
    if document.data is not None:
        put_data(item, document.data)
    return item


def document_of(item: Item) -> Document:
    """Return the document of an item, whole or as an index has it."""
    shard = item.get("unstored_shard", _NO_TEXT)["S"]
    return Document(
        source_key=item["source_key"]["S"],
        version_id=item["version_id"]["S"],
        outcome=cast("DocumentOutcome", item["outcome"]["S"]),
        recorded_at=datetime.fromisoformat(item["recorded"]["S"].partition("#")[0]),
        reason=reason_of(item),
        customer_id=item.get("customer_id", _NO_TEXT)["S"],
        invoice_id=item.get("invoice_id", _NO_TEXT)["S"],
        rev=int(item.get("rev", _ZERO)["N"]),
        etag=item.get("etag", _NO_TEXT)["S"],
        size_bytes=int(item.get("size_bytes", _ZERO)["N"]),
        sha256=item.get("sha256", _NO_TEXT)["S"],
        sequencer=item.get("sequencer", _NO_TEXT)["S"],
        last_modified_at=time_of(item, "last_modified_at"),
        message_id=item.get("message_id", _NO_TEXT)["S"],
        attempts=int(item["attempts"]["N"]),
        data=data_of(item),
        is_open=shard.startswith("open"),
        acts=tuple(act_of(value["M"]) for value in item.get("acts", {"L": ()})["L"]),
    )


def revision_item(revision: Revision, *, is_current: bool = True) -> Item:
    """Return the item of a revision, under its own key once it is replaced."""
    ids = (revision.customer_id, revision.invoice_id)
    at = time_text(revision.stored_at)
    item: Item = current_key(*ids) if is_current else replaced_key(*ids, revision.rev)
    item["rev"] = {"N": str(revision.rev)}
    item["status"] = {"S": revision.status}
    item["stored_at"] = {"S": at}
    item["hour_shard"] = {"S": f"{at[:13]}#{crc32(chr(0).join(ids).encode()) % SHARDS}"}
    _put_texts(item, revision, ("csv_key", "sha256", "source_key", "version_id", "sequencer"))
    if revision.row:
        item["row"] = row_value(revision.row)
    if revision.data is not None:
        put_data(item, revision.data)
    if revision.last_modified_at:
        item["last_modified_at"] = {"S": time_text(revision.last_modified_at)}
    if revision.act:
        item["act"] = act_value(revision.act)
    return item


def revision_of(item: Item) -> Revision:
    """Return the revision of an item."""
    return Revision(
        customer_id=item["customer_id"]["S"],
        invoice_id=invoice_id_of(item),
        rev=int(item["rev"]["N"]),
        status="active" if item["status"]["S"] == "active" else "withdrawn",
        stored_at=datetime.fromisoformat(item["stored_at"]["S"]),
        row=bytes_of(item.get("row", _NO_TEXT)),
        csv_key=item.get("csv_key", _NO_TEXT)["S"],
        data=data_of(item),
        sha256=item.get("sha256", _NO_TEXT)["S"],
        source_key=item.get("source_key", _NO_TEXT)["S"],
        version_id=item.get("version_id", _NO_TEXT)["S"],
        sequencer=item.get("sequencer", _NO_TEXT)["S"],
        last_modified_at=time_of(item, "last_modified_at"),
        act=act_of(item["act"]["M"]) if "act" in item else None,
    )


def _put_texts(item: Item, record: Document | Revision, names: tuple[str, ...]) -> None:
    for name in names:
        if value := getattr(record, name):
            item[name] = {"S": value}
