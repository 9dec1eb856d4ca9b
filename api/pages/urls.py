"""The addresses of the pages; api/access.py says who may see each."""

from django.contrib.auth.views import LogoutView
from django.urls import path

from api.pages import (
    expenses,
    invoice,
    invoices,
    overview,
    people,
    queries,
    rejection,
    rejections,
    reports,
    upload,
)

urlpatterns = [
    path("", overview.overview, name="overview"),
    path("expenses", expenses.expenses, name="expenses"),
    path("expenses.<str:extension>", expenses.download, name="expenses-download"),
    path("invoices", invoices.invoices, name="invoices"),
    path("invoice", invoice.invoice, name="invoice"),
    path("invoice/text", invoice.text, name="invoice-text"),
    path("invoice/act", invoice.act, name="invoice-act"),
    path("rejections", rejections.rejections, name="rejections"),
    path("rejections/act", rejections.act, name="rejection-act"),
    path("rejection", rejection.rejection, name="rejection"),
    path("rejection/text", rejection.text, name="rejection-text"),
    path("upload", upload.upload, name="upload"),
    path("reports", reports.reports, name="reports"),
    path("reports/<slug:name>", reports.report, name="report"),
    path("reports/<slug:name>.<str:extension>", reports.download, name="report-download"),
    path("queries/cancel", queries.cancel, name="query-cancel"),
    path("login", people.Login.as_view(), name="login"),
    path("login/<str:token>", people.login_link, name="login-link"),
    path("logout", LogoutView.as_view(), name="logout"),
    path("account", people.account, name="account"),
]
