"""Accounts and their roles."""

import sys
from getpass import GetPassWarning, getpass
from typing import Any
from warnings import catch_warnings, simplefilter

from django.contrib.auth.models import Group, User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from api.access import GROUPS, role_of
from api.management.operator import account_name


class Command(BaseCommand):
    """`manage.py person [NAME] [--role ROLE] [--password|--password-stdin] [--remove|--restore]`."""

    help = "List the accounts; make one, change its role or password, or shut it out."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take a name and what to change."""
        parser.add_argument(
            "name", nargs="?", type=account_name, help="the account; without one all are listed"
        )
        parser.add_argument("--role", choices=GROUPS, help="what the person may do")
        parser.add_argument("--password", action="store_true", help="ask for a new password")
        parser.add_argument(
            "--password-stdin", action="store_true", help="read the new password from standard input"
        )
        access = parser.add_mutually_exclusive_group()
        access.add_argument("--remove", action="store_true", help="shut the account out; its acts stay")
        access.add_argument("--restore", action="store_true", help="let the account in again")

    def handle(self, **options: Any) -> None:  # noqa: ANN401 - Django hands over what argparse read
        """Change what is asked for, then show the account."""
        if not options["name"]:
            _refuse_nameless(options)
            for user in User.objects.order_by("username"):
                self._show(user)
            return
        is_new = not User.objects.filter(username=options["name"]).exists()
        if is_new and options["remove"]:
            raise CommandError(f"there is no account {options['name']}")
        user = User(username=options["name"]) if is_new else User.objects.get(username=options["name"])
        if options["password"] or options["password_stdin"] or is_new:
            user.set_password(_new_password(user, is_piped=options["password_stdin"]))
        if options["remove"] or options["restore"]:
            user.is_active = bool(options["restore"])
        user.save()
        if options["role"]:
            user.groups.set([Group.objects.get_or_create(name=options["role"])[0]])
        self._show(user)

    def _show(self, user: User) -> None:
        role = role_of(user) if user.is_active else "shut out"
        self.stdout.write(f"{user.username}: {'no role' if role == 'account' else role}")


def _refuse_nameless(options: dict[str, Any]) -> None:
    """Raise CommandError for a change of nobody."""
    changes = ("role", "password", "password_stdin", "remove", "restore")
    for option in (f"--{change.replace('_', '-')}" for change in changes if options[change]):
        raise CommandError(f"{option} changes an account: write `person NAME {option} …`", returncode=2)


def _new_password(user: User, *, is_piped: bool) -> str:
    password = sys.stdin.readline().rstrip("\r\n") if is_piped else _asked()
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise CommandError(" ".join(error.messages)) from error
    return password


def _asked() -> str:
    try:
        with catch_warnings():
            # Where there is no terminal getpass warns and then shows what is typed.
            simplefilter("error", GetPassWarning)
            password = getpass("New password: ")
            again = getpass("Once more: ")
    except (GetPassWarning, EOFError) as error:
        raise CommandError(
            "There is no terminal to ask for the password on; give it with --password-stdin."
        ) from error
    if again != password:
        raise CommandError("The two are not the same; nothing changed.")
    return password
