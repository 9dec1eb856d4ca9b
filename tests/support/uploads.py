"""What the model knows of an upload."""

from dataclasses import dataclass
from datetime import datetime

from tests.support.invoices import invoice_text

RUBBISH = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """One version, by the key that the ledger knows it by.

    `order` is when S3 says that it began, and a number that counts all; `amount` is RUBBISH when
    the text is no invoice that can be read.
    """

    source_key: str
    version_id: str
    order: tuple[datetime, int]
    amount: str
    data: bytes
    bucket: str
    key: str

    @property
    def place(self) -> tuple[str, str]:
        """The document's key in the ledger."""
        return self.source_key, self.version_id


def text_of(invoice_id: str, amount: str) -> bytes:
    """Return an invoice's text; one that is rejected as bad-amount for RUBBISH."""
    return invoice_text(invoice_id=invoice_id, amount=amount or "1.0.0")
