"""From upload to row on embedded AWS, as `make demo` runs it: how long, and where the time goes.

    python tests/bench/bench_upload.py [--short]

One upload after the other. A row is there when the service has answered 200 to SNS. Embedded AWS is moto in
Python and takes most of the time, so the same three calls are timed beside it, from this process; on AWS
the calls take 5 to 20 ms each, and S3 usually tells SNS of an object within a second, which nothing here
stands for. A whole run puts the table into docs/benchmarks.md.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from time import perf_counter
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from infra.local.deliverer import Attempt
from infra.local.provision import DESTINATION_BUCKET, INVOICE_TABLE, SOURCE_BUCKET
from infra.local.sns_messages import Message
from infra.local.system import LocalSystem, running
from tests.bench.service import report
from tests.bench.service.figures import percentile
from tests.bench.service.stub import invoice_text, source_key

UPLOADS, SHORT, WARM_UP = 300, 40, 20
ANSWER_SECONDS = 30


class Postman:
    """Notes when a message begins and ends its way to the service."""

    def __init__(self, system: LocalSystem) -> None:
        deliverer = system.aws.deliverer
        self._post, self.done = deliverer.post, SimpleQueue[tuple[float, float, Attempt]]()
        deliverer.post = self.post  # type: ignore[method-assign] # SNS's own clock is not ours to read

    def post(self, message: Message, number: int = 1) -> Attempt:
        """Post as ever."""
        began = perf_counter()
        attempt = self._post(message, number)
        self.done.put((began, perf_counter(), attempt))
        return attempt


def upload(s3: Any, postman: Postman, number: int) -> dict[str, float]:
    """Return the seconds of each stage of one upload, deliveries again included; exits on a refusal."""
    began = perf_counter()
    s3.put_object(Bucket=SOURCE_BUCKET, Key=source_key(number), Body=invoice_text(number))
    posted, answered, attempt = postman.done.get(timeout=ANSWER_SECONDS)
    while attempt.may_pass:  # embedded AWS was slower than the service waits
        _, answered, attempt = postman.done.get(timeout=ANSWER_SECONDS)
    if not attempt.is_taken:
        sys.exit(f"failed: SNS was answered {attempt.status}")
    return {
        "upload to row": answered - began,
        "upload and notification, embedded S3 and SNS": posted - began,
        "the service: from SNS's post to its 200": answered - posted,
    }


def calls(system: LocalSystem, number: int) -> dict[str, float]:
    """Return the seconds of three calls like the service's, made from here."""
    s3, dynamodb = system.aws.client("s3"), system.aws.client("dynamodb")
    key = {"customer_id": {"S": "bench"}, "invoice_id": {"S": str(number)}}
    puts = [{"Put": {"TableName": INVOICE_TABLE, "Item": key}}]

    def read() -> None:
        s3.get_object(Bucket=SOURCE_BUCKET, Key=source_key(number))["Body"].read()

    return {
        "of these GetObject": seconds(read),
        "of these TransactWriteItems": seconds(lambda: dynamodb.transact_write_items(TransactItems=puts)),
        "of these PutObject": seconds(
            lambda: s3.put_object(Bucket=DESTINATION_BUCKET, Key=f"bench/{number}", Body=b"row")
        ),
    }


def seconds(call: Callable[[], object]) -> float:
    """Return how long the call takes."""
    began = perf_counter()
    call()
    return perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description="from upload to row on embedded AWS")
    parser.add_argument("--short", action="store_true", help="a try; writes nothing")
    options = parser.parse_args()
    uploads = SHORT if options.short else UPLOADS
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as system:
        s3, postman = system.aws.client("s3"), Postman(system)
        found = [upload(s3, postman, number) | calls(system, number) for number in range(uploads)][WARM_UP:]
    lines = ["| | p50 ms | p99 ms |", "|---|---|---|"]
    for stage in found[0]:
        values = [1000 * each[stage] for each in found]
        lines.append(f"| {stage} | {percentile(values, 0.5):.0f} | {percentile(values, 0.99):.0f} |")
    table = "\n".join(lines)
    print(table)
    if not options.short:
        report.put("upload", table)


if __name__ == "__main__":
    main()
