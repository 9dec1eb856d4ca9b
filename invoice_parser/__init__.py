"""Text invoices: bytes in, an Invoice out, or an InvoiceError that says where and why."""
