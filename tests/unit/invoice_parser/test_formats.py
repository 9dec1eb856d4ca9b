"""A second and a third format: each is a table, and nothing else."""

import re
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from invoice_parser import STANDARD, Field, Format, InvoiceError, parse

DATA = Path(__file__).parents[2] / "data" / "invoices"

POSITIONAL = Format(
    by_position=True,
    fields=(
        Field("customer_id", ("customer id",), "identifier", required=True),
        Field("invoice_id", ("invoice id",), "identifier", required=True),
        Field("issue_date", ("date",), "date", required=True),
        Field("seller_name", ("seller",), "text", required=True),
        Field("buyer_name", ("buyer",), "text", required=True),
        Field("net_amount", ("net",), "amount", required=True),
        Field("sgst_amount", ("SGST",), "amount", required=True),
        Field("total_amount", ("total",), "amount", required=True),
    ),
    item_separator=re.compile(r" (?! )"),
)

GERMAN = Format(
    fields=(
        Field("invoice_id", ("Rechnung Nr", "Rg Nr"), "identifier", required=True),
        Field("customer_id", ("Kunde",), "identifier", required=True),
        Field("issue_date", ("Datum",), "date", required=True),
        Field("seller_name", ("Von",), "text", required=True),
        Field("buyer_name", ("An",), "text", required=True),
        Field("net_amount", ("Netto",), "amount", required=True),
        Field("igst_amount", ("USt",), "amount"),
        Field("total_amount", ("Brutto",), "amount", required=True),
    ),
    titles=frozenset(("rechnung",)),
    items_heading="posten",
)


class TestPositionalFormat:
    def test_reads_lines_by_their_place(self) -> None:
        invoice = parse((DATA / "positional.txt").read_bytes(), formats=(POSITIONAL,))

        assert (invoice.customer_id, invoice.invoice_id, invoice.issue_date) == (
            "hb-0042",
            "INV-44",
            date(2026, 4, 1),
        )
        assert (invoice.seller_name, invoice.buyer_name) == ("Harbor Bakers", "Hotel Blue Anchor")
        assert [
            (item.line_number, item.description, item.net_amount, item.tax_amount) for item in invoice.items
        ] == [
            (1, "Bread loaves sliced", Decimal(100), Decimal(18)),
            (2, "Rolls No 7", Decimal(200), Decimal(36)),
        ]
        assert invoice.findings == ()

    def test_reads_the_genuine_positional_sample(self, shared: Path) -> None:
        data = (shared / "samples" / "04_positional_no_labels.txt").read_bytes()

        invoice = parse(data, formats=(POSITIONAL,))

        assert (invoice.customer_id, invoice.invoice_id, invoice.total_amount) == (
            "sm-LK0080145",
            "inv-00001",
            Decimal("8150.00"),
        )
        assert [item.net_amount for item in invoice.items] == [2000, 3100, 500, 1200, 850]
        assert [item.tax_amount for item in invoice.items] == [200, 180, 35, 85, None]
        assert invoice.findings == ()

    def test_is_not_read_by_the_standard_format(self) -> None:
        with pytest.raises(InvoiceError, match="missing-field"):
            parse((DATA / "positional.txt").read_bytes())

    def test_joins_a_wrapped_item(self) -> None:
        data = (DATA / "positional.txt").read_bytes().replace(b"loaves sliced", b"loaves\nsliced")

        invoice = parse(data, formats=(POSITIONAL,))

        assert invoice.items[0].description == "Bread loaves sliced"

    def test_misses_what_is_not_there(self) -> None:
        with pytest.raises(InvoiceError, match="missing-field: There is no date"):
            parse(b"hb-0042\nINV-44\n", formats=(POSITIONAL,))


class TestLabelledFormat:
    DATA = b"""RECHNUNG
Rg Nr: 2026-7 Kunde: k9
Datum: 03.04.2026
Von: B\xc3\xa4ckerei
An: Hotel
Netto: EUR 100 USt: EUR 19 Brutto: EUR 119
Posten
1. Brot, EUR 100, EUR 19
"""

    def test_reads_its_own_labels_also_of_two_words(self) -> None:
        invoice = parse(self.DATA, day_first=True, formats=(GERMAN,))

        assert (invoice.invoice_id, invoice.customer_id) == ("2026-7", "k9")
        assert (invoice.issue_date, invoice.currency, invoice.igst_amount) == (
            date(2026, 4, 3),
            "EUR",
            Decimal(19),
        )
        assert invoice.findings == ()

    def test_finds_a_label_of_two_words_in_the_middle_of_a_line(self) -> None:
        data = self.DATA.replace(b"Rg Nr: 2026-7 Kunde: k9", b"Kunde: k9 Rechnung Nr : 2026-7")

        invoice = parse(data, day_first=True, formats=(GERMAN,))

        assert (invoice.invoice_id, invoice.customer_id) == ("2026-7", "k9")


class TestSeveralFormats:
    def test_takes_the_first_that_reads_the_document(self) -> None:
        canonical = (DATA / "canonical.txt").read_bytes()
        positional = (DATA / "positional.txt").read_bytes()

        assert parse(canonical, formats=(POSITIONAL, STANDARD)).invoice_id == "inv-00001"
        assert parse(positional, formats=(STANDARD, POSITIONAL)).invoice_id == "INV-44"

    def test_reports_what_the_first_one_says_when_none_reads_it(self) -> None:
        with pytest.raises(InvoiceError, match="There is no Inv-ID"):
            parse(b"Hello\n", formats=(STANDARD, POSITIONAL))

    def test_needs_a_format(self) -> None:
        with pytest.raises(ValueError, match="at least one format"):
            parse(b"Hello\n", formats=())
