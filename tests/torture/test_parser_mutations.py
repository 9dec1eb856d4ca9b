"""Mutated documents: whatever a document becomes, the parser answers with an exact Invoice or its error.

A mutation replaces, removes, doubles, swaps or inserts bytes, lines and awkward tokens. Every
answer is checked for what must hold of any invoice, so a wrong guess has somewhere to show.
"""

import csv
import io
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest

from invoice_parser import (
    FINDINGS,
    REJECTIONS,
    Invoice,
    InvoiceError,
    csv_row,
    decode,
    parse,
    read_row,
    row_content,
    split_lines,
)

DATA = Path(__file__).parents[1] / "data" / "invoices"
SEEDS = [path.read_bytes() for path in sorted(DATA.glob("*.txt"))]
TOKENS = [
    token.encode()
    for token in (
        *"0 9 , . ; : - ( ) ' \" / + _ ₹ $".split(),  # noqa: SIM905 - a list of tokens reads best as words
        *(
            "\n",
            "\r",
            "\t",
            "  ",
            "\u00a0",
            "\u200b",
            "\u202e",
            "\uff1a",
            "\0",
            "\x1a",
            "\x85",
            "\u2028",
            "é",
            "😀",
        ),
        *(
            "Total:",
            "Amount: 1",
            "Inv-ID: x",
            "Items\n",
            "1) ",
            "99. ",
            ", 1, 2",
            "Rs.",
            "CR",
            "/-",
            "7,650.00",
        ),
        *(
            "1,23,456",
            "1e5",
            "nan",
            "-0",
            "\u0966",
            "03/04/2018",
            "Feb 30",
            "today",
            "million",
            "and paise",
            "..",
            "Ship To:",
        ),
    )
] + [b"\xff", b"\xc3", b"\x81", b"\xff\xfe", b"\xef\xbb\xbf", b"%PDF"]
# No mutation makes a small document as large or as empty as these need.
OUT_OF_REACH = {"too-large", "line-too-long", "too-many-items", "empty"}
STORED_AT = datetime(2026, 11, 21, tzinfo=UTC)
AMOUNTS = ("net", "cgst", "sgst", "utgst", "igst", "cess", "tax", "total")


def mutated(data: bytes, random: Random) -> bytes:
    """Return the document with one to four changes."""
    for _ in range(random.randint(1, 4)):
        place = random.randrange(len(data) + 1)
        end = min(len(data), place + random.choice((0, 1, 1, 2, 8, 40)))
        change = random.randrange(7)
        if change == 0:
            data = data[:place] + bytes([random.randrange(256)]) + data[place + 1 :]
        elif change == 1:
            data = data[:place] + data[end:]
        elif change == 2:
            data = data[:end] + data[place:]
        elif change in (3, 4):
            data = data[:place] + random.choice(TOKENS) + data[end:]
        else:
            lines = data.splitlines(keepends=True) or [b""]
            one, other = random.randrange(len(lines)), random.randrange(len(lines))
            if change == 5:
                lines[one], lines[other] = lines[other], lines[one]
            else:
                lines.insert(one, random.choice(random.choice(SEEDS).splitlines(keepends=True)))
            data = b"".join(lines)
    return data


def documents(count: int, seed: int) -> Iterator[bytes]:
    random = Random(seed)
    for number in range(count):
        data = mutated(SEEDS[number % len(SEEDS)], random)
        if number % 50 == 0:
            data = data.decode(errors="replace").encode(
                random.choice(("utf-16", "utf-32", "cp1252", "utf-16-le")), "replace"
            )
        yield data


def check_error(data: bytes, error: InvoiceError) -> None:
    assert error.code in REJECTIONS
    assert error.message
    if error.code == "undecodable":
        assert 2 <= error.line + error.column <= len(data) + 2
    elif error.line:
        lines = split_lines(decode(data)[0])
        assert 1 <= error.line <= len(lines)
        assert 0 <= error.column <= len(lines[error.line - 1]) + 1


def check_invoice(data: bytes, invoice: Invoice) -> None:
    text, encoding = decode(data)
    assert encoding == invoice.encoding
    assert text.encode(encoding) == data
    assert parse(data) == invoice
    for name in (invoice.customer_id, invoice.invoice_id):
        assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,63}", name)
        assert ".." not in name
    assert 1990 <= invoice.issue_date.year <= 2100
    text = "".join(c for c in text if c in "\r\n\t" or unicodedata.category(c) not in ("Cc", "Cf"))
    assert str(invoice.issue_date.year) in text
    assert all(
        value == value.strip() for value in (invoice.seller_name, invoice.buyer_name, invoice.amount_in_words)
    )
    assert invoice.seller_name
    assert invoice.buyer_name
    check_amounts(text, invoice)
    lines = split_lines(text)
    assert all(1 <= line <= len(lines) for line in invoice.lines.values())
    assert all(finding.code in FINDINGS and 0 <= finding.line <= len(lines) for finding in invoice.findings)
    check_row(invoice)


def check_amounts(text: str, invoice: Invoice) -> None:
    amounts = {name: getattr(invoice, f"{name}_amount") for name in AMOUNTS}
    per_item = [
        amount
        for item in invoice.items
        for amount in (item.net_amount, item.tax_amount)
        if amount is not None
    ]
    assert all(amount.as_tuple().exponent == -2 for amount in (*amounts.values(), *per_item))
    taxes = sum(amounts[name] for name in AMOUNTS[1:6])
    assert amounts["tax"] == taxes
    codes = {finding.code for finding in invoice.findings}
    assert (amounts["net"] + taxes == amounts["total"]) == codes.isdisjoint(
        {"rounded-total", "total-mismatch"}
    )
    assert (sum(item.net_amount for item in invoice.items) == amounts["net"] or not invoice.items) == (
        "items-net-mismatch" not in codes
    )
    # Every amount that was read stands in the text as a number, grouped or not: none was made up.
    numbers = re.findall(r"[0-9][0-9,]*(?:\.[0-9]+)?", text)
    written = {
        Decimal(part) for number in numbers for part in (number.replace(",", ""), *number.split(",")) if part
    }
    assert {abs(amount) for amount in (amounts["net"], amounts["total"], *per_item)} <= written


def check_row(invoice: Invoice) -> None:
    row = csv_row(invoice, status="active", rev=1, source_key="k", stored_at=STORED_AT)
    values = read_row(row)
    assert row.decode().splitlines() == [row.decode()[:-1]]
    assert list(csv.reader(io.StringIO(row.decode(), newline=""))) == [list(values.values())]
    assert values["seller_name"] == invoice.seller_name
    assert values["total_amount"] == str(invoice.total_amount)
    assert len(row_content(row)) == 17


def torture(count: int, seed: int) -> Counter[str]:
    """Parse that many mutated documents; return how often each answer came."""
    answers: Counter[str] = Counter()
    for data in documents(count, seed):
        try:
            invoice = parse(data)
        except InvoiceError as error:
            check_error(data, error)
            answers[error.code] += 1
        else:
            check_invoice(data, invoice)
            answers["read with findings" if invoice.findings else "read"] += 1
    return answers


def test_answers_thousands_of_mutated_documents() -> None:
    answers = torture(4_000, seed=4)

    assert answers.total() == 4_000
    assert (
        min(answers["read"], answers["read with findings"], answers["bad-amount"], answers["missing-field"])
        > 50
    )


@pytest.mark.slow
def test_answers_a_hundred_thousand_mutated_documents() -> None:
    answers = torture(120_000, seed=120)

    print(f"\n{answers.total()} mutations of {len(SEEDS)} documents:")
    for answer, count in answers.most_common():
        print(f"{count:7} {answer}")
    assert answers.total() >= 100_000
    assert answers.keys() == REJECTIONS.keys() - OUT_OF_REACH | {"read", "read with findings"}
