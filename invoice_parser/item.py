"""One item without its number: `description, net, tax`, read from the right.

    item = description separator net [separator tax]

The tax is optional, the description may hold separators, amounts and labels. A comma between two
digits may group them: what then has two readings is refused.
"""

import re
from typing import Final, TypeAlias

from invoice_parser import codes
from invoice_parser.amounts import MAX_DIGITS, looks_like_amount, read_amount
from invoice_parser.formats import COMMA_OR_SEMICOLON
from invoice_parser.invoice import InvoiceError
from invoice_parser.values import quoted, unquote

_MAX_PAIR_CHARACTERS: Final = 80
_GLUED: Final = re.compile(r"[0-9],[0-9][0-9.,]*$")
_LEADING_ZERO: Final = re.compile(r"[^0-9]*0[0-9]")
_CENTS: Final = re.compile(r"[0-9]{1,2}")
_DECIMALS: Final = re.compile(r"\.[0-9]")

Price: TypeAlias = tuple[int, str]  # minor units and currency, as read_amount gives them
Parts: TypeAlias = tuple[str, Price, Price | None]  # description, net, tax if given


def read_usual_item(body: str) -> Parts | None:
    """Return what read_item returns for `description, 2000, 200`, in a fifth of its time.

    None when the item is not that plain. Most are, and items are most of an invoice.
    """
    pieces = body.rsplit(", ", 2)
    if len(pieces) != 3:  # noqa: PLR2004 - description, net and tax
        return None
    text, net, tax = pieces
    if not (net.isdigit() and tax.isdigit() and (net + tax).isascii() and len(net) <= MAX_DIGITS >= len(tax)):
        return None
    description = unquote(text.strip())
    return (description, (int(net) * 100, ""), (int(tax) * 100, "")) if description else None


def read_item(body: str, separator: re.Pattern[str]) -> Parts | None:
    """Return description, net and tax (None when there is none); None when there is no price.

    `separator` matches one character. Raises InvoiceError, without a place, with bad-item,
    bad-amount or ambiguous-item.
    """
    if separator is COMMA_OR_SEMICOLON and (usual := read_usual_item(body)):
        return usual
    pieces = separator.split(body)
    if len(pieces) < 2:  # noqa: PLR2004 - a description and a price
        return None
    last = pieces[-1]
    end = len(body) - len(last) - 1
    tax: Price | None = None
    net = read_amount(last.strip())
    if "," in last and body[end] == "," and (pair := _pair(last, net)):
        if len(pieces) > 2 and looks_like_amount(pieces[-2].strip()):  # noqa: PLR2004 - a third amount
            raise _ambiguous(f"{pieces[-2]},{last}".strip())
        net, tax = pair
    if net is None:
        _refuse_amount(last.strip())
        return None
    if tax is None and len(pieces) > 2:  # noqa: PLR2004 - something stands before the price
        before = pieces[-2]
        if first := _price_before(before, body[end - len(before) - 1]):
            net, tax, end = first, net, end - len(before) - 1
    description = unquote(body[:end].strip())
    if not description or (tax is None and looks_like_amount(description)):
        raise InvoiceError(codes.BAD_ITEM, "there is no description.")
    if (
        tax is None
        and "," in description
        and _GLUED.search(description, max(0, len(description) - _MAX_PAIR_CHARACTERS))
    ):
        raise _ambiguous(description)
    return description, net, tax


def _price_before(piece: str, separator: str) -> Price | None:
    """Return the price that the piece before the last one is; None when it belongs to the description."""
    text = piece.strip()
    price = read_amount(text)
    if price is None:
        if not text:
            raise InvoiceError(codes.BAD_ITEM, "a price is empty.")
        _refuse_amount(text)
    elif "," in text and _is_tight(piece, separator):
        raise _ambiguous(text)
    return price


def _pair(piece: str, whole: Price | None) -> tuple[Price, Price] | None:
    """Return the two amounts that only a tight comma separates; None when it groups digits."""
    text = piece.strip()
    if len(text) > _MAX_PAIR_CHARACTERS or unquote(text) != text:
        return None
    pairs = [
        pair for place, character in enumerate(text) if character == "," and (pair := _split(text, place))
    ]
    may_be_grouped = whole is not None or text.count(",") > 1
    if (pairs and may_be_grouped) or (whole and _is_tight(piece, ",")):
        raise _ambiguous(text)
    return pairs[0] if pairs else None


def _split(text: str, place: int) -> tuple[Price, Price] | None:
    """Return the amounts on both sides of the comma when a person may have meant two of them.

    Nobody writes `000` for an amount, nor a net without and a tax with decimals; and `7,65` may
    have a decimal comma.
    """
    left, right = text[:place], text[place + 1 :]
    if _LEADING_ZERO.match(left) or _LEADING_ZERO.match(right) or _CENTS.fullmatch(right):
        return None
    if bool(_DECIMALS.search(left)) != bool(_DECIMALS.search(right)):
        return None
    net, tax = read_amount(left), read_amount(right)
    return None if net is None or tax is None else (net, tax)


def _is_tight(piece: str, separator: str) -> bool:
    """Tell whether no blank follows the comma before: then nothing tells separators from grouping."""
    return separator == "," and piece[0] != " "


def _refuse_amount(text: str) -> None:
    """Raise bad-amount when the text is meant as an amount: it must not end up in a description."""
    if looks_like_amount(text):
        raise InvoiceError(codes.BAD_AMOUNT, f"{quoted(text)} is no amount; write it like 1234.50.")


def _ambiguous(text: str) -> InvoiceError:
    return InvoiceError(
        codes.AMBIGUOUS_ITEM,
        f"{quoted(text)} may be one amount or two; put a blank after each separating comma, "
        "or separate with semicolons.",
    )
