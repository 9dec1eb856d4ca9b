"""Collects the findings of one document, bounded however many doubts it gives rise to."""

from typing import Final

from invoice_parser.invoice import Finding

MAX_PER_CODE: Final = 20


class Findings:
    """The findings in the order of their appearance, at most MAX_PER_CODE of each code."""

    def __init__(self) -> None:
        self._kept: list[Finding] = []
        self._counts: dict[str, int] = {}

    def add(self, code: str, message: str, line: int = 0) -> None:
        """Note a finding; beyond the limit only its number counts."""
        count = self._counts[code] = self._counts.get(code, 0) + 1
        if count <= MAX_PER_CODE:
            self._kept.append(Finding(code, message, line))

    def result(self) -> tuple[Finding, ...]:
        """Return what was found; the last kept one of a code says how many more there were."""
        for code, count in self._counts.items():
            if count > MAX_PER_CODE:
                place = max(i for i, finding in enumerate(self._kept) if finding.code == code)
                last = self._kept[place]
                self._kept[place] = Finding(
                    code, f"{last.message} (and {count - MAX_PER_CODE} more like this)", last.line
                )
        return tuple(self._kept)
