"""How a program of the command line ends when it is stopped, or nobody takes what it prints."""

import errno
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Final, TextIO

# What a shell tells of a program that SIGINT, SIGPIPE ended.
INTERRUPTED: Final = 130
NOBODY_READS: Final = 141
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def ended_well(main: Callable[[], int], *, failure: int = 1) -> int:
    """Run `main` and return its exit status, or the one for what ended it before, without a stack trace.

    130 after Ctrl-C, 141 when the reader of the output has enough (`| head`); where the output is
    closed or a disk is full, a line says so and the status is `failure`.
    """
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123 - open to the end
    if sys.stdout is None:  # nothing is done whose answer would be lost
        return _failed("standard output is closed; redirect it to a file or to /dev/null", failure)
    try:
        try:
            return main()
        finally:
            sys.stdout.flush()  # here: Python's own flush at the end can only complain
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _drop(sys.stdout)
        _drop(sys.stderr)
        return NOBODY_READS
    except OSError as error:
        if error.errno not in _FULL:
            raise
        _drop(sys.stdout)
        return _failed(f"{error.filename or 'standard output'}: cannot be written: {error.strerror}", failure)


def _failed(line: str, status: int) -> int:
    try:
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()
    except OSError:  # it goes to the same full disk
        _drop(sys.stderr)
    return status


def _drop(stream: TextIO) -> None:
    """Send to nowhere what the stream still holds, which Python would try to write once more."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
