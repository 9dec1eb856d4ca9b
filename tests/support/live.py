"""The running service on embedded AWS, put under load, killed, and its books looked at from outside."""

import os
import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from infra.local.deliverer import Attempt, RetryPolicy
from infra.local.provision import DESTINATION_BUCKET, DOCUMENT_TABLE, INVOICE_TABLE, SOURCE_BUCKET
from infra.local.service import Service, ServiceFailed
from infra.local.sns_messages import Message
from infra.local.system import LocalSystem, inherited, running
from tests.support.books import expenses_of, place_of
from tests.support.invoices import invoice_text
from tests.support.proxy import Proxy
from tests.support.receiver import wait_for

# What a command says when the next run of its timer is to go on.
_TO_BE_REPEATED = ("it is safe to repeat", "the balance does not close yet")
COMMAND_TRIES = 5
PATIENT = RetryPolicy(attempts=2_000, first_wait_seconds=0.1, last_wait_seconds=0.4)


@dataclass
class Live:
    """The system, what was uploaded into it, and what SNS saw."""

    system: LocalSystem
    service: Service
    proxy: Proxy
    expected: dict[str, Decimal] = field(default_factory=dict)
    outcomes: Counter[str] = field(default_factory=Counter)
    attempts: list[Attempt] = field(default_factory=list)

    @property
    def s3(self) -> Any:
        """A client of embedded S3, past the proxy."""
        return self.system.aws.client("s3")

    def upload(self, invoice_id: str, amount: str = "100.00") -> None:
        """Upload an invoice of its own, or a correction of one, which is to be stored."""
        body = invoice_text(invoice_id=invoice_id, amount=amount)
        self.s3.put_object(Bucket=SOURCE_BUCKET, Key=f"{invoice_id}.txt", Body=body)
        self.expected[invoice_id] = Decimal(amount)
        self.outcomes["stored"] += 1

    def expire(self, invoice_id: str) -> None:
        """Take an upload's only version away before anybody has seen it."""
        key = f"{invoice_id}.txt"
        (version,) = self.s3.list_object_versions(Bucket=SOURCE_BUCKET, Prefix=key)["Versions"]
        self.s3.delete_object(Bucket=SOURCE_BUCKET, Key=key, VersionId=version["VersionId"])
        del self.expected[invoice_id]
        self.outcomes["rejected"] += 1
        self.outcomes["stored"] -= 1

    @property
    def taken(self) -> set[bytes]:
        """The messages that the service has taken."""
        return {attempt.message.body for attempt in self.attempts if attempt.is_taken}

    def wait_taken(self, messages: int, seconds: float = 60) -> None:
        """Return when so many messages were taken, and nothing is left to deliver."""
        deliverer = self.system.aws.deliverer
        wait_for(lambda: len(self.taken) == messages and deliverer.pending == 0, seconds)

    def statuses(self) -> Counter[int | None]:
        """Return what SNS was answered, None for no answer."""
        return Counter(attempt.status for attempt in self.attempts)

    def restart(self) -> None:
        """Start the service again, however it ended, and wait for it."""
        self.service.start()
        self.service.wait_ready()

    def manage(self, *arguments: str) -> None:
        """Run a command until it succeeds, as its timer does; raises ServiceFailed."""
        for _ in range(COMMAND_TRIES - 1):
            try:
                return self.service.manage(*arguments)
            except ServiceFailed as failure:
                # On a busy machine embedded AWS may take longer than the service waits.
                if not any(words in str(failure) for words in _TO_BE_REPEATED):
                    raise
        return self.service.manage(*arguments)

    def workers(self) -> list[int]:
        """Return the processes of gunicorn's workers."""
        process = self.service._process  # the tether, whose child is gunicorn
        parents = _parents()
        masters = [pid for pid, parent in parents.items() if process and parent == process.pid]
        return [pid for pid, parent in parents.items() if parent in masters]

    def check(self) -> None:
        """Check that the balance closes and each invoice stands once in CSV objects and ledger, none else."""
        self.manage("reconcile", "--full")
        objects, rows = self._objects(), Counter[tuple[str, int]]()
        for data in objects.values():
            rows.update(place_of(line)[1:] for line in data.splitlines(keepends=True))
        found = {names[1]: total for names, total in expenses_of(objects).items()}
        wrong = {name for name in found.keys() & self.expected.keys() if found[name] != self.expected[name]}
        assert found == self.expected, (
            f"lost: {self.expected.keys() - found}, made up: {found.keys() - self.expected}, wrong: {wrong}"
        )
        assert max(rows.values()) == 1, f"doubled: {[name for name, number in rows.items() if number > 1]}"
        documents = Counter(item["outcome"]["S"] for item in self._scan(DOCUMENT_TABLE) if "outcome" in item)
        # Of two versions the older one is superseded when it comes last.
        documents["stored"] += documents.pop("superseded", 0)
        assert documents == self.outcomes
        current = (item["invoice_id"]["S"] for item in self._scan(INVOICE_TABLE))
        assert Counter(name for name in current if "#" not in name) == Counter(self.expected.keys())

    def _objects(self) -> dict[str, bytes]:
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=DESTINATION_BUCKET, Prefix="csv/")
        keys = [each["Key"] for page in pages for each in page.get("Contents", ())]
        return {key: self.s3.get_object(Bucket=DESTINATION_BUCKET, Key=key)["Body"].read() for key in keys}

    def _scan(self, table: str) -> list[dict[str, Any]]:
        pages = self.system.aws.client("dynamodb").get_paginator("scan").paginate(TableName=table)
        return [item for page in pages for item in page["Items"]]


@contextmanager
def live(state: Path, seed: int) -> Iterator[Live]:
    """Yield the system with the proxy between the service and AWS."""
    with running(state) as system:
        system.service.stop()
        port = urlsplit(system.aws.endpoint_url).port
        assert port
        with Proxy(port, seed) as proxy:
            environ = inherited(os.environ) | system.settings | {"DOCPROC_AWS_ENDPOINT_URL": proxy.url}
            # As in production, more threads than documents in flight.
            environ |= {"DOCPROC_THREADS": "16", "DOCPROC_MAX_IN_FLIGHT": "8"}
            own_port = urlsplit(system.service.url).port
            assert own_port
            service = Service(environ, port=own_port, log_path=state / "proxied.log")
            it = Live(system=system, service=service, proxy=proxy)
            system.aws.deliverer.retry = PATIENT
            system.aws.deliverer.observe = it.attempts.append
            try:
                it.restart()
                yield it
            finally:
                service.stop()


def twice_at_times(chance: random.Random, share: float = 0.1) -> Callable[[Message], tuple[float, ...]]:
    """Return a plan by which that share of the messages comes twice, at once or soon after."""
    return lambda _: (0.0, chance.choice((0.0, 0.3))) if chance.random() < share else (0.0,)


def _parents() -> dict[int, int]:
    """Return the parent of each process; what ends meanwhile is left out."""
    found = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        found[int(status.parent.name)] = int(fields[1])
    return found
