"""Texts of invoices, to order."""


def invoice_text(customer_id: str = "C-1", invoice_id: str = "INV-1", amount: str = "100.00") -> bytes:
    """Return a plain invoice over one item without tax."""
    return (
        f"Customer-ID: {customer_id}\n"
        f"Inv-ID: {invoice_id}\n"
        "Dated: 2026-11-02\n"
        "From: Acme Ltd\n"
        "To: Buyer GmbH\n"
        f"Amount: {amount}\n"
        f"Total: {amount}\n"
        "\n"
        "Items\n"
        f"1) Thing, {amount}\n"
    ).encode()
