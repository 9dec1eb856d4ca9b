"""The journal of docproc's units to CloudWatch Logs; run by docproc-logs.service.

    python -m infra.ec2.ship_logs CURSOR_FILE           (LOG_GROUP)

No distribution's CloudWatch agent reads the journal, and Ubuntu's archive has none at all. The
service's lines are JSON, and those with metrics are in CloudWatch's embedded metric format, which
CloudWatch reads from any stream: this program only carries them. At least once: the cursor moves
after AWS has taken a batch, so a crash repeats a batch and loses none.
https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html
"""

import contextlib
import json
import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypedDict

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

# CloudWatch's limits, and how long a line may wait for company.
MAX_EVENTS = 10_000
MAX_BATCH_BYTES = 1_000_000
MAX_MESSAGE_BYTES = 200_000
EVENT_OVERHEAD_BYTES = 26
FLUSH_SECONDS = 5
MAX_SPAN_MS = 23 * 3600 * 1000

# Sent again, such a batch would be refused again, and hold up all that come after it.
_WRONG = frozenset({"InvalidParameterException", "SerializationException"})
# By what lines are called and not by unit: a pattern of units is only matched against those known at
# its start.
_IDENTIFIERS = ("docproc", "nginx")


class Event(TypedDict):
    """One line, as PutLogEvents wants it."""

    timestamp: int
    message: str


@dataclass(slots=True, kw_only=True)
class Batch:
    """Lines that wait to be sent together, and the journal's cursor behind the last of them."""

    events: list[Event] = field(default_factory=list)
    size_bytes: int = 0
    cursor: str = ""

    def has_room(self, event: Event) -> bool:
        """Tell whether the event fits CloudWatch's limits beside the others."""
        if not self.events:
            return True
        first = min(self.events[0]["timestamp"], event["timestamp"])
        last = max(self.events[-1]["timestamp"], event["timestamp"])
        return (
            len(self.events) < MAX_EVENTS
            and self.size_bytes + _size(event) <= MAX_BATCH_BYTES
            and last - first < MAX_SPAN_MS
        )

    def add(self, event: Event, cursor: str) -> None:
        """Add an event that has room."""
        self.events.append(event)
        self.size_bytes += _size(event)
        self.cursor = cursor


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """One log stream; `sleep` waits between tries, for as long as CloudWatch cannot be reached."""

    client: Any
    group: str
    name: str
    sleep: Callable[[float], None] = time.sleep

    def open(self) -> None:
        """Make sure that the stream is there."""
        with contextlib.suppress(self.client.exceptions.ResourceAlreadyExistsException):
            self.client.create_log_stream(logGroupName=self.group, logStreamName=self.name)

    def send(self, batch: Batch) -> None:
        """Send the batch, however long it takes; only a batch that CloudWatch calls wrong is dropped."""
        # Their order must be that of time, and the journal's is that of arrival.
        events = sorted(batch.events, key=lambda event: event["timestamp"])
        wait_seconds = 1
        while True:
            try:
                self.client.put_log_events(logGroupName=self.group, logStreamName=self.name, logEvents=events)
            except (ClientError, BotoCoreError) as error:
                print(f"{len(events)} lines wait: {error}", file=sys.stderr)  # noqa: T201 - goes to the journal
                if isinstance(error, ClientError) and error.response["Error"]["Code"] in _WRONG:
                    return
            else:
                return
            self.sleep(wait_seconds)
            wait_seconds = min(60, 2 * wait_seconds)


def ship(entries: Iterator[str | None], stream: Stream, cursor_file: Path) -> None:
    """Send the journal's entries (JSON lines; None when none came for a while) and keep the cursor."""
    batch = Batch()
    for entry in entries:
        if entry is None:
            batch = _flush(batch, stream, cursor_file)
            continue
        event, cursor = _event(json.loads(entry))
        if not batch.has_room(event):
            batch = _flush(batch, stream, cursor_file)
        batch.add(event, cursor)
    _flush(batch, stream, cursor_file)


def follow(command: list[str]) -> Iterator[str | None]:
    """Yield each line that the command prints, and None whenever FLUSH_SECONDS have passed."""
    with subprocess.Popen(command, stdout=subprocess.PIPE) as journal:  # noqa: S603 - our own constants
        output = journal.stdout
        if output is None:
            return
        due, rest = time.monotonic() + FLUSH_SECONDS, b""
        while True:
            ready, _, _ = select.select([output], [], [], max(0.0, due - time.monotonic()))
            if ready:
                block = os.read(output.fileno(), 1 << 16)
                if not block:
                    return
                *lines, rest = (rest + block).split(b"\n")
                yield from (line.decode() for line in lines if line)
            if time.monotonic() >= due:
                yield None
                due = time.monotonic() + FLUSH_SECONDS


def journal_command(cursor_file: Path) -> list[str]:
    """Return the command that prints the journal of our units from the cursor on, and follows it."""
    # --follow without --merge means this boot only: what the last one left unsent would stay so.
    command = ["journalctl", "--follow", "--merge", "--output=json", "--all"]
    command += [f"--identifier={identifier}" for identifier in _IDENTIFIERS]
    cursor = cursor_file.read_text(encoding="utf-8").strip() if cursor_file.exists() else ""
    return [*command, f"--after-cursor={cursor}" if cursor else "--lines=all"]


def _flush(batch: Batch, stream: Stream, cursor_file: Path) -> Batch:
    if batch.events:
        stream.send(batch)
        temporary = cursor_file.with_suffix(".new")
        temporary.write_text(batch.cursor, encoding="utf-8")
        temporary.replace(cursor_file)
    return Batch()


def _event(entry: dict[str, Any]) -> tuple[Event, str]:
    """Return the journal's entry as an event, and its cursor; bytes that are no text come as a list."""
    message = entry.get("MESSAGE") or ""
    if isinstance(message, list):
        message = bytes(message).decode(errors="replace")
    text = message.encode()[:MAX_MESSAGE_BYTES].decode(errors="ignore") or "-"
    return Event(timestamp=int(entry["__REALTIME_TIMESTAMP"]) // 1000, message=text), entry["__CURSOR"]


def _size(event: Event) -> int:
    return len(event["message"].encode()) + EVENT_OVERHEAD_BYTES


def main() -> None:
    """Ship until the journal ends, which it does when the service is stopped."""
    cursor_file = Path(sys.argv[1])
    config = Config(connect_timeout=3, read_timeout=20, retries={"mode": "standard", "total_max_attempts": 3})
    make: Callable[..., Any] = boto3.session.Session().client
    stream = Stream(
        client=make("logs", config=config), group=os.environ["LOG_GROUP"], name=socket.gethostname()
    )
    stream.open()
    ship(follow(journal_command(cursor_file)), stream, cursor_file)


if __name__ == "__main__":
    main()
