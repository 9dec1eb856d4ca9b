"""The parser's findings as checks that an invoice passed or not; every code belongs to one check. Pure."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from invoice_parser import FINDINGS, Finding, Invoice


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What is checked, the codes that say it failed, and to which invoices it applies."""

    title: str
    codes: frozenset[str]
    applies: Callable[[Invoice], bool] = lambda _: True


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A check's outcome; `findings` say why it did not pass."""

    title: str
    outcome: Literal["pass", "finding", "none"]
    findings: tuple[Finding, ...] = ()


CHECKS: Final = (
    Check(title="Net and taxes make the total", codes=frozenset({"rounded-total", "total-mismatch"})),
    Check(
        title="The items' nets make the net amount",
        codes=frozenset({"items-net-mismatch"}),
        applies=lambda invoice: bool(invoice.items),
    ),
    Check(
        title="The items' taxes make the taxes",
        codes=frozenset({"items-tax-mismatch"}),
        applies=lambda invoice: any(item.tax_amount is not None for item in invoice.items),
    ),
    Check(
        title="The amount in words is the total",
        codes=frozenset({"words-mismatch", "words-unreadable"}),
        applies=lambda invoice: bool(invoice.amount_in_words),
    ),
    Check(
        title="CGST equals SGST and UTGST",
        codes=frozenset({"gst-split"}),
        applies=lambda invoice: bool(invoice.cgst_amount),
    ),
    Check(
        title="IGST stands alone",
        codes=frozenset({"gst-mixed"}),
        applies=lambda invoice: bool(invoice.igst_amount),
    ),
    Check(title="All amounts are positive", codes=frozenset({"credit-note", "mixed-signs"})),
    Check(
        title="There are items, numbered one after the other",
        codes=frozenset({"no-items", "item-numbering"}),
    ),
    Check(
        title="Every line was understood",
        codes=frozenset({"unrecognised-line", "unknown-field", "empty-field", "repeated-field"}),
    ),
    Check(
        title="The text is whole and readable",
        codes=frozenset({"encoding-assumed", "invisible-characters", "damaged-characters"}),
    ),
)


def outcomes(invoice: Invoice) -> tuple[Checked, ...]:
    """Return each check's outcome for an invoice as today's parser reads it."""
    return tuple(_outcome(check, invoice, invoice.findings) for check in CHECKS)


def findings_of(codes: Collection[str]) -> tuple[Finding, ...]:
    """Return kept codes as findings with their general meaning; they know no lines."""
    return tuple(Finding(code, FINDINGS.get(code, ""), 0) for code in codes)


def _outcome(check: Check, invoice: Invoice, findings: Sequence[Finding]) -> Checked:
    found = tuple(finding for finding in findings if finding.code in check.codes)
    if found:
        return Checked(title=check.title, outcome="finding", findings=found)
    return Checked(title=check.title, outcome="pass" if check.applies(invoice) else "none")
