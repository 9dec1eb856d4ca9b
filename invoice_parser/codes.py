"""Every code that the parser can give: why it rejected a document, or what it found doubtful.

A code never changes its meaning; people and alarms filter by it. docs/invoice-format.md lists
them with the same meanings, and a test compares.
"""

from typing import Final

REJECTIONS: Final[dict[str, str]] = {}
FINDINGS: Final[dict[str, str]] = {}


def _rejection(code: str, meaning: str) -> str:
    REJECTIONS[code] = meaning
    return code


def _finding(code: str, meaning: str) -> str:
    FINDINGS[code] = meaning
    return code


TOO_LARGE: Final = _rejection("too-large", "The document is over 262,144 bytes.")
EMPTY: Final = _rejection("empty", "The document holds nothing but blanks.")
NOT_TEXT: Final = _rejection("not-text", "It is a PDF, an image, an archive or other binary data.")
UNDECODABLE: Final = _rejection("undecodable", "Its bytes are no text in any encoding that we read.")
LINE_TOO_LONG: Final = _rejection("line-too-long", "A line is over 10,000 characters.")
SEVERAL_INVOICES: Final = _rejection("several-invoices", "It holds more than one invoice id.")
MISSING_FIELD: Final = _rejection("missing-field", "A required field is absent or empty.")
CONFLICTING_FIELD: Final = _rejection("conflicting-field", "A field is given twice with different values.")
BAD_IDENTIFIER: Final = _rejection(
    "bad-identifier", "A customer or invoice id has a character or length not allowed."
)
BAD_DATE: Final = _rejection("bad-date", "The date is no date, or not in the years 1990 to 2100.")
AMBIGUOUS_DATE: Final = _rejection("ambiguous-date", "The date can be read as more than one day.")
BAD_AMOUNT: Final = _rejection("bad-amount", "An amount is not written as an amount that we read.")
MIXED_CURRENCIES: Final = _rejection("mixed-currencies", "The amounts name more than one currency.")
BAD_ITEM: Final = _rejection("bad-item", "An item has no description or no price.")
AMBIGUOUS_ITEM: Final = _rejection(
    "ambiguous-item", "A comma in an item may group digits or separate two amounts."
)
TOO_MANY_ITEMS: Final = _rejection("too-many-items", "There are over 10,000 items.")

ENCODING_ASSUMED: Final = _finding(
    "encoding-assumed", "The text is not Unicode; it was read as Windows-1252."
)
INVISIBLE_CHARACTERS: Final = _finding("invisible-characters", "Characters that nobody can see were removed.")
DAMAGED_CHARACTERS: Final = _finding(
    "damaged-characters", "A replacement character marks text lost before it came here."
)
UNKNOWN_FIELD: Final = _finding(
    "unknown-field", "A label is not one of the format's; its value was not used."
)
EMPTY_FIELD: Final = _finding("empty-field", "A label has no value; it counts as absent.")
REPEATED_FIELD: Final = _finding("repeated-field", "A field is given twice with the same value.")
UNRECOGNISED_LINE: Final = _finding(
    "unrecognised-line", "A line is neither a field, nor an item, nor decoration."
)
NO_ITEMS: Final = _finding("no-items", "There are no items.")
ITEM_NUMBERING: Final = _finding("item-numbering", "The items are not numbered 1, 2, 3 and so on.")
ROUNDED_TOTAL: Final = _finding("rounded-total", "Net and taxes miss the total by less than 1 unit.")
TOTAL_MISMATCH: Final = _finding("total-mismatch", "Net and taxes miss the total by 1 unit or more.")
ITEMS_NET_MISMATCH: Final = _finding("items-net-mismatch", "The items' nets do not add up to the net amount.")
ITEMS_TAX_MISMATCH: Final = _finding("items-tax-mismatch", "The items' taxes do not add up to the taxes.")
WORDS_MISMATCH: Final = _finding("words-mismatch", "The amount in words is not the total.")
WORDS_UNREADABLE: Final = _finding("words-unreadable", "The amount in words cannot be read as a number.")
GST_SPLIT: Final = _finding("gst-split", "CGST is not equal to SGST and UTGST.")
GST_MIXED: Final = _finding("gst-mixed", "IGST stands beside CGST, SGST or UTGST.")
CREDIT_NOTE: Final = _finding("credit-note", "Net, taxes and total are negative.")
MIXED_SIGNS: Final = _finding("mixed-signs", "Some of net, taxes and total are negative, others positive.")
