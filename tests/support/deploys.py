"""Deploys: parsers of other releases in the place of this one's."""

from dataclasses import replace
from typing import Literal, TypeAlias
from unittest.mock import patch

from invoice_parser import Invoice, parse

Release: TypeAlias = Literal["as it is", "other names", "other ids"]
_IDS = {"INV-1": "INV-2"}


class Deploys:
    """Between `begin` and `end` the service parses as the release says."""

    def __init__(self) -> None:
        self.release: Release = "as it is"
        self.had_other_ids = False
        self._patch = patch("api.pipeline.parse", self._parse)

    def begin(self) -> None:
        """Take the parser's place."""
        self._patch.start()

    def end(self) -> None:
        """Give it back."""
        self._patch.stop()

    def deploy(self, release: Release) -> None:
        """Go on with another release."""
        self.release = release
        self.had_other_ids |= release == "other ids"

    def _parse(self, data: bytes, *, day_first: bool | None = None) -> Invoice:
        invoice = parse(data, day_first=day_first)
        if self.release == "other names":
            return replace(invoice, seller_name=invoice.seller_name.upper())
        if self.release == "other ids":
            return replace(invoice, invoice_id=_IDS.get(invoice.invoice_id, "INV-3"))
        return invoice
