"""Where docproc's CPU goes: each stage of a notification, one message at a time, in this process.

    python tests/bench/profile_service.py [--messages 600]

Docproc's own WSGI application, settings and clients, against the stand-in for AWS in another process. The
stages are timed by the clock of the process's CPU, so that work in other threads counts too; a stage's
time is its own, without that of the stages within it. What no stage names is the last line, and the lines
add up to the whole. The server around it (sockets, HTTP, threads) is not in it: it is the difference to
what bench_service.py measures for the whole tree of processes.
"""

import argparse
import io
import logging
import os
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Mapping
from email.parser import BytesParser
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.bench.service import corpus, servers
from tests.bench.service.rounds import Rig, rig

WARM_UP = 100
ROUND = 100


class Stages:
    """Exclusive CPU seconds by stage."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self._open = [""]
        self._since = process_time()

    def wrap(self, owner: Any, name: str, stage: str) -> None:
        """Let what the owner has under that name count as the stage."""
        inner: Callable[..., Any] = getattr(owner, name)

        def timed(*arguments: Any, **named: Any) -> Any:
            self._switch()
            self._open.append(stage)
            try:
                return inner(*arguments, **named)
            finally:
                self._switch()
                self._open.pop()

        setattr(owner, name, timed)

    def take(self) -> dict[str, float]:
        """Return what was counted since the last time."""
        self._switch()
        taken, self.seconds = dict(self.seconds), defaultdict(float)
        return taken

    def _switch(self) -> None:
        now = process_time()
        self.seconds[self._open[-1]] += now - self._since
        self._since = now


def prepare(it: Rig, scratch: Path) -> Callable[[Mapping[str, Any]], int]:
    """Return docproc's application as a function of a WSGI environment to a status."""
    os.environ.update(servers.settings(it.aws, scratch, port=0, workers=1))
    os.environ["DJANGO_SETTINGS_MODULE"] = "docproc.settings"
    from docproc.wsgi import application  # noqa: PLC0415 - its settings are known only now

    # As in production each message writes its line, here into nothing.
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.StreamHandler):
            handler.setStream(Path(os.devnull).open("w"))  # noqa: SIM115 - open to the end

    def post(environ: Mapping[str, Any]) -> int:
        statuses = list[str]()

        def start_response(status: str, *_: object) -> Callable[[bytes], object]:
            statuses.append(status)
            return lambda _: None

        for _ in application(dict(environ), start_response):
            pass
        return int(statuses[0][:3])

    return post


def mark(stages: Stages) -> None:
    """Name the stages."""
    # Imported here, since they need the settings.
    from api import delivery, pipeline, sns, strict_json, views, wiring  # noqa: PLC0415 - see above

    ports = wiring.pipeline()
    stages.wrap(sns, "_verify", "verify: RSA and SHA-256")
    stages.wrap(strict_json, "loads", "JSON: the message and the event")
    stages.wrap(sns.Gate, "admit", "gate: all other rules")
    stages.wrap(delivery, "parse", "event: its objects")
    stages.wrap(pipeline, "parse", "parse: text to invoice")
    stages.wrap(pipeline, "decide", "decide: outcome, row, revision")
    stages.wrap(type(ports.source), "read", "S3 GetObject")
    stages.wrap(type(ports.ledger), "commit", "DynamoDB TransactWriteItems")
    stages.wrap(type(ports.sink), "put_row", "S3 PutObject")
    stages.wrap(views, "_report", "log: one line, metrics")


def environ_of(post: bytes) -> dict[str, Any]:
    """Return the WSGI environment that a server makes of the request."""
    head, _, body = post.partition(b"\r\n\r\n")
    headers = BytesParser().parsebytes(head.partition(b"\r\n")[2])
    named = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}
    return named | {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/sns",
        "SCRIPT_NAME": "",
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_TYPE": named["HTTP_CONTENT_TYPE"],
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.url_scheme": "http",
        "wsgi.input": body,
        "wsgi.errors": sys.stderr,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="where docproc's CPU goes")
    parser.add_argument("--messages", type=int, default=600)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, rig(Path(folder), seconds=1, rounds=1) as it:
        environs = [environ_of(post) for post in corpus.read(it.file)[: WARM_UP + options.messages]]
        post = prepare(it, Path(folder))
        stages = Stages()
        mark(stages)

        def run(some: list[dict[str, Any]]) -> dict[str, float]:
            ready = [each | {"wsgi.input": io.BytesIO(each["wsgi.input"])} for each in some]
            stages.take()
            statuses = {post(each) for each in ready}
            taken = stages.take()
            if statuses != {200}:
                sys.exit(f"failed: answers {statuses}")
            return taken

        run(environs[:WARM_UP])
        starts = range(WARM_UP, len(environs) - ROUND + 1, ROUND)
        rounds = [run(environs[start : start + ROUND]) for start in starts]
    show(rounds)


def show(rounds: list[dict[str, float]]) -> None:
    """Print microseconds a message by stage: the round of the median whole, so that the lines add up."""
    wholes = [sum(each.values()) for each in rounds]
    of_median = min(rounds, key=lambda each: abs(sum(each.values()) - median(wholes)))
    whole = sum(of_median.values())
    named = sorted(((name, took) for name, took in of_median.items() if name), key=lambda each: -each[1])
    rest = ("the rest: Django, routing, what no stage names", of_median[""])
    print(f"CPU of a message, the middle one of {len(rounds)} rounds of {ROUND}")
    print(f"{'':<48}{'microseconds':>14}{'share':>8}")
    for name, took in (*named, rest, ("the whole", whole)):
        print(f"{name:<48}{took / ROUND * 1e6:>14.0f}{took / whole:>8.1%}")


if __name__ == "__main__":
    main()
