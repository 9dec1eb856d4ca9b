"""What holds for every invoice: written in any of the allowed ways it is read as it was meant."""

import random
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from invoice_parser import FINDINGS, REJECTIONS, Invoice, InvoiceError, LineItem, parse

LETTERS = "abcxyzÄéßλЖあ漢ह"
CENTS = st.integers(-(10**17) + 1, 10**17 - 1)
IDS = st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9._/-]{0,63}\Z").filter(lambda text: ".." not in text)
# Free text: label words, colons, commas, quotes inside; no blanks or quotes around.
TEXTS = st.builds(
    "{}{}{}".format,
    st.sampled_from(LETTERS),
    st.text(alphabet=LETTERS + " 0123456789:;,.'\"()-/&“”₹$#", max_size=40),
    st.sampled_from(LETTERS),
)
# A description that ends in a word, so that its last number is no amount.
DESCRIPTIONS = TEXTS.map(lambda text: f"{text} unit")

EXACT = (
    "customer_id",
    "invoice_id",
    "issue_date",
    "seller_name",
    "buyer_name",
    "net_amount",
    "cgst_amount",
    "sgst_amount",
    "utgst_amount",
    "igst_amount",
    "cess_amount",
    "tax_amount",
    "total_amount",
    "amount_in_words",
    "items",
)


@dataclass(frozen=True)
class Style:
    """One of the ways to write a document."""

    seed: int
    newline: str
    encoding: str
    separator: str
    numbering: str
    sign: str
    grouped: bool
    mark: str
    collapsed: bool


STYLES = st.builds(
    Style,
    seed=st.integers(0, 10**6),
    newline=st.sampled_from(["\n", "\r\n", "\r"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]),
    separator=st.sampled_from([", ", " , ", "; ", ";"]),
    numbering=st.sampled_from(["{}) ", "{}. ", "- {}) ", " {})"]),
    sign=st.sampled_from(["-{}", "{}-", "({})", "{} CR"]),
    grouped=st.booleans(),
    mark=st.sampled_from(["{}", "₹ {}", "Rs.{}", "{} INR"]),
    collapsed=st.booleans(),
)


@st.composite
def invoices(draw: st.DrawFn) -> Invoice:
    """Draw an invoice whose sums need not agree."""
    amounts = [draw(CENTS) for _ in range(7)]
    net, cgst, sgst, utgst, igst, cess, total = (Decimal(amount) / 100 for amount in amounts)
    count = draw(st.integers(0, 4))
    return Invoice(
        customer_id=draw(IDS),
        invoice_id=draw(IDS),
        issue_date=draw(st.dates(date(1990, 1, 1), date(2100, 12, 31))),
        seller_name=draw(TEXTS),
        buyer_name=draw(TEXTS),
        currency="",
        net_amount=net,
        cgst_amount=cgst,
        sgst_amount=sgst,
        utgst_amount=utgst,
        igst_amount=igst,
        cess_amount=cess,
        tax_amount=cgst + sgst + utgst + igst + cess,
        total_amount=total,
        amount_in_words=draw(TEXTS),
        items=tuple(
            LineItem(
                line_number=number,
                description=draw(DESCRIPTIONS),
                net_amount=Decimal(draw(CENTS)) / 100,
                tax_amount=draw(st.one_of(st.none(), CENTS.map(lambda cents: Decimal(cents) / 100))),
            )
            for number in range(1, count + 1)
        ),
        findings=(),
        lines={},
        encoding="",
    )


def amount(value: Decimal, style: Style) -> str:
    text = f"{abs(value):,.2f}" if style.grouped else f"{abs(value):.2f}"
    return style.mark.format(style.sign.format(text) if value < 0 else text)


def field_lines(invoice: Invoice, style: Style) -> list[str]:
    """Return the lines of the fields; collapsed ones end in free text or in nothing more."""
    short = [
        f"Customer-ID: {invoice.customer_id}",
        f"inv-id :{invoice.invoice_id}",
        f"DATED:  {invoice.issue_date:%d}-{invoice.issue_date.strftime('%b')}-{invoice.issue_date.year}",
        f"Amount: {amount(invoice.net_amount, style)}",
        f"CGST: {amount(invoice.cgst_amount, style)}",
        f"SGST: {amount(invoice.sgst_amount, style)}",
        f"UTGST: {amount(invoice.utgst_amount, style)}",
        f"IGST: {amount(invoice.igst_amount, style)}",
        f"CESS: {amount(invoice.cess_amount, style)}",
        f"Total : {amount(invoice.total_amount, style)}",
    ]
    free = [
        f"From: {invoice.seller_name}",
        f"To: '{invoice.buyer_name}'",
        f"InWords: {invoice.amount_in_words}",
    ]
    if style.collapsed:
        return [" ".join(short), *free]
    return short + free


def render(invoice: Invoice, style: Style) -> bytes:
    lines = field_lines(invoice, style)
    random.Random(style.seed).shuffle(lines)
    # Only a semicolon or quotes tell a grouped amount at the end of an item from two amounts.
    plain = style if ";" in style.separator else Style(**{**vars(style), "grouped": False})
    items = [
        style.numbering.format(item.line_number)
        + style.separator.join(
            [item.description, amount(item.net_amount, plain)]
            + ([] if item.tax_amount is None else [amount(item.tax_amount, plain)])
        )
        for item in invoice.items
    ]
    place = style.seed % (len(lines) + 1)
    text = style.newline.join(
        ["*****", "  Invoice", *lines[:place], "Items", *items, "", *lines[place:], "---"]
    )
    return text.encode(style.encoding)


def unquoted(text: str) -> bool:
    """Tell whether the text stays as it is inside single quotes: they must be around the whole of it."""
    return "'" not in text and '"' not in text and "“" not in text and "”" not in text


@given(invoices().filter(lambda invoice: unquoted(invoice.buyer_name)), STYLES)
def test_reads_what_was_written(invoice: Invoice, style: Style) -> None:
    read = parse(render(invoice, style))

    for name in EXACT:
        assert getattr(read, name) == getattr(invoice, name), name
    assert read.currency == ("" if style.mark == "{}" else "INR")


@given(invoices().filter(lambda invoice: unquoted(invoice.buyer_name)), STYLES, st.integers(0, 10**6))
def test_does_not_care_for_the_order_of_the_fields(invoice: Invoice, style: Style, seed: int) -> None:
    one = parse(render(invoice, style))
    other = parse(render(invoice, Style(**{**vars(style), "seed": seed})))

    codes = [{finding.code for finding in read.findings} for read in (one, other)]
    assert codes[0] == codes[1]
    assert [getattr(one, name) for name in EXACT] == [getattr(other, name) for name in EXACT]


@given(st.lists(st.sampled_from(LETTERS), min_size=2, max_size=30), st.data())
def test_joins_a_wrapped_description(words: list[str], data: st.DataObject) -> None:
    breaks = data.draw(st.sets(st.integers(1, len(words) - 1), max_size=7))
    wrapped = "".join(("\n   " if place in breaks else " ") + word for place, word in enumerate(words))
    fields = "Inv-ID: 1\nCustomer-ID: 1\nDated: 2026-01-01\nFrom: a\nTo: b\nAmount: 5\nTotal: 5\n"

    invoice = parse(f"{fields}Items\n1){wrapped}, 5".encode())

    assert [item.description for item in invoice.items] == [" ".join(words)]
    assert invoice.findings == ()


@given(
    st.one_of(st.binary(max_size=300), st.text(max_size=300).map(lambda text: text.encode(errors="replace")))
)
def test_raises_nothing_but_its_error(data: bytes) -> None:
    try:
        codes = {finding.code for finding in parse(data).findings}
    except InvoiceError as error:
        codes = {error.code}

    assert codes <= REJECTIONS.keys() | FINDINGS.keys()
