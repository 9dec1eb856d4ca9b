"""What Django's database errors mean: which pass when tried again, and what mends the others.

The numbers of MySQL and MariaDB:
https://dev.mysql.com/doc/mysql-errors/8.4/en/server-error-reference.html
"""

import random
import time
from collections.abc import Callable
from typing import TypeVar

from django.db import (
    Error,
    InterfaceError,
    InternalError,
    OperationalError,
    ProgrammingError,
    connections,
)

from api.ports import TemporaryFailure

_Result = TypeVar("_Result")

_ATTEMPTS = 5
_FIRST_WAIT_SECONDS = 0.03
# No new try begins after this, so that the last one with its time-outs fits in what SNS waits.
_LAST_TRY_SECONDS = 3.0

_LOGIN = "the database refuses the login: check user, password and grants"
_NO_DATABASE = "the database does not exist: check the name in DOCPROC_LEDGER"
_NO_TABLE = "the tables are missing or old: run manage.py migrate --database ledger"
_FULL = "the disk of the database is full or read-only"
_NO_FILE = "the file cannot be opened: check the path in DOCPROC_LEDGER and who may write there"
_PACKET = "raise the server's max_allowed_packet to 16 MiB or more"

# What waiting will not cure. Every other fault of the server, the network or a lock may pass.
_MENDS: dict[int | str, str] = {
    1021: _FULL,
    1044: _LOGIN,
    1045: _LOGIN,
    1049: _NO_DATABASE,
    1054: _NO_TABLE,
    1114: _FULL,
    1142: _LOGIN,
    1143: _LOGIN,
    1146: _NO_TABLE,
    1153: _PACKET,
    1698: _LOGIN,
    "attempt to write a readonly database": _FULL,
    "database or disk is full": _FULL,
    "no such column": _NO_TABLE,
    "no such table": _NO_TABLE,
    "unable to open database file": _NO_FILE,
}


def run(
    using: str,
    operation: str,
    work: Callable[[], _Result],
    sleep: Callable[[float], None] = time.sleep,
) -> _Result:
    """Return what `work` returns, doing it again while its fault may pass.

    `work` must be safe to repeat, also when it was done and only the answer was lost. Raises
    TemporaryFailure; an error of the request itself (DataError, IntegrityError) rises as it is.
    """
    started_at = time.monotonic()
    for attempt in range(_ATTEMPTS):
        try:
            return work()
        except (OperationalError, InterfaceError, InternalError, ProgrammingError) as error:
            # A lost connection, or one to a writer that has become a reader, cures itself only
            # by a new one; the next use makes it.
            connections[using].close()
            code, mend = _explain(error)
            is_late = time.monotonic() - started_at > _LAST_TRY_SECONDS
            if mend or is_late or attempt == _ATTEMPTS - 1:
                raise TemporaryFailure("sql", operation, code, mend) from error
        # Full jitter: two that deadlocked shall not meet again.
        sleep(random.uniform(0, _FIRST_WAIT_SECONDS * 2**attempt))  # noqa: S311 - no secret
    raise AssertionError("the last attempt returns or raises")


def _explain(error: Error) -> tuple[str, str]:
    """Return a code for the log and the mend, empty when waiting is the cure."""
    code = error.args[0] if error.args else ""
    if isinstance(code, int):
        return str(code), _MENDS.get(code, "")
    for words, mend in _MENDS.items():
        if isinstance(words, str) and words in str(code):
            return words, mend
    if isinstance(error, ProgrammingError):
        return type(error).__name__, _NO_TABLE
    # A driver's message may hold the address and the user; only SQLite's are known to be plain.
    return ("database is locked" if "locked" in str(code) else type(error).__name__), ""
