"""A sample invoice to try the service with; its id is new each time, so that it is no duplicate."""

from datetime import date
from typing import Final

_TEXT: Final = """\
******************************************************************
                             Invoice
******************************************************************
Customer-ID: sample-customer
Inv-ID: sample-{token}
Dated: {day:%B} {day.day} {day.year}
From: Space Mechanics Inc.
To: Starfleet Interplanetary HQ
Amount: INR 7,650.00
CGST: INR 250.00
SGST: INR 250.00
Total: INR 8,150.00
InWords: Eight thousand one hundred fifty rupees only

Items
1) Matter antimatter fusion controller, 2000.00, 200.00
2) External inertial damper, 3100.00, 180.00
3) Type X phaser, 500.00, 35.00
4) 2MW fusion reactor, 1200.00, 85.00
5) Transporter base dial, 850.00, 0.00
"""


def sample_text(token: str, day: date) -> str:
    """Return an invoice that every check passes."""
    return _TEXT.format(token=token, day=day)
