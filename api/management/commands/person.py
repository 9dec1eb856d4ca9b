"""Accounts and their roles."""

from getpass import getpass
from typing import Any

from django.contrib.auth.models import Group, User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from api.access import GROUPS, role_of


class Command(BaseCommand):
    """`manage.py person [NAME] [--role ROLE] [--password] [--remove|--restore]`."""

    help = "List the accounts; make one, change its role or password, or shut it out."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take a name and what to change."""
        parser.add_argument("name", nargs="?", help="the account; without one all are listed")
        parser.add_argument("--role", choices=GROUPS, help="what the person may do")
        parser.add_argument("--password", action="store_true", help="ask for a new password")
        parser.add_argument("--remove", action="store_true", help="shut the account out; its acts stay")
        parser.add_argument("--restore", action="store_true", help="let the account in again")

    def handle(self, **options: Any) -> None:  # noqa: ANN401 - Django hands over what argparse read
        """Change what is asked for, then show the account."""
        if not options["name"]:
            for user in User.objects.order_by("username"):
                self._show(user)
            return
        is_new = not User.objects.filter(username=options["name"]).exists()
        if is_new and options["remove"]:
            raise CommandError(f"there is no account {options['name']}")
        user = User(username=options["name"]) if is_new else User.objects.get(username=options["name"])
        if options["password"] or is_new:
            user.set_password(_new_password(user))
        if options["remove"] or options["restore"]:
            user.is_active = bool(options["restore"])
        user.save()
        if options["role"]:
            user.groups.set([Group.objects.get_or_create(name=options["role"])[0]])
        self._show(user)

    def _show(self, user: User) -> None:
        role = role_of(user) if user.is_active else "shut out"
        self.stdout.write(f"{user.username}: {'no role' if role == 'account' else role}")


def _new_password(user: User) -> str:
    password = getpass("New password: ")
    if getpass("Once more: ") != password:
        raise CommandError("The two are not the same; nothing changed.")
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise CommandError(" ".join(error.messages)) from error
    return password
