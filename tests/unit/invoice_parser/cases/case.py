"""The base document of the hard cases, and short ways to write one with one thing changed."""

from dataclasses import dataclass, field

from invoice_parser import REJECTIONS

BASE = """\
Customer-ID: C-1
Inv-ID: INV-7
Dated: 2018-03-31
From: Seller Ltd
To: Buyer GmbH
Amount: 7650
SGST: 500
Total: 8150
InWords: Eight thousand one hundred fifty only

Items
1) Controller, 7000, 500
2) Damper, 650
"""


@dataclass
class Case:
    name: str
    data: bytes
    refused: str = ""
    findings: tuple[str, ...] = ()
    values: dict[str, object] = field(default_factory=dict)


def swap(*pairs: tuple[str, str]) -> bytes:
    """Return the base document with lines replaced."""
    text = BASE
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    return text.encode()


def line(old: str, new: str, expected: str = "", /, **values: object) -> Case:
    """Return the case of one line written otherwise."""
    known = expected in REJECTIONS
    findings = () if known else tuple(expected.split())
    return Case(f"{old} -> {new}", swap((old, new)), expected if known else "", findings, values)


def amounts(net: str, tax: str, total: str, expected: str = "", /, **values: object) -> Case:
    """Return the case of other amounts, without items and words."""
    text = BASE.partition("InWords")[0].replace("Amount: 7650", f"Amount: {net}")
    text = text.replace("SGST: 500", f"SGST: {tax}").replace("Total: 8150", f"Total: {total}")
    known = expected in REJECTIONS
    findings = () if known else ("no-items", *expected.split())
    return Case(f"{net} + {tax} = {total}", text.encode(), expected if known else "", findings, values)


def item(text: str, expected: str = "", /, *parts: object) -> Case:
    """Return the case of one item alone; `parts` are its description, net and tax."""
    data = BASE.partition("1) ")[0] + text + "\n"
    known = expected in REJECTIONS
    findings = () if known else tuple(expected.split())
    return Case(
        f"item {text!r}", data.encode(), expected if known else "", findings, {"item": parts} if parts else {}
    )


def whole(name: str, data: bytes, expected: str = "", /, **values: object) -> Case:
    known = expected in REJECTIONS
    return Case(name, data, expected if known else "", () if known else tuple(expected.split()), values)
