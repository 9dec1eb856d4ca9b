"""The hard cases of the folder `cases`: what must be refused, what found, what read."""

import pytest

from invoice_parser import FINDINGS, REJECTIONS, Invoice, InvoiceError, parse
from tests.unit.invoice_parser.cases.amounts import AMOUNTS
from tests.unit.invoice_parser.cases.case import Case
from tests.unit.invoice_parser.cases.checks import CHECKS
from tests.unit.invoice_parser.cases.dates import DATES
from tests.unit.invoice_parser.cases.fields import FIELDS
from tests.unit.invoice_parser.cases.items import ITEMS
from tests.unit.invoice_parser.cases.text import TEXT

CASES = TEXT + FIELDS + AMOUNTS + DATES + ITEMS + CHECKS


def value(invoice: Invoice, name: str) -> object:
    if name == "issue_date":
        return invoice.issue_date.isoformat()
    if name == "item":
        item = invoice.items[0]
        tax = None if item.tax_amount is None else str(item.tax_amount)
        return item.description, str(item.net_amount), tax
    return getattr(invoice, name)


@pytest.mark.parametrize("case", [case for case in CASES if case.refused], ids=lambda case: case.name[:60])
def test_is_refused(case: Case) -> None:
    with pytest.raises(InvoiceError) as refusal:
        parse(case.data)

    assert refusal.value.code == case.refused


@pytest.mark.parametrize(
    "case", [case for case in CASES if not case.refused], ids=lambda case: case.name[:60]
)
def test_is_read_with_these_findings_and_values(case: Case) -> None:
    invoice = parse(case.data)

    assert {finding.code for finding in invoice.findings} == set(case.findings)
    assert {name: value(invoice, name) for name in case.values} == case.values


def test_has_a_case_for_every_code() -> None:
    tried = {case.refused for case in CASES} | {code for case in CASES for code in case.findings}

    assert len(CASES) >= 120
    assert tried - {""} == REJECTIONS.keys() | FINDINGS.keys()
