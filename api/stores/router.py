"""Keeps the ledger's tables in a database of their own, apart from users and sessions."""

from typing import Any

from django.db.models import Model

LEDGER = "ledger"
_APP = "api"


class LedgerRouter:
    """Sends the models of `api` to the database `ledger`, and nothing else there.

    Without such a database (the ledger is DynamoDB) the models have no tables anywhere.
    """

    def db_for_read(self, model: type[Model], **_: Any) -> str | None:  # noqa: ANN401 - Django's signature
        """Return where a model is read."""
        return LEDGER if model._meta.app_label == _APP else None  # noqa: SLF001 - Django's documented name

    db_for_write = db_for_read

    def allow_migrate(self, db: str, app_label: str, **_: Any) -> bool:  # noqa: ANN401 - Django's signature
        """Tell whether the application's tables belong into the database."""
        return (db == LEDGER) == (app_label == _APP)
