#!/usr/bin/env python
"""Run one of docproc's commands; `manage.py help` lists them."""

import os
import signal
import sys
from types import FrameType

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

from api.ports import TemporaryFailure
from invoice_parser.ending import ended_well


def main() -> int:
    """Run the command that the arguments name and return the exit status; no way to end it is a stack trace.

    A command that exits by itself, Django's way after an error, raises SystemExit.
    """
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "docproc.settings")
    # As Ctrl-C does: the lease is given back, or the next start would wait until it expires.
    # A command that has a handler of its own (runserver, the demo) sets it later.
    signal.signal(signal.SIGTERM, _end)
    return ended_well(_run)


def _run() -> int:
    """Run the command; what an operator can mend is said in a sentence."""
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(f"{error}")
    except TemporaryFailure as failure:
        sys.exit(f"That did not work now, and may be half done; it is safe to repeat. {failure}")
    except RuntimeError as error:
        # DuckDB raises this amid a query, in the place of what the handler of a signal raised.
        if str(error) != "Query interrupted":
            raise
        is_terminated = signal.getsignal(signal.SIGTERM) is signal.SIG_IGN  # by _end
        sys.exit(128 + (signal.SIGTERM if is_terminated else signal.SIGINT))
    return 0


def _end(number: int, _frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_IGN)  # a second one shall not cut the way out short
    sys.exit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
