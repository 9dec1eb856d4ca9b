"""A Lambda handler with Powertools' idempotency, called in a loop: what its user pays beside Lambda itself.

    python lambda_handler.py PORT

SNS invokes a function through IAM, so nothing is verified. In-process: without the runtime's own HTTP
polling, which a real function pays too. One function instance does one invoice at a time. Whoever connects
to the port and writes `SECONDS FILE` gets the loop over the corpus in that file, as wrk.lua reads it, and
then a line with the number of answers and of those that were not done.
"""

import json
import os
import socketserver
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

import boto3
from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent,
)

from invoice_parser import parse
from tests.bench.service import corpus
from tests.bench.variants.invoices import DESTINATION_BUCKET, TABLE, csv_key, csv_line

# Powertools refuses to do without a name for its records.
os.environ.setdefault("AWS_LAMBDA_FUNCTION_NAME", "invoices")

s3: Any = boto3.client("s3")
dynamodb: Any = boto3.client("dynamodb")


@dataclass(frozen=True)
class Context:
    """What the handler asks its runtime."""

    function_name: str = "invoices"

    def get_remaining_time_in_millis(self) -> int:
        """Return the function's time-out, as at its start."""
        return 15_000


@idempotent(  # type: ignore[untyped-decorator] # its package is only in the benchmark's environment
    persistence_store=DynamoDBPersistenceLayer(table_name="idempotency"),
    config=IdempotencyConfig(event_key_jmespath="Records[0].Sns.MessageId"),
)
def handler(event: dict[str, Any], context: Context) -> dict[str, str]:  # noqa: ARG001 - as Lambda calls it
    """Store the invoice that the notification tells of."""
    record = json.loads(event["Records"][0]["Sns"]["Message"])["Records"][0]["s3"]
    source = s3.get_object(Bucket=record["bucket"]["name"], Key=unquote_plus(record["object"]["key"]))
    text = source["Body"].read()
    invoice = parse(text)
    dynamodb.put_item(
        TableName=TABLE,
        Item={
            "customer_id": {"S": invoice.customer_id},
            "invoice_id": {"S": invoice.invoice_id},
            "text": {"S": text.decode()},
            "row": {"S": csv_line(invoice)},
        },
    )
    s3.put_object(Bucket=DESTINATION_BUCKET, Key=csv_key(invoice), Body=csv_line(invoice).encode())
    return {"outcome": "done"}


class Loop(socketserver.StreamRequestHandler):
    """Answers one order to run."""

    def handle(self) -> None:
        order = self.rfile.readline().decode().split()
        if len(order) != 2 or not Path(order[1]).is_file():  # somebody asks whether the process is ready
            self.wfile.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            return
        posts = corpus.read(Path(order[1]))
        answers = bad = 0
        end = time.perf_counter() + float(order[0])
        while time.perf_counter() < end:
            _, _, body = posts[answers % len(posts)].partition(b"\r\n\r\n")
            # Lambda's runtime reads the invocation's JSON, as this does.
            event = {"Records": [{"EventSource": "aws:sns", "Sns": json.loads(body)}]}
            answers, bad = answers + 1, bad + (handler(event, Context()) != {"outcome": "done"})
        self.wfile.write(f"{answers} {bad}\n".encode())


if __name__ == "__main__":
    with socketserver.TCPServer(("127.0.0.1", int(sys.argv[1])), Loop) as server:
        server.serve_forever()
