"""The texts of the fields to values: each read by its kind, required ones present, repeats in agreement."""

import re
from collections.abc import Callable
from datetime import date
from typing import Final, TypeVar

from invoice_parser import codes
from invoice_parser.amounts import read_amount
from invoice_parser.dates import read_date
from invoice_parser.findings import Findings
from invoice_parser.formats import Field, Format
from invoice_parser.invoice import InvoiceError
from invoice_parser.scan import Fields, Found
from invoice_parser.values import QUOTES_AFTER, Currency, quoted, unquote

_IDENTIFIER: Final = re.compile(r"(?!.*\.\.)[A-Za-z0-9][A-Za-z0-9._/-]{0,63}")

TAXES: Final = ("cgst_amount", "sgst_amount", "utgst_amount", "igst_amount", "cess_amount")

T = TypeVar("T", str, int, date)


class Values:
    """The values of a document's fields by name, and the line that gave each.

    `amounts` are in minor units and hold only what the document names, `tax` is the sum of its
    taxes; `texts` hold the rest but the dates. Raises InvoiceError when a field cannot be read, is
    missing or contradicts itself.
    """

    def __init__(
        self,
        layout: Format,
        fields: Fields,
        currency: Currency,
        findings: Findings,
        *,
        day_first: bool | None,
    ) -> None:
        self.texts: dict[str, str] = {}
        self.amounts: dict[str, int] = {}
        self.dates: dict[str, date] = {}
        self.lines: dict[str, int] = {}
        self._currency = currency
        self._findings = findings
        self._day_first = day_first
        for field in layout.fields:
            places = fields.get(field.name)
            if places is None:
                if field.required:
                    raise _missing(field, [])
            elif field.kind == "amount":
                self._keep(field, places, self._amount, self.amounts)
            elif field.kind == "text":
                self._keep(field, places, _text, self.texts)
            elif field.kind == "identifier":
                self._keep(field, places, _identifier, self.texts)
            else:
                self._keep(field, places, self._date, self.dates)
        self.tax = 0
        for name in TAXES:
            if name in self.amounts:
                self.tax += self.amounts[name]

    def _keep(
        self, field: Field, places: list[Found], read: Callable[[str, int], T], values: dict[str, T]
    ) -> None:
        first = ""
        for found in places:
            text, line, _ = found
            text = text.strip()
            if text[-1:] in QUOTES_AFTER:
                text = unquote(text)
            if not text:
                self._findings.add(codes.EMPTY_FIELD, f"{field.labels[0]} has no value.", line)
                continue
            try:
                value = read(text, line) if text != first else values[field.name]
            except InvoiceError as error:
                raise _at(found, text, error.code, f"{field.labels[0]}: {error.message}") from error
            if not first:
                first = text
                values[field.name] = value
                self.lines[field.name] = line
            elif value == values[field.name]:
                self._findings.add(codes.REPEATED_FIELD, f"{field.labels[0]} is given twice.", line)
            else:
                there = self.lines[field.name]
                message = f"{field.labels[0]} is {quoted(text)} here, but {quoted(first)} in line {there}."
                raise _at(found, text, field.conflict, message)
        if field.required and not first:
            raise _missing(field, places)

    def _amount(self, text: str, line: int) -> int:
        amount = read_amount(text)
        if amount is None:
            raise InvoiceError(codes.BAD_AMOUNT, f"{quoted(text)} is no amount; write it like 1234.50.")
        if amount[1]:
            self._currency.see(amount[1], line)
        return amount[0]

    def _date(self, text: str, _line: int) -> date:
        return read_date(text, day_first=self._day_first)


def _text(text: str, _line: int) -> str:
    return text


def _identifier(text: str, _line: int) -> str:
    if not _IDENTIFIER.fullmatch(text):
        raise InvoiceError(
            codes.BAD_IDENTIFIER,
            f"{quoted(text)} is no id: up to 64 letters, digits and ._/-, a letter or digit first, no “..”.",
        )
    return text


def _at(found: Found, text: str, code: str, message: str) -> InvoiceError:
    whole, line, offset = found
    return InvoiceError(code, message, line, offset + whole.index(text) + 1)


def _missing(field: Field, places: list[Found]) -> InvoiceError:
    label = field.labels[0]
    if not places:
        return InvoiceError(codes.MISSING_FIELD, f"There is no {label}; add a line “{label}: …”.")
    _, line, offset = places[0]
    return InvoiceError(codes.MISSING_FIELD, f"{label} has no value.", line, offset + 1)
