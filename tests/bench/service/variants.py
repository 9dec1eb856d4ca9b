"""The ways to do the work that are compared; their code is in tests/bench/variants."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

from infra.local.service import COMMAND, HOST, ROOT

# What docproc does not depend on lives in an environment of its own; `make` makes it.
_PEERS = str(ROOT / ".venv-bench" / "bin" / "python")
_GUNICORN = (sys.executable, "-m", "gunicorn", "--no-control-socket", "-k", "gthread", "--threads=64")
_BOUND = (f"--bind={HOST}:{{port}}", "--workers={workers}", "--keep-alive=75")
_PLACE = "tests.bench.variants"
_CALLS = {"GetObject": 1, "PutItem": 1, "PutObject": 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One way to do the work. `{port}` and `{workers}` in the command are filled in at the start.

    `calls` are the calls of AWS that an invoice costs, `ready_path` answers when it can take messages;
    `is_server` is false for what is called in its own process, `parses` for what stores the text as it is.
    """

    name: str
    what: str
    command: tuple[str, ...]
    calls: Mapping[str, int] = field(default_factory=lambda: _CALLS)
    ready_path: str = "/"
    is_server: bool = True
    parses: bool = True


DOCPROC = Variant(
    name="docproc",
    what="all of it, under its production server",
    command=COMMAND,
    calls={"GetObject": 1, "TransactWriteItems": 1, "PutObject": 1},
    ready_path="/readyz",
)
RUNSERVER = Variant(
    name="original-runserver",
    what="the original's way: boto3 resources, Django's development server",
    command=(sys.executable, "-m", f"{_PLACE}.original", f"{HOST}:{{port}}"),
)
ORIGINAL = Variant(
    name="original",
    what="the original's way under gunicorn",
    command=(*_GUNICORN, *_BOUND, f"{_PLACE}.original"),
)
PLAIN = Variant(
    name="plain",
    what="Django and boto3 clients, verified, conditional, under gunicorn",
    command=(*_GUNICORN, *_BOUND, f"{_PLACE}.plain"),
)
LAMBDA = Variant(
    name="lambda",
    what="a Lambda handler with Powertools' idempotency, in process",
    command=(_PEERS, "-m", f"{_PLACE}.lambda_handler", "{port}"),
    calls={"GetObject": 1, "PutItem": 2, "UpdateItem": 1, "PutObject": 1},
    is_server=False,
)
FLOOR = Variant(
    name="floor",
    what="verification and three calls signed by hand, granian, no Django",
    command=(
        *(_PEERS, "-m", "granian", "--interface=wsgi", f"--host={HOST}", "--port={port}"),
        *("--workers={workers}", "--blocking-threads=64", "--no-ws", "--log-level=warning"),
        f"{_PLACE}.floor:application",
    ),
    parses=False,
)
ALL = (DOCPROC, RUNSERVER, ORIGINAL, PLAIN, LAMBDA, FLOOR)
