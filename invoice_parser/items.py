"""The items of an invoice: `1) description, net, tax`, read from the right.

    item = number (")" | ". ") description separator net [separator tax]

The tax is optional. The description may hold commas, digits and labels, and may go on over some lines.
"""

import re
from typing import Final

from invoice_parser import codes
from invoice_parser.amounts import looks_like_amount, read_amount, to_decimal
from invoice_parser.findings import Findings
from invoice_parser.formats import Format
from invoice_parser.invoice import MAX_ITEMS, InvoiceError, LineItem
from invoice_parser.values import Currency, quoted, unquote

_MAX_WRAPPED_LINES: Final = 8
_MAX_PAIR_CHARACTERS: Final = 80
_GLUED: Final = re.compile(r"[0-9],[0-9][0-9.,]*$")
_LEADING_ZERO: Final = re.compile(r"[^0-9]*0[0-9]")
_DECIMALS: Final = re.compile(r"\.[0-9]")

Price = tuple[int, str]


class Items:
    """Reads items line by line; an item without a price waits for the next line."""

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
        """Take the first line of an item; raises InvoiceError, here or later, when it is none."""
        self.end()
        if len(self.read) >= MAX_ITEMS:
            raise InvoiceError(codes.TOO_MANY_ITEMS, f"There are over {MAX_ITEMS} items.", line)
        self._number, self._line, self._column = number, line, column
        if not self._take(body):
            self._waiting = [body.strip()]

    def wrap(self, text: str) -> None:
        """Take a further line of the waiting item."""
        self._waiting.append(text.strip())
        if len(self._waiting) > _MAX_WRAPPED_LINES:
            raise self._error(
                codes.BAD_ITEM, f"Item {self._number} has no price within {_MAX_WRAPPED_LINES} lines."
            )
        if self._take(" ".join(self._waiting)):
            self._waiting = []

    def end(self) -> None:
        """Take the waiting item as it is; raises InvoiceError when it has no price."""
        if not self._waiting:
            return
        body = " ".join(self._waiting)
        self._waiting = []
        if body[-1:] in (",", ";") and self._take(body[:-1]):
            return
        last = self._separator.split(body)[-1].strip()
        if looks_like_amount(last):
            raise self._bad_amount(last)
        raise self._error(
            codes.BAD_ITEM,
            f"Item {self._number} has no price; write “{self._number}) description, net, tax”.",
        )

    def _take(self, body: str) -> bool:
        """Keep the item when its line is complete."""
        pieces = self._separator.split(body)
        tax_may_follow = len(pieces) > 1 and not pieces[-1].strip()
        if tax_may_follow:  # a separator ends the line
            pieces.pop()
            body = body[: body.rindex(body.rstrip()[-1])]
        if len(pieces) < 2:  # noqa: PLR2004 - a description and a price
            return False
        end = len(body) - len(pieces[-1]) - 1
        prices = self._prices(pieces[-1], body[end : end + 1])
        if prices is None:
            return False
        if len(prices) == 1 and len(pieces) > 2:  # noqa: PLR2004 - something stands before the price
            before = self._price_before(pieces[-2], body[end - len(pieces[-2]) - 1])
            if before is not None:
                prices = (before, *prices)
                end -= len(pieces[-2]) + 1
        if tax_may_follow and len(prices) == 1:
            return False
        self._keep(body[:end], prices)
        return True

    def _prices(self, piece: str, separator: str) -> tuple[Price, ...] | None:
        """Return the price, or the two prices that only a tight comma separates, or None."""
        text = piece.strip()
        whole = read_amount(unquote(text))
        if "," not in text or separator != "," or text[0] in "'\"":
            return None if whole is None else (whole,)
        if len(text) > _MAX_PAIR_CHARACTERS:
            return None
        readings: list[tuple[Price, ...]] = [] if whole is None else [(whole,)]
        readings += self._pairs(text)
        if len(readings) > 1 or (whole and piece[0] != " "):
            raise self._ambiguous(text)
        return readings[0] if readings else None

    def _pairs(self, text: str) -> list[tuple[Price, ...]]:
        """Return each way to read the text as two amounts of one style with a comma between."""
        pairs: list[tuple[Price, ...]] = []
        for place, character in enumerate(text):
            left, right = text[:place], text[place + 1 :]
            if character != "," or _LEADING_ZERO.match(left) or _LEADING_ZERO.match(right):
                continue
            if bool(_DECIMALS.search(left)) != bool(_DECIMALS.search(right)):
                continue
            net, tax = read_amount(left), read_amount(right)
            if net is not None and tax is not None:
                pairs.append((net, tax))
        return pairs

    def _price_before(self, piece: str, separator: str) -> Price | None:
        """Return the price that the piece before the last one is, or None when it is description."""
        text = piece.strip()
        price = read_amount(unquote(text))
        if price is None:
            if looks_like_amount(text):
                raise self._bad_amount(text)
            if not text:
                raise self._error(codes.BAD_ITEM, f"Item {self._number} has an empty price.")
            if _GLUED.search(text[-40:]):
                raise self._ambiguous(text[-40:])
        elif "," in text and separator == "," and piece[0] != " ":
            raise self._ambiguous(text)
        return price

    def _keep(self, before: str, prices: tuple[Price, ...]) -> None:
        description = unquote(before.strip())
        if not description or (len(prices) == 1 and looks_like_amount(description)):
            raise self._error(codes.BAD_ITEM, f"Item {self._number} has no description.")
        expected = self.read[-1].line_number + 1 if self.read else 1
        if self._number != expected:
            self._findings.add(
                codes.ITEM_NUMBERING, f"Item {self._number} stands where {expected} was due.", self._line
            )
        for _, currency in prices:
            self._currency.see(currency, self._line)
        net, tax = prices[0][0], prices[1][0] if prices[1:] else None
        self.net_sum += net
        if tax is not None:
            self.tax_sum = (self.tax_sum or 0) + tax
        self.read.append(
            LineItem(
                line_number=self._number,
                description=description,
                net_amount=to_decimal(net),
                tax_amount=None if tax is None else to_decimal(tax),
                line=self._line,
            )
        )

    def _error(self, code: str, message: str) -> InvoiceError:
        return InvoiceError(code, message, self._line, self._column)

    def _bad_amount(self, text: str) -> InvoiceError:
        return self._error(
            codes.BAD_AMOUNT, f"Item {self._number}: {quoted(text)} is no amount; write it like 1234.50."
        )

    def _ambiguous(self, text: str) -> InvoiceError:
        return self._error(
            codes.AMBIGUOUS_ITEM,
            f"Item {self._number}: {quoted(text)} may be one amount or two; "
            "put a blank after each separating comma, or separate with semicolons.",
        )
