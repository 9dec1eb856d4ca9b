"""What an instance has to stand: slow clients, and a disturbance while documents stream in."""

import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from infra.local.deliverer import Attempt
from infra.local.embedded_aws import EmbeddedAws
from infra.local.provision import DESTINATION_BUCKET, SOURCE_BUCKET

SLOW_CLIENTS = 150
DOCUMENTS = 120
DISTURBANCES = 3
SAMPLE = Path(__file__).resolve().parents[2] / "infra/local/samples/01-canonical.txt"


def upload(aws: EmbeddedAws, name: str) -> None:
    """Upload an invoice of that name."""
    text = SAMPLE.read_text(encoding="utf-8").replace("inv-00001", f"inv-{name}")
    aws.client("s3").put_object(Bucket=SOURCE_BUCKET, Key=f"{name}.txt", Body=text.encode())


def rows(aws: EmbeddedAws) -> set[str]:
    """Return the names of the CSV objects without the customer."""
    listing = aws.client("s3").get_paginator("list_objects_v2")
    pages = listing.paginate(Bucket=DESTINATION_BUCKET, Prefix="csv/")
    return {item["Key"].rsplit("_", 1)[1] for page in pages for item in page.get("Contents", ())}


def seconds_to_row(aws: EmbeddedAws, name: str) -> float:
    """Upload an invoice and wait for its row; how long that took."""
    started_at = time.monotonic()
    upload(aws, name)
    wait(lambda: f"inv-{name}-r000001.csv" in rows(aws), f"the row of {name}")
    return round(time.monotonic() - started_at, 2)


def slow_clients(aws: EmbeddedAws, port: int) -> dict[str, Any]:
    """Hold half-sent requests open, some in the headers and some in the body, and upload meanwhile."""
    head = b"POST /sns HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/plain\r\n"
    clients = []
    for number in range(SLOW_CLIENTS):
        client = socket.create_connection(("127.0.0.1", port), timeout=30)
        client.sendall(head if number % 2 else head + b'Content-Length: 2000\r\n\r\n{"Type": "Noti')
        clients.append(client)
    seconds = seconds_to_row(aws, "beside-slow-ones")
    started_at = time.monotonic()
    for client in clients:
        client.settimeout(30)
        try:
            while client.recv(4096):
                pass
        except ConnectionResetError:
            pass
        client.close()
    cut_off_after = round(time.monotonic() - started_at, 1)
    return {"clients": len(clients), "seconds": seconds, "cut_off_after": cut_off_after}


def under_load(aws: EmbeddedAws, name: str, disturb: Callable[[], object]) -> dict[str, Any]:
    """Let documents stream in and do that a few times meanwhile; which deliveries failed, and how."""
    attempts: list[Attempt] = []
    aws.deliverer.observe = attempts.append
    names = [f"{name}-{number}" for number in range(DOCUMENTS)]

    def upload_all() -> None:
        for document in names:
            upload(aws, document)
            time.sleep(0.05)

    uploads = threading.Thread(target=upload_all)
    uploads.start()
    took_seconds = []
    for _ in range(DISTURBANCES):
        time.sleep(0.7)
        started_at = time.monotonic()
        disturb()
        took_seconds.append(time.monotonic() - started_at)
    uploads.join()
    wanted = {f"inv-{document}-r000001.csv" for document in names}
    wait(lambda: wanted <= rows(aws), f"the rows of {name}")
    failed = [attempt.status for attempt in attempts if not attempt.is_taken]
    if failed:
        sys.stderr.write(f"{name}: {failed}\n")
    longest = round(max(took_seconds), 1)
    return {"documents": len(wanted & rows(aws)), "failed": failed, "longest_seconds": longest}


def wait(condition: Any, what: str, seconds: float = 60) -> Any:
    """Return the condition's value once it has one. Raises RuntimeError."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise RuntimeError(f"{what} did not come within {seconds} s")
        time.sleep(0.05)
    return value
