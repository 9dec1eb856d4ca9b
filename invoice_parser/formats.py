"""What a format is: a table of fields and the few marks around them. A new format is a new table."""

import re
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from invoice_parser import codes

Kind: TypeAlias = Literal["identifier", "date", "amount", "text"]


# A comma between two digits may group them, so it separates nothing by itself.
COMMA_OR_SEMICOLON: Final = re.compile(r"[;,](?:(?<=;)|(?![0-9])|(?<![0-9],))")


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its name in Invoice, its labels in the text, how its value is read.

    A text takes the rest of its line; after any other kind another label may follow. `conflict`
    is the code when two lines give different values.
    """

    name: str
    labels: tuple[str, ...]
    kind: Kind
    required: bool = False
    conflict: str = codes.CONFLICTING_FIELD


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """A way to write invoices. The order of `fields` is the order in which faults are reported.

    `by_position`: no labels; the first lines that are no decoration are the fields, in order, and
    every further one an item. Otherwise `item_start` matches the number (group 1) that opens an
    item below the `items_heading`. `item_separator` matches the one character between an item's
    description and amounts. `titles` are lines without meaning, in lower case.
    """

    fields: tuple[Field, ...]
    titles: frozenset[str] = frozenset()
    by_position: bool = False
    items_heading: str = "items"
    item_start: re.Pattern[str] = re.compile(r" *(?:- *)?([0-9]{1,6}) *(?:\)|\.(?= )) *")
    item_separator: re.Pattern[str] = COMMA_OR_SEMICOLON
    by_label: dict[str, Field] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_label = {label.lower(): field for field in self.fields for label in field.labels}
        object.__setattr__(self, "by_label", by_label)  # how a frozen dataclass derives a value


# The invoice id comes first: two invoices in one document usually differ in other fields as well,
# and the sender must hear of the two invoices, not of the conflict.
STANDARD: Final = Format(
    fields=(
        Field("invoice_id", ("Inv-ID",), "identifier", required=True, conflict=codes.SEVERAL_INVOICES),
        Field("customer_id", ("Customer-ID",), "identifier", required=True),
        Field("issue_date", ("Dated",), "date", required=True),
        Field("seller_name", ("From",), "text", required=True),
        Field("buyer_name", ("To",), "text", required=True),
        Field("net_amount", ("Amount",), "amount", required=True),
        Field("cgst_amount", ("CGST",), "amount"),
        Field("sgst_amount", ("SGST",), "amount"),
        Field("utgst_amount", ("UTGST",), "amount"),
        Field("igst_amount", ("IGST",), "amount"),
        Field("cess_amount", ("CESS",), "amount"),
        Field("total_amount", ("Total",), "amount", required=True),
        Field("amount_in_words", ("InWords",), "text"),
    ),
    titles=frozenset(("invoice", "tax invoice")),
)
