"""Documents and revisions as rows of the SQL ledger, and back."""

import hashlib
import re
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from itertools import islice
from typing import Any, cast

from api import models
from api.records import Act, ActKind, Document, DocumentOutcome, Reason, Revision
from invoice_parser import CSV_COLUMNS

# What is in a column of its own name, as it is.
_DOCUMENT_COLUMNS = (
    *("source_key", "version_id", "outcome", "recorded_at", "customer_id", "invoice_id", "rev", "etag"),
    *("size_bytes", "sha256", "sequencer", "last_modified_at", "message_id", "attempts", "data", "is_open"),
)
_REVISION_COLUMNS = (
    *("customer_id", "invoice_id", "rev", "status", "stored_at", "row", "csv_key", "data", "sha256"),
    *("source_key", "version_id", "sequencer", "last_modified_at"),
)
# What people ask for in SQL; all of it stands before the items, which may be long.
_ISSUE_DATE, _CURRENCY = CSV_COLUMNS.index("issue_date"), CSV_COLUMNS.index("currency")
_AMOUNTS = {name: CSV_COLUMNS.index(name) for name in ("net_amount", "tax_amount", "total_amount")}
_CELLS = CSV_COLUMNS.index("items")
_CELL = re.compile(rb'"([^"]*(?:""[^"]*)*)"')


def key_of(*names: str) -> str:
    """Return the key of the names: a SHA-256 of their bytes that no other names share."""
    exact = "".join(f"{len(name)}:{name}" for name in names)
    return hashlib.sha256(exact.encode()).hexdigest()


def document_columns(document: Document) -> dict[str, Any]:
    """Return the columns of a document."""
    reason = document.reason or Reason(code="", message="")
    return {name: getattr(document, name) for name in _DOCUMENT_COLUMNS} | {
        "document_key": key_of(document.source_key, document.version_id),
        "customer_key": key_of(document.customer_id),
        "reason_code": reason.code,
        "reason_message": reason.message,
        "reason_line": reason.line,
        "reason_column": reason.column,
        "acts": [_act_json(act) for act in document.acts],
        "act_count": len(document.acts),
    }


def document_of(row: models.Document, *, with_data: bool = False) -> Document:
    """Return the document of a row; without its text, which may not have been read."""
    reason = Reason(
        code=row.reason_code, message=row.reason_message, line=row.reason_line, column=row.reason_column
    )
    return Document(
        source_key=row.source_key,
        version_id=row.version_id,
        outcome=cast("DocumentOutcome", row.outcome),
        recorded_at=row.recorded_at,
        reason=reason if row.reason_code else None,
        customer_id=row.customer_id,
        invoice_id=row.invoice_id,
        rev=row.rev,
        etag=row.etag,
        size_bytes=row.size_bytes,
        sha256=row.sha256,
        sequencer=row.sequencer,
        last_modified_at=row.last_modified_at,
        message_id=row.message_id,
        attempts=row.attempts,
        data=_bytes(row.data) if with_data else None,
        is_open=row.is_open,
        acts=tuple(_act_of(value) for value in row.acts),
    )


def revision_columns(revision: Revision) -> dict[str, Any]:
    """Return the columns of a revision that becomes the current one."""
    invoice_key = key_of(revision.customer_id, revision.invoice_id)
    return (
        {name: getattr(revision, name) for name in _REVISION_COLUMNS}
        | {
            "invoice_key": invoice_key,
            "current_key": invoice_key,
            "customer_key": key_of(revision.customer_id),
            "act": _act_json(revision.act) if revision.act else None,
        }
        | row_columns(revision.row)
    )


def revision_of(row: models.Revision) -> Revision:
    """Return the revision of a row."""
    return Revision(
        customer_id=row.customer_id,
        invoice_id=row.invoice_id,
        rev=row.rev,
        status="active" if row.status == "active" else "withdrawn",
        stored_at=row.stored_at,
        row=bytes(row.row),
        csv_key=row.csv_key,
        data=_bytes(row.data),
        sha256=row.sha256,
        source_key=row.source_key,
        version_id=row.version_id,
        sequencer=row.sequencer,
        last_modified_at=row.last_modified_at,
        act=_act_of(row.act) if row.act else None,
    )


def row_columns(row: bytes) -> dict[str, Any]:
    """Return what a CSV row says of date and money; what it does not say plainly is NULL."""
    cells = [cell[1].decode("utf-8", "replace") for cell in islice(_CELL.finditer(row), _CELLS)]
    cells += [""] * (_CELLS - len(cells))
    return {
        "issue_date": _date(cells[_ISSUE_DATE]),
        "currency": cells[_CURRENCY][:8],
        **{name: _amount(cells[place]) for name, place in _AMOUNTS.items()},
    }


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _amount(text: str) -> Decimal | None:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        return None
    # The column has eighteen digits before the point and two behind it.
    is_exact = amount.is_finite() and abs(amount) < 10**18 and amount == round(amount, 2)
    return amount if is_exact else None


def _bytes(value: Any) -> bytes | None:  # noqa: ANN401 - the drivers give bytes or memoryview
    return None if value is None else bytes(value)


def _act_json(act: Act) -> dict[str, str]:
    return {"kind": act.kind, "who": act.who, "why": act.why, "at": act.at.astimezone(UTC).isoformat()}


def _act_of(value: dict[str, str]) -> Act:
    return Act(
        kind=cast("ActKind", value["kind"]),
        who=value["who"],
        why=value["why"],
        at=datetime.fromisoformat(value["at"]),
    )
