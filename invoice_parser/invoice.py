"""What the parser returns: an Invoice of exact values, or an InvoiceError that says where and why."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Final

MAX_DOCUMENT_BYTES: Final = 262_144
MAX_LINE_CHARACTERS: Final = 10_000
MAX_ITEMS: Final = 10_000


class InvoiceError(Exception):
    """The document is not an invoice that can be read without guessing.

    `code` is one of codes.REJECTIONS, `message` a sentence for the sender, which may quote a few
    words of the document. `line` and `column` count from 1, in characters; 0 means none.
    """

    def __init__(self, code: str, message: str, line: int = 0, column: int = 0) -> None:
        super().__init__(code, message, line, column)
        self.code, self.message, self.line, self.column = code, message, line, column

    def __str__(self) -> str:
        place = f"{self.line}:{self.column}: " if self.line else ""
        return f"{place}{self.code}: {self.message}"


@dataclass(frozen=True, slots=True)
class Finding:
    """A doubt about an accepted invoice: a code of codes.FINDINGS, a sentence, a line (0 for none)."""

    code: str
    message: str
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LineItem:
    """One item as numbered in the document; `tax_amount` is None when the document gives none."""

    line_number: int
    description: str
    net_amount: Decimal
    tax_amount: Decimal | None
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Invoice:
    """One invoice. Every amount has exactly two decimals.

    `currency` is an ISO 4217 code, `SR` as the document wrote it, or empty when no amount names
    one. A tax that the document does not name is 0.00 (then it is not in `lines` either);
    `tax_amount` is the sum of the five taxes. `amount_in_words` may be empty, `items` too.

    `lines` maps each field's name to the source line (from 1) that gave it, `encoding` names the
    codec that turns the decoded text back into the document's bytes. Both say how the invoice
    was written and not what it is, so they do not take part in comparisons.
    """

    customer_id: str
    invoice_id: str
    issue_date: date
    seller_name: str
    buyer_name: str
    currency: str
    net_amount: Decimal
    cgst_amount: Decimal
    sgst_amount: Decimal
    utgst_amount: Decimal
    igst_amount: Decimal
    cess_amount: Decimal
    tax_amount: Decimal
    total_amount: Decimal
    amount_in_words: str
    items: tuple[LineItem, ...]
    findings: tuple[Finding, ...]
    lines: Mapping[str, int] = field(compare=False)
    encoding: str = field(compare=False)
