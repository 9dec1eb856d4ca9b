"""A link that logs in once, for local mode."""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.urls import reverse

from api.access import GROUPS
from api.management.operator import account_name
from api.pages.links import LIFE_SECONDS, make_token


class Command(BaseCommand):
    """`manage.py loginlink`."""

    help = f"Print a link that logs in once, within {LIFE_SECONDS // 60} minutes. Local mode only."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the account, its role and where the service listens."""
        parser.add_argument(
            "--name", type=account_name, default="demo", help="the account; it is made if need be"
        )
        parser.add_argument("--role", default="operator", choices=GROUPS)
        parser.add_argument("--url", default="http://127.0.0.1:8000", help="where the service listens")

    def handle(self, **options: Any) -> str:  # noqa: ANN401 - Django hands over what argparse read
        """Make the account, print the link."""
        if not settings.DOCPROC_AWS_ENDPOINT_URL:
            raise CommandError("Login links are for local mode: DOCPROC_AWS_ENDPOINT_URL is not set.")
        if urlsplit(options["url"]).scheme not in {"http", "https"}:
            raise CommandError("--url is where the service listens, like http://127.0.0.1:8000.")
        user, is_new = User.objects.get_or_create(username=options["name"])
        if is_new:
            user.set_unusable_password()
            user.save()
        user.groups.set([Group.objects.get_or_create(name=options["role"])[0]])
        url: str = options["url"]
        return url.rstrip("/") + reverse("login-link", args=[make_token(user.username)])
