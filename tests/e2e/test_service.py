"""The running service from outside: signed messages over HTTP, their effects read from AWS."""

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests

from infra.local.deliverer import Attempt, RetryPolicy, once
from infra.local.provision import DESTINATION_BUCKET, DOCUMENT_TABLE, INVOICE_TABLE, SOURCE_BUCKET
from infra.local.sns_messages import Message
from infra.local.system import LocalSystem, running
from tests.support.receiver import wait_for

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "infra" / "local" / "samples" / "01-canonical.txt"


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
        wait_for(lambda: attempts[-1].is_taken, seconds=120)

        assert attempts[0].status is None
        assert {attempt.message.body for attempt in attempts} == {attempts[0].message.body}
        assert effects(system, "inv-70003") == {
            "documents": ["stored"],
            "invoices": ["1"],
            "objects": ["sm-LK0080145_inv-70003-r000001.csv"],
        }


class TestDoctor:
    """`manage.py doctor` beside the system that `make demo` runs."""

    def test_finds_nothing_wrong_and_says_what_it_could_not_look_at(self, system: LocalSystem) -> None:
        status, told = doctor(system)

        assert status == 0, told
        assert told.count("ok   ") == 12
        assert "not checked: with which version the topic signs: embedded AWS does not tell" in told

    def test_finds_what_is_wrong_all_the_same(self, system: LocalSystem) -> None:
        s3, sns, sqs = (system.aws.client(name) for name in ("s3", "sns", "sqs"))
        subscription = system.aws.sns.subscription
        assert subscription is not None
        notification = s3.get_bucket_notification_configuration(Bucket=SOURCE_BUCKET)
        kept = {"TopicConfigurations": notification["TopicConfigurations"]}
        queue = {"QueueUrl": system.provisioned.dead_letter_queue_url}
        policy = sqs.get_queue_attributes(**queue, AttributeNames=["Policy"])["Attributes"]
        raw = {"SubscriptionArn": subscription.arn, "AttributeName": "RawMessageDelivery"}
        s3.put_bucket_notification_configuration(Bucket=SOURCE_BUCKET, NotificationConfiguration={})
        sns.set_subscription_attributes(**raw, AttributeValue="true")
        sqs.set_queue_attributes(**queue, Attributes={"Policy": ""})
        try:
            status, told = doctor(system)
        finally:
            s3.put_bucket_notification_configuration(Bucket=SOURCE_BUCKET, NotificationConfiguration=kept)
            sns.set_subscription_attributes(**raw, AttributeValue="false")
            sqs.set_queue_attributes(**queue, Attributes=policy)

        assert status == 1
        assert "FAULT  notification\n         docproc-source does not notify" in told
        assert "FAULT  subscription\n         messages come raw" in told
        assert "FAULT  dead-letter queue\n         the queue's policy does not let SNS write" in told
        assert told.count("ok   ") == 9

    def test_finds_a_subscription_that_nobody_confirmed(self, system: LocalSystem) -> None:
        confirmed = system.aws.sns.subscription
        assert confirmed is not None
        system.aws.sns.subscription = replace(confirmed, confirmed_at="")
        try:
            status, told = doctor(system)
        finally:
            system.aws.sns.subscription = confirmed

        assert status == 1
        assert f"{system.service.url}/sns has not confirmed its subscription" in told


def doctor(system: LocalSystem) -> tuple[int, str]:
    """Return the command's exit status and what it printed."""
    done = subprocess.run(
        (sys.executable, "manage.py", "doctor"),
        cwd=ROOT,
        env={**os.environ, **system.settings},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout
