"""The values within DynamoDB items: times, texts, reasons and acts.

Written by hand: boto3's TypeSerializer takes twice the time (11 against 5 microseconds a document),
knows nothing of encodings, and gives Binary and Decimal objects back.
"""

from datetime import UTC, datetime
from typing import Any, TypeAlias

from api.records import Act, Reason

Item: TypeAlias = dict[str, Any]

# Text of an old encoding grows as a String, which is UTF-8; past this it stays Binary, so that
# the limit the decision keeps on an item's size holds.
_MAX_GROWTH_BYTES = 4_096
_BYTE_ORDER_MARKS = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}


def time_text(at: datetime) -> str:
    """Return the time as the ledger writes it, 2026-01-27T10:11:12.000000Z."""
    if at.tzinfo is not UTC:
        if at.tzinfo is None:
            raise ValueError("a time without its zone is ambiguous")
        at = at.astimezone(UTC)
    return at.isoformat(timespec="microseconds")[:-6] + "Z"


def put_data(item: Item, data: bytes) -> None:
    """Keep the bytes as readable text with its encoding if that gives the same bytes back."""
    for encoding in (_BYTE_ORDER_MARKS.get(data[:2], "utf-8"), "cp1252"):
        text = _exact_text(data, encoding)
        if text is not None:
            item["data"] = {"S": text}
            if encoding != "utf-8":
                item["encoding"] = {"S": encoding}
            return
    item["data"] = {"B": data}


def data_of(item: Item) -> bytes | None:
    """Return the bytes that put_data kept, None when there are none."""
    if "data" not in item:
        return None
    return bytes_of(item["data"], item["encoding"]["S"] if "encoding" in item else "utf-8")


def bytes_of(value: Item, encoding: str = "utf-8") -> bytes:
    """Return the bytes of a String or a Binary."""
    text: str | None = value.get("S")
    return bytes(value["B"]) if text is None else text.encode(encoding)


def row_value(row: bytes) -> Item:
    """Return the value of a CSV row, which is UTF-8 unless somebody else wrote it."""
    try:
        return {"S": row.decode()}
    except UnicodeDecodeError:
        return {"B": row}


def time_of(item: Item, name: str) -> datetime | None:
    """Return a time, None when the item has none."""
    return datetime.fromisoformat(item[name]["S"]) if name in item else None


def act_value(act: Act) -> Item:
    """Return the value of an act."""
    return {
        "M": {
            "kind": {"S": act.kind},
            "who": {"S": act.who},
            "why": {"S": act.why},
            "at": {"S": time_text(act.at)},
        }
    }


def act_of(value: Item) -> Act:
    """Return the act of a map's content."""
    return Act(
        kind=value["kind"]["S"],
        who=value["who"]["S"],
        why=value["why"]["S"],
        at=datetime.fromisoformat(value["at"]["S"]),
    )


def reason_value(reason: Reason) -> Item:
    """Return the value of a rejection's reason."""
    return {
        "M": {
            "code": {"S": reason.code},
            "message": {"S": reason.message},
            "line": {"N": str(reason.line)},
            "column": {"N": str(reason.column)},
        }
    }


def reason_of(item: Item) -> Reason | None:
    """Return the reason of a document's item, None when it has none."""
    if "reason" not in item:
        return None
    value = item["reason"]["M"]
    return Reason(
        code=value["code"]["S"],
        message=value["message"]["S"],
        line=int(value["line"]["N"]),
        column=int(value["column"]["N"]),
    )


def _exact_text(data: bytes, encoding: str) -> str | None:
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        return None
    if "\0" in text:
        return None  # legal in a String, but what people look at one with may stop there
    if encoding == "utf-8":
        return text  # strict UTF-8 is one to one
    is_small = len(text.encode()) <= len(data) + _MAX_GROWTH_BYTES
    return text if is_small and text.encode(encoding) == data else None
