"""A kept invoice as a page shows it: its row's values, each with the line of the text it came from. Pure.

The row is what counts. The lines, the items' lines and the findings' sentences come from reading
the kept text again; should today's parser read it otherwise, the page says so and shows the row.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from api.pages import checks
from api.records import Act, Revision
from invoice_parser import CSV_COLUMNS, Finding, Invoice, InvoiceError, csv_row, parse, read_row, row_content

_TITLES: Final = {
    "customer_id": "Customer",
    "invoice_id": "Invoice",
    "issue_date": "Issued",
    "seller_name": "Seller",
    "buyer_name": "Buyer",
    "net_amount": "Net",
    "cgst_amount": "CGST",
    "sgst_amount": "SGST",
    "utgst_amount": "UTGST",
    "igst_amount": "IGST",
    "cess_amount": "Cess",
    "tax_amount": "Taxes",
    "total_amount": "Total",
    "currency": "Currency",
    "amount_in_words": "In words",
    "items": "Items",
    "findings": "Findings",
    "status": "Status",
}
_OPTIONAL: Final = frozenset({"cgst_amount", "sgst_amount", "utgst_amount", "igst_amount", "cess_amount"})
_NOT_FIELDS: Final = frozenset({"items", "findings", "status"})


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldValue:
    """A field's value, an amount if `amount` is not None, and its line in the text (0 for none)."""

    name: str
    title: str
    text: str
    amount: Decimal | None
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """An item of the row, with its line in the text."""

    line_number: int
    description: str
    net_amount: Decimal | None
    tax_amount: Decimal | None
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A revision for people. `doubt` says how today's parser differs from the row, empty if not."""

    fields: tuple[FieldValue, ...]
    items: tuple[Item, ...]
    checked: tuple[checks.Checked, ...]
    findings: tuple[Finding, ...]
    cited: frozenset[int]
    doubt: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A column that one revision has otherwise than the one before."""

    title: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A revision in the history: what it changed, and by which act or document."""

    revision: Revision
    differences: tuple[Difference, ...]
    act: Act | None


def read(revision: Revision, *, day_first: bool | None) -> Reading:
    """Return the revision for people."""
    row = read_row(revision.row)
    invoice, doubt = _today(revision, day_first=day_first)
    lines = dict(invoice.lines) if invoice and not doubt else {}
    fields = tuple(
        FieldValue(
            name=name,
            title=title,
            text=row.get(name, ""),
            amount=Decimal(row[name]) if name.endswith("_amount") and row.get(name) else None,
            line=lines.get(name, 0),
        )
        for name, title in _TITLES.items()
        if name not in _NOT_FIELDS and not (name in _OPTIONAL and Decimal(row.get(name) or 0) == 0)
    )
    items = _items(row, invoice if not doubt else None)
    codes = row.get("findings", "").split()
    return Reading(
        fields=fields,
        items=items,
        checked=checks.outcomes(invoice) if invoice and not doubt else (),
        findings=invoice.findings if invoice and not doubt else checks.findings_of(codes),
        cited=frozenset({*lines.values(), *(item.line for item in items)}) - {0},
        doubt=doubt,
    )


def steps(history: Sequence[Revision]) -> tuple[Step, ...]:
    """Return an invoice's revisions, newest first, each with what it changed of the one before."""
    found = []
    for place, revision in enumerate(history):
        before = history[place + 1] if place + 1 < len(history) else None
        differences = _differences(before, revision) if before else ()
        found.append(Step(revision=revision, differences=differences, act=revision.act))
    return tuple(found)


def _today(revision: Revision, *, day_first: bool | None) -> tuple[Invoice | None, str]:
    if not revision.data:
        return None, "The text is no longer kept, so the fields stand without their lines."
    try:
        invoice = parse(revision.data, day_first=day_first)
    except InvoiceError as error:
        return None, f"Today's parser would reject this text ({error.code}): {error.message}"
    again = csv_row(invoice, status="active", rev=1, source_key="", stored_at=datetime.now(UTC))
    if row_content(again) != row_content(revision.row):
        return invoice, "Today's parser reads this text otherwise. Reprocess makes a revision of it."
    return invoice, ""


def _items(row: dict[str, str], invoice: Invoice | None) -> tuple[Item, ...]:
    kept = json.loads(row.get("items") or "[]")
    lines = [item.line for item in invoice.items] if invoice else [0] * len(kept)
    return tuple(
        Item(
            line_number=item["line_number"],
            description=item["description"],
            net_amount=_decimal(item["net_amount"]),
            tax_amount=_decimal(item["tax_amount"]),
            line=line,
        )
        for item, line in zip(kept, lines, strict=True)
    )


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _differences(before: Revision, after: Revision) -> tuple[Difference, ...]:
    if not before.row or not after.row:
        return ()
    old, new = read_row(before.row), read_row(after.row)
    return tuple(
        Difference(title=_TITLES[name], before=old.get(name, ""), after=new.get(name, ""))
        for name in CSV_COLUMNS
        if name in _TITLES and old.get(name, "") != new.get(name, "")
    )
