"""The Django project: settings, URLs and the entry of the server. It knows no invoices."""
