"""What values of every kind have in common: quotes around them, and one currency for the document."""

import re
from typing import Final

from invoice_parser import codes
from invoice_parser.invoice import InvoiceError

_QUOTES: Final = {"'": "'", '"': '"', "\u201c": "\u201d", "\u2018": "\u2019"}
QUOTES_AFTER: Final = frozenset(_QUOTES.values())
_LOOSE_QUOTE: Final = re.compile(r"(?<!\w)['\"\u2018-\u201d]|['\"\u2018-\u201d](?!\w)")
_MAX_QUOTED: Final = 40


def unquote(text: str) -> str:
    """Return the text without the quotes around the whole of it: `'O'Brien'`, but not `'a' or 'b'`."""
    if len(text) > 1 and _QUOTES.get(text[0]) == text[-1] and not _LOOSE_QUOTE.search(text, 1, len(text) - 1):
        return text[1:-1].strip()
    return text


def quoted(text: str) -> str:
    """Return the beginning of the text in quotes, for a message."""
    return f"“{text}”" if len(text) <= _MAX_QUOTED else f"“{text[:_MAX_QUOTED]}…”"


class Currency:
    """The one currency that the amounts of a document name."""

    def __init__(self) -> None:
        self.code = ""
        self.line = 0

    def see(self, code: str, line: int) -> None:
        """Take an amount's currency, "" for none; raises InvoiceError when it is a second one."""
        if not code or code == self.code:
            return
        if self.code:
            message = f"An amount is in {code}, another (line {self.line}) in {self.code}."
            raise InvoiceError(codes.MIXED_CURRENCIES, message, line)
        self.code, self.line = code, line
