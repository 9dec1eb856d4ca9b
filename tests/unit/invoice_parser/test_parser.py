"""Whole documents: the seeds, where a fault is, what does not matter."""

from datetime import date
from decimal import Decimal, localcontext
from hashlib import md5
from pathlib import Path

import pytest

from invoice_parser import Finding, InvoiceError, LineItem, parse

DATA = Path(__file__).parents[2] / "data" / "invoices"
CANONICAL = (DATA / "canonical.txt").read_bytes()


def items(*parts: tuple[int, str, str, str | None]) -> tuple[LineItem, ...]:
    return tuple(
        LineItem(
            line_number=number,
            description=description,
            net_amount=Decimal(net),
            tax_amount=None if tax is None else Decimal(tax),
        )
        for number, description, net, tax in parts
    )


ENTERPRISE = items(
    (1, "Matter antimatter fusion controller", "2000.00", "200.00"),
    (2, "External inertial damper", "3100.00", "180.00"),
    (3, "Type X phaser", "500.00", "35.00"),
    (4, "2MW Fusion reactor", "1200.00", "85.00"),
    (5, "Transporter base dial", "850.00", None),
)


class TestCanonicalSample:
    def test_is_the_canonical_one(self) -> None:
        assert len(CANONICAL) == 572
        assert md5(CANONICAL, usedforsecurity=False).hexdigest() == "2fafdc4705f330664733b544dbcabc43"

    def test_is_read_whole(self) -> None:
        invoice = parse(CANONICAL)

        assert invoice.customer_id == "sm-LK0080145"
        assert invoice.invoice_id == "inv-00001"
        assert invoice.issue_date == date(2018, 3, 31)
        assert invoice.seller_name == "Space Mechanics Inc."
        assert invoice.buyer_name == "Starfleet Interplanatory HQ"
        assert invoice.currency == ""
        assert str(invoice.net_amount) == "7650.00"
        assert str(invoice.sgst_amount) == "500.00"
        assert {invoice.cgst_amount, invoice.utgst_amount, invoice.igst_amount, invoice.cess_amount} == {
            Decimal(0)
        }
        assert str(invoice.tax_amount) == "500.00"
        assert str(invoice.total_amount) == "8150.00"
        assert invoice.amount_in_words == "Space Rupees Eight thousand one hundred fifty only"
        assert invoice.items == ENTERPRISE
        assert invoice.findings == ()

    def test_says_which_line_gave_what(self) -> None:
        invoice = parse(CANONICAL)

        assert invoice.lines == {
            "customer_id": 4,
            "invoice_id": 5,
            "issue_date": 6,
            "seller_name": 7,
            "buyer_name": 8,
            "net_amount": 9,
            "sgst_amount": 10,
            "total_amount": 11,
            "amount_in_words": 12,
        }
        assert [item.line for item in invoice.items] == [15, 16, 17, 18, 19]


class TestSeedVariants:
    @pytest.mark.parametrize(
        ("name", "currency"),
        [
            ("01_canonical_572B.txt", ""),
            ("02_SR_slash_dash.txt", "SR"),
            ("03_quoted.txt", ""),
            ("05_semicolons_as_stored_by_original.txt", ""),
        ],
    )
    def test_read_as_the_canonical_one(self, shared: Path, name: str, currency: str) -> None:
        invoice = parse((shared / "samples" / name).read_bytes())

        assert invoice.currency == currency
        assert invoice.total_amount == Decimal(8150)
        assert invoice.seller_name == "Space Mechanics Inc."
        assert invoice.amount_in_words == "Space Rupees Eight thousand one hundred fifty only"
        assert invoice.items == ENTERPRISE
        assert invoice.findings == ()

    def test_refuses_the_one_without_labels(self, shared: Path) -> None:
        with pytest.raises(InvoiceError, match="missing-field"):
            parse((shared / "samples" / "04_positional_no_labels.txt").read_bytes())

    def test_reads_the_collapsed_one_but_not_its_typesetting(self, shared: Path) -> None:
        invoice = parse((shared / "samples" / "06_seed1_collapsed_lines.txt").read_bytes())

        assert (invoice.invoice_id, invoice.issue_date) == ("inv-00001", date(2018, 3, 31))
        assert [invoice.net_amount, invoice.sgst_amount, invoice.total_amount] == [7650, 500, 8150]
        assert invoice.items == ENTERPRISE
        assert [(finding.code, finding.line) for finding in invoice.findings] == [("unknown-field", 11)]


class TestOurVariants:
    def test_reads_currency_marks(self) -> None:
        invoice = parse((DATA / "currency_marks.txt").read_bytes())

        assert (invoice.invoice_id, invoice.issue_date) == ("INV/2025-26/042", date(2026, 3, 31))
        assert invoice.seller_name == "Harbor Bakers & Sons, Kochi"
        assert (invoice.currency, str(invoice.net_amount), str(invoice.tax_amount)) == (
            "INR",
            "123456.50",
            "22222.18",
        )
        assert invoice.items == items(
            (1, "Wheat flour, 50 kg bags", "100000.00", "18000.00"),
            (2, "Almonds (sliced)", "23456.50", "4222.18"),
        )
        assert invoice.findings == ()

    def test_reads_quoted_values(self) -> None:
        invoice = parse((DATA / "quoted.txt").read_bytes())

        assert (invoice.seller_name, invoice.buyer_name) == ("O'Neill's Harbor Bakers", "Hotel Blue Anchor")
        assert invoice.items == items(
            (1, "Bread, sliced", "100.00", "18.00"), (2, "Rolls", "200.00", "36.00")
        )
        assert invoice.findings == ()

    def test_reads_semicolons(self) -> None:
        invoice = parse((DATA / "semicolons.txt").read_bytes())

        assert invoice.items == items(
            (1, "Bread, sliced", "1000.00", "180.00"), (2, "Rolls", "500.00", "90.00")
        )
        assert invoice.findings == ()

    def test_reads_collapsed_lines_and_leaves_free_text_alone(self) -> None:
        invoice = parse((DATA / "collapsed.txt").read_bytes())

        assert (invoice.customer_id, invoice.invoice_id, invoice.issue_date) == (
            "hb-0042",
            "INV-46",
            date(2026, 4, 3),
        )
        assert invoice.seller_name == "Harbor Bakers: the best, since 1901"
        assert invoice.buyer_name == "Hotel Blue Anchor, Total: comfort"
        assert [invoice.net_amount, invoice.igst_amount, invoice.total_amount] == [100, 18, 118]


class TestPlaceOfAFault:
    @pytest.mark.parametrize(
        ("old", "new", "code", "line", "column"),
        [
            (b"Amount: 7650", b"Amount: 7,65", "bad-amount", 9, 9),
            (b"Amount: 7650", b"Amount :   '7,65'", "bad-amount", 9, 13),
            (b"Amount: 7650\nSGST: 500", b"Amount: 7650 SGST: 5x0", "bad-amount", 9, 20),
            (b"Dated: Mar 31 2018", b"Dated: Feb 30 2018", "bad-date", 6, 8),
            (b"Inv-ID: inv-00001", b"Inv-ID:\t\xe2\x80\x8b?", "bad-identifier", 5, 10),
            (b"Total: 8150", b"Total:  ", "missing-field", 11, 7),
            (b"Total: 8150", b"Total: 8150\nTotal: 8151", "conflicting-field", 12, 8),
            (b"3) Type X phaser, 500, 35", b"3) Type X phaser", "bad-item", 17, 4),
            (b"\nItems", b"", "missing-field", 0, 0),
        ],
    )
    def test_is_told(self, old: bytes, new: bytes, code: str, line: int, column: int) -> None:
        data = CANONICAL.replace(old, new) if line else b"Inv-ID: i\n"

        with pytest.raises(InvoiceError) as refusal:
            parse(data)

        assert (refusal.value.code, refusal.value.line, refusal.value.column) == (code, line, column)

    def test_counts_without_the_byte_order_mark(self) -> None:
        data = CANONICAL.replace(b"Inv-ID: inv-00001", b"Inv-ID: ?").decode().encode("utf-16")

        with pytest.raises(InvoiceError) as refusal:
            parse(data)

        assert (refusal.value.line, refusal.value.column) == (5, 9)

    def test_of_an_undecodable_byte(self) -> None:
        with pytest.raises(InvoiceError) as refusal:
            parse(b"Inv-ID: 1\r\nFrom: \x81")

        assert (refusal.value.code, refusal.value.line, refusal.value.column) == ("undecodable", 2, 7)

    def test_reads_as_editors_like_it(self) -> None:
        with pytest.raises(InvoiceError) as refusal:
            parse(CANONICAL.replace(b"8150\n", b"8150x\n"))

        assert str(refusal.value) == "11:8: bad-amount: Total: “8150x” is no amount; write it like 1234.50."


class TestFindings:
    def test_names_the_line(self) -> None:
        invoice = parse(CANONICAL.replace(b"Total: 8150", b"Total: 8160"))

        assert invoice.findings == (
            Finding(
                "total-mismatch", "Net 7650.00 and taxes 500.00 make 8150.00, but the total is 8160.00.", 11
            ),
            Finding("words-mismatch", "The words say 8150.00, but the total is 8160.00.", 12),
        )

    def test_keeps_twenty_of_a_code_and_counts_the_rest(self) -> None:
        invoice = parse(CANONICAL + b"and so on\n" * 50)

        assert len(invoice.findings) == 20
        assert {finding.code for finding in invoice.findings} == {"unrecognised-line"}
        assert invoice.findings[-1].message.endswith("(and 30 more like this)")


class TestParse:
    def test_settles_an_ambiguous_date_as_told(self) -> None:
        data = CANONICAL.replace(b"Mar 31 2018", b"03/04/2018")

        assert parse(data, day_first=True).issue_date == date(2018, 4, 3)
        assert parse(data, day_first=False).issue_date == date(2018, 3, 4)

    def test_does_not_depend_on_the_decimal_context(self) -> None:
        expected = parse(CANONICAL)

        with localcontext() as context:
            context.prec = 2
            invoice = parse(CANONICAL)

        assert invoice == expected
        assert str(invoice.total_amount) == "8150.00"

    def test_compares_what_the_invoice_says_and_not_how(self) -> None:
        assert parse(CANONICAL.decode().encode("utf-16")) == parse(CANONICAL)
        assert parse(CANONICAL.replace(b"8150\n", b"8150.00\n")) == parse(CANONICAL)
        assert parse(CANONICAL.replace(b"8150\n", b"8151\n")) != parse(CANONICAL)
