"""`python -m infra.local [--once] …`: the demo, as a program of its own.

It is no Django command, because the settings of the service are known only once embedded AWS
listens; `manage.py demo` hands over to it.
"""

import argparse
import io
import logging
import os
import shlex
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import django
from django.core.management import call_command

from infra.local.credentials import PLACEHOLDERS, RealCredentials, refuse_real
from infra.local.screen import Screen
from infra.local.service import ROOT, PortTaken, ServiceFailed, free_port
from infra.local.state import INBOX, AlreadyRunning, NoFolder, owned
from infra.local.system import LocalSystem, inherited, running

STATE = ROOT / ".demo"
USUAL_PORT = 8000
LAST_PORT = 65_535
FIRST_SAMPLE = "01-canonical.txt"
UNACCOUNTED, CANNOT_START, INTERRUPTED = 1, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Return 0, 1 if a document is unaccounted for, 2 if it cannot start, 130 if it was cut short."""
    options = _parser().parse_args(arguments)
    # However it is told to end, the way out is the one of Ctrl-C: everything is stopped in order.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    # The settings have a secret key, the accounts are people's; the service inherits this.
    os.umask(0o077)
    screen = Screen()
    try:
        with owned(options.state.resolve()) as state:
            status = _run(screen, state, options)
    except (AlreadyRunning, NoFolder, PortTaken, RealCredentials, ServiceFailed) as error:
        print(f"demo: {error}", file=sys.stderr)
        return CANNOT_START
    except BrokenPipeError:  # `| head` has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return INTERRUPTED
    except KeyboardInterrupt:
        status = INTERRUPTED
    if not options.once or status == INTERRUPTED:
        screen.line("\nStopped; nothing is left running.")
    return status


def _run(screen: Screen, state: Path, options: argparse.Namespace) -> int:
    refuse_real(os.environ)
    shell = inherited(os.environ)
    os.environ.clear()
    os.environ.update(shell | PLACEHOLDERS)
    port, remark = _port(options.port)
    screen.title("docproc, the whole of it, on this machine", remark)
    with running(state, ledger=options.ledger, port=port, say=_Stopwatch(screen)) as system:
        os.environ.update(system.settings)
        django.setup()
        logging.getLogger("api").setLevel(logging.WARNING)  # the screen shows it all
        # The service's parts want its settings, so they come only now.
        from infra.local.demo import SAMPLES, Demo  # noqa: PLC0415
        from infra.local.evidence import show_evidence  # noqa: PLC0415

        demo = Demo(system, screen)
        as_expected = demo.upload_samples()
        first = (SAMPLES / FIRST_SAMPLE).read_bytes()
        is_balanced = show_evidence(
            system, screen, customer_id="sm-LK0080145", invoice_id="inv-00001", data=first
        )
        if not options.once:
            _invite(screen, system, state)
            with suppress(KeyboardInterrupt):
                demo.watch(state / INBOX)
        return 0 if as_expected and is_balanced else UNACCOUNTED


class _Stopwatch:
    """Says what is there and after how long."""

    def __init__(self, screen: Screen) -> None:
        self._screen, self._started = screen, time.monotonic()

    def __call__(self, name: str, fact: str) -> None:
        seconds = f"{time.monotonic() - self._started:4.1f} s"
        self._screen.line(f"  {self._screen.color(seconds, 'faint')}  {name:14}  {fact}")


def _port(wanted: int | None) -> tuple[int, str]:
    """Return the port to use and what there is to say about it. Raises PortTaken."""
    if wanted is not None:
        return free_port(wanted), ""
    try:
        return free_port(USUAL_PORT), ""
    except PortTaken:
        return free_port(0), f"port {USUAL_PORT} is in use, so the service takes another"


def _invite(screen: Screen, system: LocalSystem, state: Path) -> None:
    """Say what one can do now, in lines that work as they are."""
    folder = state.relative_to(Path.cwd()) if state.is_relative_to(Path.cwd()) else state
    settings = folder / "settings.sh"
    link = io.StringIO()
    call_command("loginlink", url=system.service.url, stdout=link)
    (state / settings.name).write_text(
        "".join(f"export {name}={shlex.quote(value)}\n" for name, value in system.settings.items()),
        encoding="utf-8",
    )
    screen.title("Your turn", "this goes on showing what arrives; Ctrl-C stops everything")
    screen.facts(
        [
            ("a document", f"cp FILE {folder / INBOX}/    (saved again, it is a new version)"),
            (
                "an invoice",
                f"sed s/inv-00001/inv-90001/ infra/local/samples/{FIRST_SAMPLE} > {folder / INBOX}/mine.txt",
            ),
            ("a command", f". {settings} && .venv/bin/python manage.py rejections list"),
        ]
    )
    # Whole, however long: a link that is cut leads nowhere.
    screen.line(f"  the pages   {link.getvalue().strip()}")
    screen.line(f"              logs in once; `manage.py loginlink --url {system.service.url}` makes another")
    screen.line()


def _port_number(value: str) -> int:
    if not (value.isascii() and value.isdigit() and int(value[:6]) <= LAST_PORT):
        raise argparse.ArgumentTypeError(f"write a port from 1 to {LAST_PORT}, or 0 for any free one")
    return int(value)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="manage.py demo", description="The whole flow on embedded AWS.")
    parser.add_argument("--once", action="store_true", help="stop after the check; exit status 1 if it fails")
    parser.add_argument("--ledger", choices=("dynamodb", "sqlite"), default="dynamodb")
    parser.add_argument(
        "--port", type=_port_number, help=f"the service's (default {USUAL_PORT}, or any if it is in use)"
    )
    parser.add_argument("--state", type=Path, default=STATE, help="a folder for its files (default .demo)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
