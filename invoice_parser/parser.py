"""Bytes in, an Invoice out, or an InvoiceError: decode, scan, read the values, check them."""

from collections.abc import Sequence

from invoice_parser import codes
from invoice_parser.amounts import to_decimal
from invoice_parser.checks import check
from invoice_parser.decoding import FALLBACK_ENCODING, decode
from invoice_parser.findings import Findings
from invoice_parser.formats import STANDARD, Format
from invoice_parser.invoice import MAX_LINE_CHARACTERS, Invoice, InvoiceError
from invoice_parser.items import Items
from invoice_parser.lines import source_column, split_lines, visible_lines
from invoice_parser.reading import Values
from invoice_parser.scan import scan
from invoice_parser.values import Currency
from invoice_parser.wording import counted


def parse(data: bytes, *, day_first: bool | None = None, formats: Sequence[Format] = (STANDARD,)) -> Invoice:
    """Return the invoice that the document holds; the same bytes always give the same Invoice.

    `day_first` settles dates like 03/04/2018; None refuses them. Of several `formats` the first
    that reads the document wins. Raises InvoiceError (of the first format) when none does.
    """
    text, encoding = decode(data)
    text = text.removeprefix("\ufeff")  # the byte order mark of UTF-16 and UTF-32
    sources = split_lines(text)
    _refuse_long_lines(text, sources)
    lines, touched = visible_lines(sources)
    if not any(map(str.strip, lines)):
        raise InvoiceError(codes.EMPTY, "The document holds nothing but blanks.")
    refusal: InvoiceError | None = None
    for layout in formats:
        findings = Findings()
        _note_text(text, encoding, touched, findings)
        try:
            return _read(lines, layout, encoding, findings, day_first=day_first)
        except InvoiceError as error:
            refusal = refusal or error
    if refusal is None:
        raise ValueError("parse needs at least one format")
    if refusal.line:
        refusal.column = source_column(sources[refusal.line - 1], refusal.column)
    raise refusal


def _refuse_long_lines(text: str, sources: list[str]) -> None:
    if len(text) <= MAX_LINE_CHARACTERS:
        return
    for number, line in enumerate(sources, 1):
        if len(line) > MAX_LINE_CHARACTERS:
            message = f"The line has {len(line)} characters; {MAX_LINE_CHARACTERS} are allowed."
            raise InvoiceError(codes.LINE_TOO_LONG, message, number, MAX_LINE_CHARACTERS + 1)


def _note_text(text: str, encoding: str, touched: list[int], findings: Findings) -> None:
    if encoding == FALLBACK_ENCODING:
        findings.add(codes.ENCODING_ASSUMED, "The text is not Unicode; it was read as Windows-1252.")
    if touched:
        message = f"Characters that nobody can see were removed from {counted(len(touched), 'line')}."
        findings.add(codes.INVISIBLE_CHARACTERS, message, touched[0])
    if "\ufffd" in text:
        line = len(split_lines(text[: text.index("\ufffd")]))
        findings.add(codes.DAMAGED_CHARACTERS, "A character was lost before the document came here.", line)


def _read(
    lines: list[str], layout: Format, encoding: str, findings: Findings, *, day_first: bool | None
) -> Invoice:
    currency = Currency()
    items = Items(layout, currency, findings)
    fields = scan(lines, layout, items, findings)
    values = Values(layout, fields, currency, findings, day_first=day_first)
    check(values, items, findings)
    return _invoice(values, items, currency, findings, encoding)


def _invoice(values: Values, items: Items, currency: Currency, findings: Findings, encoding: str) -> Invoice:
    amounts, texts = values.amounts, values.texts
    return Invoice(
        customer_id=texts["customer_id"],
        invoice_id=texts["invoice_id"],
        issue_date=values.dates["issue_date"],
        seller_name=texts["seller_name"],
        buyer_name=texts["buyer_name"],
        currency=currency.code,
        net_amount=to_decimal(amounts["net_amount"]),
        cgst_amount=to_decimal(amounts.get("cgst_amount", 0)),
        sgst_amount=to_decimal(amounts.get("sgst_amount", 0)),
        utgst_amount=to_decimal(amounts.get("utgst_amount", 0)),
        igst_amount=to_decimal(amounts.get("igst_amount", 0)),
        cess_amount=to_decimal(amounts.get("cess_amount", 0)),
        tax_amount=to_decimal(values.tax),
        total_amount=to_decimal(amounts["total_amount"]),
        amount_in_words=texts.get("amount_in_words", ""),
        items=tuple(items.read),
        findings=findings.result(),
        lines=values.lines,
        encoding=encoding,
    )
