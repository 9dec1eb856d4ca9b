"""Sums, words and taxes that do not agree, written by hand from docs/invoice-format.md."""

from decimal import Decimal

from tests.unit.invoice_parser.cases.case import Case, line

CHECKS: list[Case] = [
    line("2) Damper, 650", "2) Damper, 649", "items-net-mismatch"),
    line("1) Controller, 7000, 500", "1) Controller, 7000, 499", "items-tax-mismatch"),
    line("InWords: Eight thousand", "InWords: Nine thousand", "words-mismatch"),
    line("InWords: Eight thousand one hundred fifty only", "InWords: as agreed", "words-unreadable"),
    line("InWords: Eight thousand", "InWords: Minus eight thousand", "words-mismatch"),
    line("SGST: 500", "CGST: 250\nSGST: 250", cgst_amount=Decimal("250.00"), sgst_amount=Decimal("250.00")),
    line("SGST: 500", "CGST: 200\nSGST: 300", "gst-split"),
    line("SGST: 500", "CGST: 250\nUTGST: 250", utgst_amount=Decimal("250.00")),
    line("SGST: 500", "CGST: 250\nSGST: 200\nCESS: 50", "gst-split", cess_amount=Decimal("50.00")),
    line("SGST: 500", "IGST: 500", igst_amount=Decimal("500.00")),
    line("SGST: 500", "IGST: 300\nCGST: 100\nSGST: 100", "gst-mixed"),
    line("SGST: 500", "IGST: 450\nSGST: 50", "gst-mixed"),
    line("SGST: 500", "IGST: 500\nCGST: 0\nSGST: 0"),
]
