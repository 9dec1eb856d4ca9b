"""What the commands of operators share: who acts and why, and progress on a terminal."""

import getpass
import os
import socket
from argparse import ArgumentTypeError
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from api.acts import Operator


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
        parser.add_argument("--who", default=getpass.getuser(), help="who acts (default: the account's name)")

    def operator(self, options: dict[str, Any]) -> Operator:
        """Return who acts."""
        return Operator(who=options["who"], why=options["why"], at=now())


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


def parse_document(value: str) -> tuple[str, str]:
    """Return (source_key, version_id) of KEY@VERSION; the last @ separates."""
    source_key, _, version_id = value.rpartition("@")
    if not source_key or not version_id:
        raise ArgumentTypeError(
            f"{value!r} names no document; write KEY@VERSION as `rejections list` shows it"
        )
    return source_key, version_id
