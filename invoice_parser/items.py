"""The items of a document, line by line: numbering, wrapped descriptions, sums."""

from typing import Final

from invoice_parser import codes
from invoice_parser.amounts import to_decimal
from invoice_parser.findings import Findings
from invoice_parser.formats import Format
from invoice_parser.invoice import MAX_ITEMS, InvoiceError, LineItem
from invoice_parser.item import Price, read_item
from invoice_parser.values import Currency

_MAX_WRAPPED_LINES: Final = 8


class Items:
    """Reads items as their lines come; an item without a price waits for its next line.

    `net_sum` and `tax_sum` are in minor units; `tax_sum` is None when no item gives a tax. Every
    method raises InvoiceError when an item cannot be read without guessing.
    """

    def __init__(self, layout: Format, currency: Currency, findings: Findings) -> None:
        self.read: list[LineItem] = []
        self.net_sum = 0
        self.tax_sum: int | None = None
        self._separator = layout.item_separator
        self._currency = currency
        self._findings = findings
        self._waiting: list[str] = []
        self._number = self._line = self._column = 0

    @property
    def is_waiting(self) -> bool:
        """Tell whether the last item has no price yet."""
        return bool(self._waiting)

    def start(self, number: int, body: str, line: int, column: int) -> None:
        """Take the first line of an item."""
        if self._waiting:
            self.end()
        if len(self.read) >= MAX_ITEMS:
            raise InvoiceError(codes.TOO_MANY_ITEMS, f"There are over {MAX_ITEMS} items.", line)
        self._number, self._line, self._column = number, line, column
        if not self._take(body):
            self._waiting.append(body.strip())

    def wrap(self, text: str) -> None:
        """Take a further line of the waiting item."""
        self._waiting.append(text.strip())
        if len(self._waiting) > _MAX_WRAPPED_LINES:
            raise self._error(codes.BAD_ITEM, f"there is no price within {_MAX_WRAPPED_LINES} lines.")
        if self._take(" ".join(self._waiting)):
            self._waiting.clear()

    def end(self) -> None:
        """Take the waiting item as it is: nothing can follow any more."""
        if not self._waiting:
            return
        body = " ".join(self._waiting)
        self._waiting.clear()
        if self._take(_without_separator(body), is_last=True):
            return
        raise self._error(
            codes.BAD_ITEM, f"there is no price; write “{self._number}) description, net, tax”."
        )

    def _take(self, body: str, *, is_last: bool = False) -> bool:
        """Keep the item when its line is complete. After a separator at its end a tax may follow."""
        try:
            parts = read_item(body, self._separator)
            if parts is None and not is_last and (shorter := _without_separator(body)) != body:
                parts = read_item(shorter, self._separator)
                if parts and parts[2] is None:
                    return False
        except InvoiceError as error:
            raise self._error(error.code, error.message) from error
        if parts is None:
            return False
        self._keep(*parts)
        return True

    def _keep(self, description: str, net: Price, tax: Price | None) -> None:
        number = self._number
        expected = self.read[-1].line_number + 1 if self.read else 1
        if number != expected:
            message = f"Item {number} stands where {expected} was due."
            self._findings.add(codes.ITEM_NUMBERING, message, self._line)
        self.net_sum += net[0]
        if net[1]:
            self._currency.see(net[1], self._line)
        if tax is not None:
            self.tax_sum = (self.tax_sum or 0) + tax[0]
            if tax[1]:
                self._currency.see(tax[1], self._line)
        self.read.append(
            LineItem(
                line_number=number,
                description=description,
                net_amount=to_decimal(net[0]),
                tax_amount=None if tax is None else to_decimal(tax[0]),
                line=self._line,
            )
        )

    def _error(self, code: str, message: str) -> InvoiceError:
        return InvoiceError(code, f"Item {self._number}: {message}", self._line, self._column)


def _without_separator(body: str) -> str:
    """Return the body without one separator at its end."""
    body = body.rstrip()
    return body[:-1] if body.endswith((",", ";")) else body
