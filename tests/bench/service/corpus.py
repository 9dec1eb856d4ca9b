"""Signed notifications, ready to be sent: each the bytes of one HTTP request, each for another invoice."""

import json
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from infra.local.sns_messages import Message, Signer, build
from tests.bench.service.stub import source_key

TOPIC = "arn:aws:sns:us-east-1:123456789012:docproc"
SOURCE_BUCKET, DESTINATION_BUCKET = "docproc-source", "docproc-destination"


def notification(number: int, signer: Signer, base_url: str, now: datetime) -> Message:
    """Return the message by which SNS tells of the upload of that invoice, with signature version 2."""
    sent_at = now - timedelta(seconds=1)
    fields = {
        "Type": "Notification",
        "MessageId": str(uuid.UUID(int=number + 1)),
        "TopicArn": TOPIC,
        "Subject": "Amazon S3 Notification",
        "Message": json.dumps({"Records": [_record(number, sent_at)]}, separators=(",", ":")),
        "Timestamp": f"{sent_at:%Y-%m-%dT%H:%M:%S}.{sent_at.microsecond // 1000:03d}Z",
    }
    arn = f"{TOPIC}:0fe0bffc-7a5a-4b8c-9a3e-000000000000"
    return build(fields, signer=signer, version="2", base_url=base_url, subscription_arn=arn)


def requests(messages: Sequence[Message]) -> list[bytes]:
    """Return the POSTs of the messages."""
    return [_request(message) for message in messages]


def make(count: int, signer: Signer, base_url: str) -> list[Message]:
    """Return the messages of the first `count` invoices; a second signs about 1,500."""
    now = datetime.now(UTC)
    return [notification(number, signer, base_url, now) for number in range(count)]


def write(path: Path, posts: Sequence[bytes]) -> None:
    """Write the POSTs for wrk.lua: the length on a line, then so many bytes, and so on."""
    path.write_bytes(b"".join(b"%d\n%s" % (len(post), post) for post in posts))


def read(path: Path) -> list[bytes]:
    """Return the POSTs of a file that `write` made."""
    posts = []
    with path.open("rb") as file:
        while length := file.readline():
            posts.append(file.read(int(length)))
    return posts


def _request(message: Message) -> bytes:
    headers = {"Host": "127.0.0.1", **message.headers, "Content-Length": str(len(message.body))}
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST /sns HTTP/1.1\r\n{lines}\r\n".encode() + message.body


def _record(number: int, at: datetime) -> dict[str, object]:
    """Return a record with all that S3 says."""
    return {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "us-east-1",
        "eventTime": f"{at:%Y-%m-%dT%H:%M:%S}.762Z",
        "eventName": "ObjectCreated:Put",
        "userIdentity": {"principalId": "AWS:AIDAI4BQDXNYYEOF4QKQA"},
        "requestParameters": {"sourceIPAddress": "192.0.2.7"},
        "responseElements": {"x-amz-request-id": "GT9JC1YSS57PYTZ9", "x-amz-id-2": "tHStzdZk2PBgDB3F" * 5},
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": "docproc",
            "bucket": {
                "name": SOURCE_BUCKET,
                "ownerIdentity": {"principalId": "A3NL1KOZZKExample"},
                "arn": f"arn:aws:s3:::{SOURCE_BUCKET}",
            },
            "object": {
                "key": source_key(number).replace("/", "%2F"),
                "size": 574,
                "eTag": "2fafdc4705f330664733b544dbcabc43",
                "versionId": f"v{number:031d}",
                "sequencer": f"{number:018X}",
            },
        },
    }
