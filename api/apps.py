"""The Django application: registers the system checks."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    """docproc's only application."""

    name = "api"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the checks; importing the module does it."""
        from api import checks  # noqa: F401, PLC0415 - Django wants its apps loaded before
