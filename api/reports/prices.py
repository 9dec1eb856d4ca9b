"""What Athena, an import and the requests below them cost, in US dollars, us-east-1, on PRICES_DATE.

https://aws.amazon.com/athena/pricing/, https://aws.amazon.com/s3/pricing/,
https://aws.amazon.com/dynamodb/pricing/on-demand/ and https://aws.amazon.com/emr/pricing/
"""

from decimal import Decimal
from typing import Final

PRICES_DATE: Final = "2026-11-01"
SCANNED_TERABYTE: Final = Decimal("5.00")
MIN_SCANNED_BYTES: Final = 10_000_000
GET_1000: Final = Decimal("0.0004")
LIST_1000: Final = Decimal("0.005")
PUT_1000: Final = Decimal("0.005")
INVENTORY_MILLION: Final = Decimal("0.0025")
WRITE_UNITS_MILLION: Final = Decimal("0.625")
READ_UNITS_MILLION: Final = Decimal("0.125")
# EMR Serverless on x86.
VCPU_HOUR: Final = Decimal("0.052624")
GIGABYTE_HOUR: Final = Decimal("0.0057785")

_TERABYTE: Final = 10**12
_MEGABYTE: Final = 10**6


def scan_dollars(scanned_bytes: int) -> Decimal:
    """Return the price of a query: megabytes rounded up, ten at least; DDL and errors scan none."""
    if scanned_bytes == 0:
        return Decimal(0)
    megabytes = -(-max(scanned_bytes, MIN_SCANNED_BYTES) // _MEGABYTE)
    return SCANNED_TERABYTE * megabytes * _MEGABYTE / _TERABYTE
