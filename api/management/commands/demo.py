"""The whole flow on embedded AWS."""

import os
import sys

from django.conf import settings
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    """`manage.py demo [--once] [--ledger dynamodb|sqlite] [--port N]`."""

    help = "Run the whole flow on embedded AWS: no account, no internet; Ctrl-C stops all of it."

    def run_from_argv(self, argv: list[str]) -> None:
        """Hand over to infra.local, which makes the service's settings before it loads Django."""
        os.chdir(settings.BASE_DIR)
        os.execv(sys.executable, [sys.executable, "-m", "infra.local", *argv[2:]])  # noqa: S606 - our own program
