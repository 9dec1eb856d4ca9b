"""The time grows with the document and with nothing else, whatever an adversary writes.

Each shape is measured against itself: four times the length may take four times as long, and a
quadratic step would take sixteen times. CPU time, the best of several runs, with a margin of two.
"""

import gc
from collections.abc import Callable
from contextlib import suppress
from time import process_time

import pytest

from invoice_parser import InvoiceError, parse

HEAD = "Customer-ID: C-1\nInv-ID: INV-7\nDated: 2018-03-31\nFrom: a\nTo: b\nAmount: 1\nTotal: 1\n"

# One line of the length, at most 10,000 characters: refused or not, it must be looked at once.
LINES: dict[str, Callable[[int], str]] = {
    "blanks before a colon": lambda n: "x" + " " * n + ":",
    "blanks in an amount": lambda n: "SGST: 1" + " " * n + "2",
    "blanks in a date": lambda n: "Dated: 31" + " " * n + "March 2018",
    "blanks and dashes in an item": lambda n: "Items\n" + " " * (n // 2) + "-" + " " * (n // 2) + "x",
    "blanks in an item": lambda n: "Items\n1) a" + " " * n + "b, 1",
    "colons": lambda n: "SGST: 1" + ":" * n,
    "words and colons": lambda n: "SGST: 1" + " 1:" * (n // 3),
    "known labels": lambda n: "SGST: 1" + " SGST: 1" * (n // 8),
    "unknown labels": lambda n: "SGST: 1" + " a: b" * (n // 5),
    "commas": lambda n: "Items\n1) a" + "," * n + " 1",
    "commas and blanks": lambda n: "Items\n1) a" + ", " * (n // 2) + "b, 1",
    "commas and digits": lambda n: "Items\n1) a, 1" + ",1" * (n // 2),
    "groups of digits": lambda n: "Items\n1) a, 1" + ",111" * (n // 4),
    "semicolons": lambda n: "Items\n1) a" + ";" * n,
    "digits": lambda n: "SGST: " + "1" * n,
    "digits of an item's number": lambda n: "Items\n" + "1" * n + ") a, 1",
    "digits of a date": lambda n: "Dated: " + "1" * n,
    "a long word": lambda n: "From: " + "a" * n,
    "long words": lambda n: "InWords: " + "one " * (n // 4),
    "a long number in words": lambda n: "InWords: " + "9" * n + "/100",
    "quotes": lambda n: "From: '" + "'" * n + "'",
    "quotes in a description": lambda n: "Items\n1) '" + "a'b" * (n // 3) + "', 1",
    "dots in an id": lambda n: "Inv-ID: a" + ".a" * (n // 2),
    "stars": lambda n: "*" * (n // 2) + "x" + "*" * (n // 2),
}
# Many lines of a kind: the whole document has the length.
DOCUMENTS: dict[str, Callable[[int], str]] = {
    "empty lines": lambda n: "\n" * n,
    "carriage returns": lambda n: "\r" * n,
    "lines of text": lambda n: "x\n" * (n // 2),
    "unknown fields": lambda n: "x:\n" * (n // 3),
    "repeated fields": lambda n: "Total: 1\n" * (n // 9),
    "repeated words": lambda n: "InWords: one\n" * (n // 13),
    "odd dates": lambda n: "".join(f"Dated: Sat 31 March 2018{' ' * (k % 9)}AD\n" for k in range(n // 100)),
    "wrapped items": lambda n: "Items\n" + ("1) a\n" + "b, c\n" * 6 + "d, 1\n") * (n // 42),
    "items": lambda n: "Items\n" + "1) a, b, 1, 2\n" * (n // 14),
    "items with long commas": lambda n: "Items\n" + ("1) a" + ",b" * 4_000 + ", 1\n") * (n // 8_008),
    "wide items": lambda n: "Items\n" + ("1)" + " a" * 4_000 + "\n" + "b" * 4_000 + ", 1\n") * (n // 12_000),
    "invisible characters": lambda n: ("\u200b" * 500 + "\n") * (n // 1_501),
    "wide characters": lambda n: ("\U0001f600" * 500 + "\n") * (n // 2_001),
    "damaged characters": lambda n: ("\ufffd" * 500 + "\n") * (n // 1_501),
}


def cost(data: bytes, runs: int) -> float:
    """Return the least CPU time of a run; what it returns is not the point here."""
    best = float("inf")
    for _ in range(runs):
        start = process_time()
        with suppress(InvoiceError):
            parse(data)
        best = min(best, process_time() - start)
    return best


def growth(shape: Callable[[int], str], length: int, runs: int) -> float:
    """Return how much longer four times the length takes, less what an empty document takes."""
    gc.disable()
    try:
        empty = cost(HEAD.encode(), 30)
        small, large = (cost((HEAD + shape(size)).encode(), runs) for size in (length, 4 * length))
    finally:
        gc.enable()
    # What costs next to nothing has no growth that could be measured.
    return max(large - empty, 0.0) / max(small - empty, 50e-6)


def is_linear(shape: Callable[[int], str], length: int, runs: int) -> bool:
    """Tell whether one of three attempts shows linear growth: a busy machine only adds time."""
    return any(growth(shape, length, runs) < 8 for _ in range(3))


@pytest.mark.parametrize("name", LINES)
def test_a_line_takes_time_by_its_length(name: str) -> None:
    assert is_linear(LINES[name], 2_400, runs=15)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_takes_time_by_its_length(name: str) -> None:
    assert is_linear(DOCUMENTS[name], 30_000, runs=3)


def test_would_see_quadratic_growth(monkeypatch: pytest.MonkeyPatch) -> None:
    def quadratic(data: bytes) -> None:
        for _ in data:
            data.count(b"\n")

    monkeypatch.setitem(globals(), "parse", quadratic)

    assert not is_linear(lambda n: "x" * n, 2_400, runs=3)
