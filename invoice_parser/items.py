"""The items of a document, line by line: numbering, wrapped descriptions, sums."""

from typing import Final

from invoice_parser import codes
from invoice_parser.amounts import to_decimal
from invoice_parser.findings import Findings
from invoice_parser.formats import Format
from invoice_parser.invoice import MAX_ITEMS, InvoiceError, LineItem
from invoice_parser.item import Parts, read_item
from invoice_parser.values import Currency

_MAX_WRAPPED_LINES: Final = 8


class Items:
    """Reads items as their lines come; an item without a price waits for its next line.

    `read` holds the items so far, `waiting` the lines of one that has no price yet. `net_sum` and
    `tax_sum` are in minor units; `tax_sum` is None when no item gives a tax. Every method raises
    InvoiceError when an item cannot be read without guessing.
    """

    def __init__(self, layout: Format, currency: Currency, findings: Findings) -> None:
        self.read: list[LineItem] = []
        self.waiting: list[str] = []
        self.net_sum = 0
        self.tax_sum: int | None = None
        self._separator = layout.item_separator
        self._currency = currency
        self._findings = findings
        self._number = self._line = self._column = 0

    def start(self, number: int, body: str, line: int, column: int) -> None:
        """Take the first line of an item."""
        if self.waiting:
            self.end()
        self._line, self._column = line, column
        if number != self._number + 1:
            message = f"Item {number} stands where {self._number + 1} was due."
            self._findings.add(codes.ITEM_NUMBERING, message, line)
        self._number = number
        parts = self._parts(body)
        if parts is None:
            self.waiting.append(body.strip())
        else:
            self._keep(parts)

    def wrap(self, text: str) -> None:
        """Take a further line of the waiting item."""
        self.waiting.append(text.strip())
        if len(self.waiting) > _MAX_WRAPPED_LINES:
            raise self._error(codes.BAD_ITEM, f"there is no price within {_MAX_WRAPPED_LINES} lines.")
        parts = self._parts(" ".join(self.waiting))
        if parts is not None:
            self.waiting.clear()
            self._keep(parts)

    def end(self) -> None:
        """Take the waiting item as it is: nothing can follow any more."""
        if not self.waiting:
            return
        body = " ".join(self.waiting)
        self.waiting.clear()
        parts = self._parts(_without_separator(body), may_go_on=False)
        if parts is None:
            message = f"there is no price; write “{self._number}) description, net, tax”."
            raise self._error(codes.BAD_ITEM, message)
        self._keep(parts)

    def _parts(self, body: str, *, may_go_on: bool = True) -> Parts | None:
        """Return the parts of a complete item. After a separator at the end a tax may follow."""
        try:
            parts = read_item(body, self._separator)
            if parts is None and may_go_on and (shorter := _without_separator(body)) != body:
                parts = read_item(shorter, self._separator)
                return parts if parts and parts[2] else None
        except InvoiceError as error:
            raise self._error(error.code, error.message) from error
        return parts

    def _keep(self, parts: Parts) -> None:
        description, (net, currency), tax = parts
        if currency:
            self._currency.see(currency, self._line)
        self.net_sum += net
        tax_amount = None
        if tax is not None:
            if tax[1]:
                self._currency.see(tax[1], self._line)
            self.tax_sum = (self.tax_sum or 0) + tax[0]
            tax_amount = to_decimal(tax[0])
        if len(self.read) >= MAX_ITEMS:
            raise self._error(codes.TOO_MANY_ITEMS, f"there are over {MAX_ITEMS} items.")
        self.read.append(
            LineItem(
                line_number=self._number,
                description=description,
                net_amount=to_decimal(net),
                tax_amount=tax_amount,
                line=self._line,
            )
        )

    def _error(self, code: str, message: str) -> InvoiceError:
        return InvoiceError(code, f"Item {self._number}: {message}", self._line, self._column)


def _without_separator(body: str) -> str:
    """Return the body without one separator at its end."""
    body = body.rstrip()
    return body[:-1] if body.endswith((",", ";")) else body
