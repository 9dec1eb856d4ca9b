"""Documents and revisions for the ledgers' tests, with a value in every field."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from api.records import Act, Document, Reason, Revision

AT = datetime(2026, 1, 27, 10, 11, 12, 345678, tzinfo=UTC)
ROW = (
    b'"ACME","INV-1","2026-01-26","Seller Ltd","Buyer GmbH","1200.00","216.00","1416.00",'
    b'"one thousand four hundred sixteen","INR","108.00","108.00","0.00","0.00","0.00",'
    b'"[{""line_number"": 1}]","","active","1","in/a.txt","2026-01-27T10:11:12.345678Z","1"\n'
)
TEXT = b"Customer-ID: ACME\nInv-ID: INV-1\n"


def act(kind: Any = "withdraw", at: datetime = AT, why: str = "sent twice") -> Act:
    """Return an act."""
    return Act(kind=kind, who="olga", why=why, at=at)


def document(**changes: Any) -> Document:
    """Return a document that was stored as revision 1 of ACME's INV-1."""
    stored = Document(
        source_key="in/a.txt",
        version_id="v1",
        outcome="stored",
        recorded_at=AT,
        customer_id="ACME",
        invoice_id="INV-1",
        rev=1,
        etag="9b2cf535f27731c974343645a3985328",
        size_bytes=33,
        sha256="ab" * 32,
        sequencer="0055AED6DCD90281E5",
        last_modified_at=AT.replace(microsecond=0) - timedelta(seconds=3),
        message_id="22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
    )
    return replace(stored, **changes)


def rejection(**changes: Any) -> Document:
    """Return an open rejection with its text."""
    reason = Reason(code="no-amount", message="no line says Amount", line=5, column=9)
    return replace(
        document(outcome="rejected", reason=reason, rev=0, data=TEXT, is_open=True, attempts=2), **changes
    )


def revision(**changes: Any) -> Revision:
    """Return revision 1 of ACME's INV-1."""
    first = Revision(
        customer_id="ACME",
        invoice_id="INV-1",
        rev=1,
        status="active",
        stored_at=AT,
        row=ROW,
        csv_key="csv/v1/ingest=2026-01-27-10/ACME_INV-1-r000001.csv",
        data=TEXT,
        sha256="ab" * 32,
        source_key="in/a.txt",
        version_id="v1",
        sequencer="0055AED6DCD90281E5",
        last_modified_at=AT.replace(microsecond=0) - timedelta(seconds=3),
    )
    return replace(first, **changes)
