"""The page for customers says what is so: its examples are read as it says."""

import re
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from invoice_parser import InvoiceError, parse
from invoice_parser.amounts import read_amount
from invoice_parser.dates import read_date

PAGE = (Path(__file__).parents[3] / "docs" / "invoice-format.md").read_text()
EXAMPLE = PAGE.partition("## An example\n\n```\n")[2].partition("```")[0]


def paragraph(start: str) -> list[str]:
    """Return what stands in code marks in the paragraph."""
    return re.findall(
        r"`([^`]+)`", PAGE.partition(f"**{start}**: ")[2].partition("\n\n")[0].partition("years")[0]
    )


def test_the_example_is_read() -> None:
    invoice = parse(EXAMPLE.encode())

    assert (invoice.invoice_id, invoice.total_amount, len(invoice.items)) == ("inv-00001", Decimal(8150), 2)


@pytest.mark.parametrize("written", paragraph("Dates"))
def test_each_date_is_read(written: str) -> None:
    assert read_date(written, day_first=None) == date(2018, 3, 31)


def test_each_amount_is_read() -> None:
    written = [text for text in paragraph("Amounts") if re.search(r"\d", text)]

    assert len(written) == 8
    assert all(read_amount(text) is not None for text in written)


def test_the_items_are_read_as_the_table_says() -> None:
    rows = re.findall(r"^\| `(1\) .+)` \| (.+) \|$", PAGE, re.MULTILINE)
    read = []
    for item, _ in rows:
        try:
            first = parse(EXAMPLE.partition("1) ")[0].encode() + item.encode()).items[0]
        except InvoiceError as error:
            read.append(error.code)
        else:
            read.append(f"{first.net_amount} {first.tax_amount}")

    assert [said.partition(":")[0] for _, said in rows] == [
        "net 1500, tax 270",
        "net 1500, no tax given",
        "net 1500, tax 270",
        "rejected `ambiguous-item`",
    ]
    assert read == ["1500.00 270.00", "1500.00 None", "1500.00 270.00", "ambiguous-item"]
