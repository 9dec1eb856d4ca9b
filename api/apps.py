"""The Django application: registers the system checks, and makes what `migrate` leaves out."""

from typing import Any

from django.apps import AppConfig
from django.core.management import call_command
from django.db import DEFAULT_DB_ALIAS
from django.db.models.signals import post_migrate


class ApiConfig(AppConfig):
    """docproc's only application."""

    name = "api"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the checks; importing the module does it."""
        from api import checks  # noqa: F401, PLC0415 - Django wants its apps loaded before

        post_migrate.connect(_prepare_accounts, sender=self)


def _prepare_accounts(using: str, **_: Any) -> None:  # noqa: ANN401 - Django's signature
    """Make the roles' groups, and the table of what all processes must agree on about logins."""
    if using != DEFAULT_DB_ALIAS:
        return  # the ledger's database has no accounts
    from api.access import make_groups  # noqa: PLC0415 - the same

    make_groups()
    call_command("createcachetable", database=using, verbosity=0)
