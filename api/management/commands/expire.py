"""Drop texts that are kept longer than they need to be."""

import time
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from api import wiring
from api.maintenance.expire import expire
from api.maintenance.lease import LeaseTaken, held
from api.management.operator import holder, now
from invoice_parser.wording import counted

TELL_SECONDS = 10


class Command(BaseCommand):
    """`manage.py expire`."""

    help = "Drop the ledger's texts older than DOCPROC_KEEP_TEXTS_DAYS; rows, reasons and outcomes stay."

    def handle(self, *_args: Any, **_options: Any) -> None:  # noqa: ANN401 - Django's signature
        """Drop them once."""
        keep_days = settings.DOCPROC_KEEP_TEXTS_DAYS
        if not keep_days:
            self.stdout.write("DOCPROC_KEEP_TEXTS_DAYS is 0: texts are kept for ever")
            return
        try:
            with held(wiring.ledger(), "expire", holder(), now) as lease:
                count = expire(
                    wiring.ledger(), now(), keep_days=keep_days, keep=lease.keep, say=_Teller(self)
                )
        except LeaseTaken as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"dropped {counted(count, 'text')} older than {counted(keep_days, 'day')}")


class _Teller:
    """Tells every ten seconds how far it is, on a terminal or not: a first sweep can take minutes."""

    def __init__(self, command: BaseCommand) -> None:
        self._command, self._told = command, time.monotonic()

    def __call__(self, until: datetime, count: int) -> None:
        if time.monotonic() >= self._told + TELL_SECONDS:
            self._told = time.monotonic()
            self._command.stdout.write(f"up to {until:%Y-%m-%d}: dropped {counted(count, 'text')}")
            self._command.stdout.flush()
