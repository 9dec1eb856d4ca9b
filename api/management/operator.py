"""What the commands of operators share: who acts and why, and progress on a terminal."""

import getpass
import os
import socket
from argparse import ArgumentTypeError
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser

from api import wiring
from api.acts import ActRefused, Acts, Operator
from api.records import Revision
from invoice_parser.wording import printable

MAX_NAME_CHARACTERS: Final = 150  # of Django's User.username, and so of its login form


def now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


def holder() -> str:
    """Return a name for this process, for leases and logs."""
    return f"{socket.gethostname()}:{os.getpid()}"


class ActCommand(BaseCommand):
    """A command that acts: it wants a reason, and keeps it with who and when."""

    def add_arguments(self, parser: CommandParser) -> None:
        """Add who and why."""
        parser.add_argument("--why", required=True, help="the reason; it is kept with the act")
        parser.add_argument("--who", help="who acts (default: the account's name)")

    def operator(self, options: dict[str, Any]) -> Operator:
        """Return who acts. Raises CommandError."""
        return operator(options)


def operator(options: dict[str, Any]) -> Operator:
    """Return who acts, as an ActCommand's options say. Raises CommandError for no name or no good reason."""
    try:
        return Operator(who=_who(options["who"]), why=options["why"], at=now())
    except ActRefused as error:
        raise CommandError(printable(str(error))) from error


def _who(named: str | None) -> str:
    """Return the name that was given, or the account's."""
    if named is not None:
        return named
    try:
        return getpass.getuser()
    except (KeyError, OSError) as error:  # KeyError before Python 3.13
        raise CommandError(
            f"the account with the number {os.getuid()} has no name: say who acts with --who NAME"
        ) from error


class StatusCommand(ActCommand):
    """A command that gives an invoice another status, as long as it is as the operator saw it."""

    done = ""

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the invoice's ids and the revision that was seen."""
        parser.add_argument("customer_id")
        parser.add_argument("invoice_id")
        parser.add_argument(
            "--rev",
            type=whole(1, 999_999),
            help="act only if this is still the current revision, as `history` shows it",
        )
        super().add_arguments(parser)

    def handle(self, *_args: Any, **options: Any) -> None:  # noqa: ANN401 - Django's signature
        """Act, and tell the revision that it made."""
        ids = options["customer_id"], options["invoice_id"]
        try:
            revision = self.act(wiring.acts(), *ids, options["rev"], self.operator(options))
        except ActRefused as error:
            raise CommandError(printable(str(error))) from error
        named = printable(f"{revision.customer_id} {revision.invoice_id}")
        self.stdout.write(f"{self.done}: {named}, now revision {revision.rev}")

    def act(
        self, acts: Acts, customer_id: str, invoice_id: str, rev: int | None, operator: Operator
    ) -> Revision:
        """Carry the act out. Raises ActRefused."""
        raise NotImplementedError


class Progress:
    """One line that is rewritten on a terminal, and silence elsewhere."""

    def __init__(self, command: BaseCommand) -> None:
        self._out = command.stderr
        self._is_terminal = command.stderr.isatty()

    def __call__(self, state: object) -> None:
        """Show the state."""
        if self._is_terminal:
            self._out.write(f"\r\033[K{state}", ending="")
            self._out.flush()

    def end(self) -> None:
        """Leave the line."""
        if self._is_terminal:
            self._out.write("\r\033[K", ending="")


def whole(low: int, high: int) -> Callable[[str], int]:
    """Return a reader of whole numbers in that range, for an option."""

    def read(value: str) -> int:
        if not (value.isascii() and value.isdigit() and low <= int(value[:20]) <= high):
            raise ArgumentTypeError(f"write a whole number from {low} to {high}")
        return int(value)

    return read


def account_name(value: str) -> str:
    """Return the value, for an option, if the login form takes it as a name."""
    if not 1 <= len(value) <= MAX_NAME_CHARACTERS:
        raise ArgumentTypeError(
            f"the name has {len(value)} characters; the login form takes 1 to {MAX_NAME_CHARACTERS}"
        )
    return value


def parse_document(value: str) -> tuple[str, str]:
    """Return (source_key, version_id) of KEY@VERSION; the last @ separates."""
    source_key, _, version_id = value.rpartition("@")
    if not source_key or not version_id:
        raise ArgumentTypeError(
            f"{value!r} names no document; write KEY@VERSION as `rejections list` shows it"
        )
    return source_key, version_id
