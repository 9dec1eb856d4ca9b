"""Codes: the documentation lists every one, with the meaning that the code gives it."""

import re
from pathlib import Path

from invoice_parser import FINDINGS, REJECTIONS

PAGE = Path(__file__).parents[3] / "docs" / "invoice-format.md"


def listed(heading: str) -> dict[str, str]:
    """Return the rows of the table under the heading."""
    section = PAGE.read_text().partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return dict(re.findall(r"^\| `([a-z-]+)` \| (.+?) \|", section, re.MULTILINE))


def test_lists_the_rejections() -> None:
    assert listed("Why a document is rejected") == REJECTIONS


def test_lists_the_findings() -> None:
    assert listed("What is found doubtful") == FINDINGS


def test_gives_no_code_two_meanings() -> None:
    assert not REJECTIONS.keys() & FINDINGS.keys()
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", code) for code in REJECTIONS | FINDINGS)
