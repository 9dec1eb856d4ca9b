"""Doubts about an invoice whose every value could be read: sums, words, GST and signs."""

from collections.abc import Mapping
from typing import Final

from invoice_parser import codes
from invoice_parser.amounts import to_decimal
from invoice_parser.findings import Findings
from invoice_parser.items import Items
from invoice_parser.reading import Values
from invoice_parser.values import quoted
from invoice_parser.words import read_words

_ONE_UNIT: Final = 100


def check(values: Values, items: Items, findings: Findings) -> None:
    """Add what does not agree to the findings."""
    amounts, lines, tax = values.amounts, values.lines, values.tax
    net, total = amounts["net_amount"], amounts["total_amount"]
    if net + tax != total:
        _note_total(net, tax, total, lines["total_amount"], findings)
    if items.read:
        _check_items(net, tax, items, lines, findings)
    else:
        findings.add(codes.NO_ITEMS, "There are no items.")
    if words := values.texts.get("amount_in_words"):
        _check_words(words, total, lines["amount_in_words"], findings)
    if "cgst_amount" in amounts or "igst_amount" in amounts:
        _check_gst(amounts, lines, findings)
    if min(amounts.values()) < 0:
        _check_signs(amounts, lines, findings)


def _note_total(net: int, tax: int, total: int, line: int, findings: Findings) -> None:
    code = codes.ROUNDED_TOTAL if abs(total - net - tax) < _ONE_UNIT else codes.TOTAL_MISMATCH
    findings.add(
        code,
        f"Net {to_decimal(net)} and taxes {to_decimal(tax)} make {to_decimal(net + tax)}, "
        f"but the total is {to_decimal(total)}.",
        line,
    )


def _check_items(net: int, tax: int, items: Items, lines: Mapping[str, int], findings: Findings) -> None:
    if items.net_sum != net:
        findings.add(
            codes.ITEMS_NET_MISMATCH,
            f"The items' nets make {to_decimal(items.net_sum)}, but the net amount is {to_decimal(net)}.",
            lines["net_amount"],
        )
    if items.tax_sum is not None and items.tax_sum != tax:
        findings.add(
            codes.ITEMS_TAX_MISMATCH,
            f"The items' taxes make {to_decimal(items.tax_sum)}, but the taxes are {to_decimal(tax)}.",
        )


def _check_words(words: str, total: int, line: int, findings: Findings) -> None:
    amount = read_words(words)
    if amount is None:
        findings.add(codes.WORDS_UNREADABLE, f"{quoted(words)} cannot be read as an amount.", line)
    elif amount != total:
        findings.add(
            codes.WORDS_MISMATCH,
            f"The words say {to_decimal(amount)}, but the total is {to_decimal(total)}.",
            line,
        )


def _check_gst(amounts: Mapping[str, int], lines: Mapping[str, int], findings: Findings) -> None:
    """Within a state CGST equals SGST (or UTGST, in a union territory); across states IGST stands alone."""
    central = amounts.get("cgst_amount", 0)
    state = amounts.get("sgst_amount", 0) + amounts.get("utgst_amount", 0)
    if (
        central != state
        and "cgst_amount" in amounts
        and ("sgst_amount" in amounts or "utgst_amount" in amounts)
    ):
        findings.add(
            codes.GST_SPLIT,
            f"CGST is {to_decimal(central)}, but SGST and UTGST make {to_decimal(state)}.",
            lines["cgst_amount"],
        )
    if amounts.get("igst_amount") and (central or state):
        findings.add(codes.GST_MIXED, "IGST stands beside CGST, SGST or UTGST.", lines["igst_amount"])


def _check_signs(amounts: Mapping[str, int], lines: Mapping[str, int], findings: Findings) -> None:
    if any(amount > 0 for amount in amounts.values()):
        findings.add(codes.MIXED_SIGNS, "Some amounts are negative, others positive.", lines["total_amount"])
    else:
        findings.add(codes.CREDIT_NOTE, "Every amount is negative.", lines["total_amount"])
