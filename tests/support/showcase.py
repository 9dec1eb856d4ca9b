"""A believable month or three of invoices, the same for the same day: for screenshots and for browsing."""

import random
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

SELLERS = (
    ("Kaveri Precision Tools Pvt. Ltd.", "INR", 42_000),
    ("Malabar Freight & Logistics", "INR", 18_500),
    ("Space Mechanics Inc.", "INR", 76_000),
    ("Utopia Planitia Hull Works", "INR", 124_000),
    ("Vega Catering Services", "INR", 6_400),
    ("Deccan Office Supplies", "INR", 3_200),
    ("Nilgiri Tea & Coffee Traders", "INR", 2_100),
    ("Hemlock Cloud Hosting Ltd", "USD", 940),
    ("Bright & Sons Consulting LLC", "USD", 3_800),
    ("O'Brien Calibration", "USD", 1_250),
)
CUSTOMERS = ("starfleet-hq", "starfleet-west", "dock-7", "academy")
GOODS = (
    "Calibration of sensor array",
    "Stabiliser bracket, hardened",
    "Freight, port to site",
    "Hull plate 40 mm",
    "Lunch for the night shift",
    "Service contract, one month",
    "Spare relay (set of 4)",
)


def invoices(today: date, count: int, days: int = 90) -> Iterator[tuple[str, bytes]]:
    """Yield (key, text) of so many invoices, issued within the last days."""
    chance = random.Random(7)
    for number in range(1, count + 1):
        seller, currency, usual = chance.choice(SELLERS)
        # Fewer on the weekend, as in life.
        day = today - timedelta(days=int(days * chance.random() ** 1.15))
        if day.weekday() > 4 and chance.random() < 0.7:
            day -= timedelta(days=2)
        customer = chance.choice(CUSTOMERS)
        yield (
            f"{slug(seller)}/{day:%Y-%m}/{number:05d}.txt",
            text(chance, number, seller, currency, usual, day, customer),
        )


def slug(seller: str) -> str:
    """Return the seller's name for a key."""
    return seller.split(maxsplit=1)[0].lower().replace("'", "")


def text(
    chance: random.Random, number: int, seller: str, currency: str, usual: int, day: date, customer: str
) -> bytes:
    """Return the text of one invoice; one in twelve is doubtful."""
    items = []
    for line in range(1, chance.randint(2, 6)):
        net = Decimal(int(usual * chance.uniform(0.1, 0.6) * 100)) / 100
        items.append((line, chance.choice(GOODS), net))
    net = sum((item[2] for item in items), Decimal(0))
    half = (net * 9 / 100).quantize(Decimal("0.01"))
    total = net + 2 * half + (Decimal("0.40") if chance.random() < 1 / 12 else 0)
    taxes = (
        f"CGST: {currency} {half}\nSGST: {currency} {half}\n"
        if currency == "INR"
        else f"IGST: {currency} {2 * half}\n"
    )
    lines = "\n".join(f"{line}) {what}, {amount}" for line, what, amount in items)
    return (
        f"Invoice\nCustomer-ID: {customer}\nInv-ID: {slug(seller)[:3].upper()}/{day:%Y}/{number:05d}\n"
        f"Dated: {day:%d %B %Y}\nFrom: {seller}\nTo: Starfleet Interplanetary HQ\n"
        f"Amount: {currency} {net}\n{taxes}Total: {currency} {total}\n\nItems\n{lines}\n"
    ).encode()


def hostile() -> bytes:
    """Return an invoice that tries to be markup, a formula, and to turn the reader's eye around."""
    return (
        "Invoice\nCustomer-ID: C-666\nInv-ID: EVIL-1\nDated: 2026-11-02\n"
        'From: =HYPERLINK("http://evil.example","x")<script>document.title="pwned"</script>\n'
        'To: "><img src=x onerror="document.title=\'pwned\'">\u202etxt.exe\n'
        "Amount: 100.00\nTotal: 100.00\n\nItems\n1) <svg onload=alert(1)> {{ 7*7 }}, 100.00\n"
    ).encode()
