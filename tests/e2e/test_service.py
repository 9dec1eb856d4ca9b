"""The running service from outside: signed messages over HTTP, their effects read from AWS."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from infra.local.deliverer import Attempt, RetryPolicy, once
from infra.local.provision import DESTINATION_BUCKET, DOCUMENT_TABLE, INVOICE_TABLE, SOURCE_BUCKET
from infra.local.sns_messages import Message
from infra.local.system import LocalSystem, running
from tests.support.receiver import wait_for

SAMPLE = Path(__file__).resolve().parents[2] / "infra" / "local" / "samples" / "01-canonical.txt"


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalSystem]:
    with running(tmp_path_factory.mktemp("system")) as running_system:
        running_system.aws.deliverer.retry = RetryPolicy(first_wait_seconds=0.1, last_wait_seconds=0.5)
        yield running_system


def upload(system: LocalSystem, key: str, invoice_id: str) -> None:
    body = SAMPLE.read_bytes().replace(b"inv-00001", invoice_id.encode())
    system.aws.client("s3").put_object(Bucket=SOURCE_BUCKET, Key=key, Body=body)


def intercepted(system: LocalSystem, key: str, invoice_id: str) -> Message:
    """Return the signed message of an upload, which SNS then does not deliver."""
    kept: list[Message] = []

    def lose(message: Message) -> tuple[float, ...]:
        kept.append(message)
        return ()

    system.aws.deliverer.plan = lose
    upload(system, key, invoice_id)
    wait_for(lambda: kept)
    system.aws.deliverer.plan = once
    return kept[0]


def post(system: LocalSystem, message: Message, body: bytes | None = None) -> int:
    return requests.post(
        f"{system.service.url}/sns", data=body or message.body, headers=dict(message.headers), timeout=20
    ).status_code


def effects(system: LocalSystem, invoice_id: str) -> dict[str, list[Any]]:
    """Return what there is of the invoice: its documents, its records, its CSV objects."""
    dynamodb, s3 = system.aws.client("dynamodb"), system.aws.client("s3")
    documents = dynamodb.scan(TableName=DOCUMENT_TABLE)["Items"]
    invoices = dynamodb.scan(TableName=INVOICE_TABLE)["Items"]
    objects = s3.list_objects_v2(Bucket=DESTINATION_BUCKET).get("Contents", ())
    return {
        "documents": [i["outcome"]["S"] for i in documents if i.get("invoice_id", {}).get("S") == invoice_id],
        "invoices": [i["rev"]["N"] for i in invoices if i["invoice_id"]["S"].startswith(invoice_id)],
        "objects": [o["Key"].rpartition("/")[2] for o in objects if invoice_id in o["Key"]],
    }


class TestService:
    def test_refuses_a_message_with_one_byte_of_its_signature_changed(self, system: LocalSystem) -> None:
        message = intercepted(system, "forged.txt", "inv-70001")
        body = json.loads(message.body)
        signature = bytearray(base64.b64decode(body["Signature"]))
        signature[100] ^= 1
        body["Signature"] = base64.b64encode(signature).decode()

        status = post(system, message, json.dumps(body).encode())

        assert status == 403
        assert effects(system, "inv-70001") == {"documents": [], "invoices": [], "objects": []}

    def test_takes_the_same_message_twice_with_one_effect(self, system: LocalSystem) -> None:
        message = intercepted(system, "twice.txt", "inv-70002")

        statuses = [post(system, message), post(system, message)]

        assert statuses == [200, 200]
        assert effects(system, "inv-70002") == {
            "documents": ["stored"],
            "invoices": ["1"],
            "objects": ["sm-LK0080145_inv-70002-r000001.csv"],
        }

    def test_gets_after_its_death_what_came_meanwhile(self, system: LocalSystem) -> None:
        attempts: list[Attempt] = []
        system.aws.deliverer.observe = attempts.append
        system.service.kill()
        upload(system, "meanwhile.txt", "inv-70003")
        wait_for(lambda: attempts)
        system.service.start()
        wait_for(lambda: attempts[-1].is_taken, seconds=30)

        assert attempts[0].status is None
        assert {attempt.message.body for attempt in attempts} == {attempts[0].message.body}
        assert effects(system, "inv-70003") == {
            "documents": ["stored"],
            "invoices": ["1"],
            "objects": ["sm-LK0080145_inv-70003-r000001.csv"],
        }
