"""The doctor finds each planted fault, names its mend, and finds nothing where nothing is wrong."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from io import StringIO
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from django.core.management import CommandError, call_command
from moto import mock_aws

from api.maintenance.doctor import CHECKS, Deployment, Examination, Examined, examine
from api.sns import CertificateUnavailable
from api.stores.dynamodb_schema import table_definitions

SOURCE, DESTINATION, ENDPOINT = "docproc-source", "docproc-destination", "https://invoices.example.com/sns"
RETRIES = {"healthyRetryPolicy": {"numRetries": 50, "minDelayTarget": 1, "maxDelayTarget": 78}}


def _fetched(_url: str) -> bytes:
    """Answer as AWS does for a certificate that does not exist."""
    raise CertificateUnavailable("certificate-status")


def _unreachable(_url: str) -> bytes:
    raise CertificateUnavailable("certificate-unreachable")


@cache
def _client(service: str) -> Any:
    """Return a client; making one takes longer than all that a test asks of it."""
    make: Callable[..., Any] = boto3.client
    return make(service, region_name="us-east-1")


class World:
    """A healthy deployment on moto, which each test breaks in one place."""

    def __init__(self) -> None:
        self.overrides: dict[str, Any] = {}
        self.s3, self.sns, self.sqs = (self.make(name) for name in ("s3", "sns", "sqs"))
        self.dynamodb, self.kms, self.athena = (self.make(name) for name in ("dynamodb", "kms", "athena"))
        self.fetch: Callable[[str], bytes] = _fetched
        self.database_faults: tuple[tuple[str, str], ...] = ()
        self.clock: Callable[[], datetime] = lambda: datetime.now(UTC)
        self.sns = self.overrides["sns"] = _Signing(self.sns)
        self.key = self.kms.create_key()["KeyMetadata"]["KeyId"]
        self.topic = self.sns.create_topic(Name="docproc")["TopicArn"]
        for name, value in (
            ("SignatureVersion", "2"),
            ("KmsMasterKeyId", self.key),
            ("Policy", json.dumps(_policy("s3.amazonaws.com", "sns:Publish"))),
        ):
            self.set_topic(name, value)
        self.queue = self.sqs.create_queue(
            QueueName="docproc-dead-letters",
            Attributes={
                "MessageRetentionPeriod": "1209600",
                "Policy": json.dumps(_policy("sns.amazonaws.com", "sqs:SendMessage")),
            },
        )["QueueUrl"]
        for bucket in (SOURCE, DESTINATION):
            self.s3.create_bucket(Bucket=bucket)
        self.s3.put_bucket_versioning(Bucket=SOURCE, VersioningConfiguration={"Status": "Enabled"})
        self.set_life_cycle(Expiration={"Days": 1}, NoncurrentVersionExpiration={"NoncurrentDays": 1})
        self.notify([{"TopicArn": self.topic, "Events": ["s3:ObjectCreated:*"]}])
        self.subscription = self.sns.subscribe(
            TopicArn=self.topic, Protocol="https", Endpoint=ENDPOINT, ReturnSubscriptionArn=True
        )["SubscriptionArn"]
        self.set_subscription(
            "RedrivePolicy", json.dumps({"deadLetterTargetArn": "arn:aws:sqs:us-east-1:1:q"})
        )
        self.set_subscription("DeliveryPolicy", json.dumps(RETRIES))
        for table in table_definitions("docproc-document", "docproc-invoice"):
            self.dynamodb.create_table(**table)
        for name in ("docproc", "docproc-compact"):
            self.athena.create_work_group(Name=name)

    def make(self, service: str) -> Any:
        """Return a client, or what a test put in its place."""
        return self.overrides.get(service) or _client(service)

    def set_topic(self, name: str, value: str) -> None:
        self.sns.set_topic_attributes(TopicArn=self.topic, AttributeName=name, AttributeValue=value)

    def set_subscription(self, name: str, value: str) -> None:
        self.sns.set_subscription_attributes(
            SubscriptionArn=self.subscription, AttributeName=name, AttributeValue=value
        )

    def set_life_cycle(self, **rule: Any) -> None:
        rules = [{"ID": "r", "Status": "Enabled", "Filter": {"Prefix": ""}, **rule}]
        self.s3.put_bucket_lifecycle_configuration(Bucket=SOURCE, LifecycleConfiguration={"Rules": rules})

    def notify(self, topics: list[dict[str, Any]]) -> None:
        self.s3.put_bucket_notification_configuration(
            Bucket=SOURCE, NotificationConfiguration={"TopicConfigurations": topics}
        )

    def examined(self, **changed: Any) -> dict[str, Examined]:
        """Return what the doctor found, by check."""
        named: dict[str, Any] = {
            "topic_arn": self.topic,
            "source_bucket": SOURCE,
            "destination_bucket": DESTINATION,
            "dead_letter_queue_url": self.queue,
            "tables": ("docproc-document", "docproc-invoice"),
            "certificate_url": "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0.pem",
            "workgroups": ("docproc", "docproc-compact"),
        }
        examination = Examination(
            deployment=Deployment(**{**named, **changed}),
            make=self.make,
            fetch=self.fetch,
            databases=lambda: iter(self.database_faults),
            clock=self.clock,
        )
        return {examined.check: examined for examined in examine(examination)}

    def faults(self) -> dict[str, str]:
        """Return the checks that found something, with what they found and what mends it."""
        return {
            name: "\n".join(f"{fault.what} | {fault.mend}" for fault in examined.faults)
            for name, examined in self.examined().items()
            if examined.faults
        }


def _policy(service: str, action: str) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": action, "Resource": "*"}
    return {"Version": "2012-10-17", "Statement": [statement]}


@pytest.fixture
def world() -> Iterator[World]:
    with mock_aws():
        yield World()


class _Refusing:
    """A client whose every call AWS refuses."""

    def __init__(self, code: str) -> None:
        self.code = code

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def refuse(**_: Any) -> Any:
            raise ClientError({"Error": {"Code": self.code, "Message": "no"}}, name)

        return refuse


class _Signing:
    """SNS as moto plays it, but for the SignatureVersion, which moto forgets."""

    def __init__(self, sns: Any) -> None:
        self._sns, self.version = sns, "1"

    def set_topic_attributes(self, **attribute: str) -> None:
        if attribute["AttributeName"] == "SignatureVersion":
            self.version = attribute["AttributeValue"]
        else:
            self._sns.set_topic_attributes(**attribute)

    def get_topic_attributes(self, **named: str) -> dict[str, Any]:
        answer = self._sns.get_topic_attributes(**named)
        return {"Attributes": {**answer["Attributes"], "SignatureVersion": self.version}}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sns, name)


class _Pending:
    """SNS with a subscription that nobody has confirmed, as AWS lists it."""

    def __init__(self, sns: Any) -> None:
        self._sns = sns

    def get_paginator(self, _name: str) -> Any:
        return self

    def paginate(self, **_: Any) -> list[dict[str, Any]]:
        entry = {"SubscriptionArn": "PendingConfirmation", "Protocol": "https", "Endpoint": ENDPOINT}
        return [{"Subscriptions": [entry]}]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sns, name)


def _slow(world: World) -> None:
    times = iter([datetime.now(UTC) - timedelta(seconds=5), datetime.now(UTC)])
    world.clock = lambda: next(times)


class _Dated:
    """S3 with the header that moto leaves out."""

    def __init__(self, s3: Any) -> None:
        self._s3 = s3

    def head_bucket(self, **_: str) -> dict[str, Any]:
        return {"ResponseMetadata": {"HTTPHeaders": {"date": "Sat, 21 Nov 2026 12:00:00 GMT"}}}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._s3, name)


def _late(world: World) -> None:
    world.overrides["s3"] = _Dated(world.s3)
    world.clock = lambda: datetime(2026, 11, 21, 12, 20, tzinfo=UTC)


def _override(service: str, client: Callable[[World], Any]) -> Callable[[World], None]:
    return lambda world: world.overrides.update({service: client(world)})


# What is broken, the check that must find it, a word of the finding, a word of the mend.
PLANTED: dict[str, tuple[Callable[[World], Any], str, str, str]] = {
    "no credentials": (
        _override("sts", lambda _: _Refusing("InvalidClientTokenId")),
        "credentials",
        "InvalidClientTokenId",
        "role",
    ),
    "a slow S3": (_slow, "clock and time-outs", "5.0 s", "VPC endpoint"),
    "a wrong clock": (_late, "clock and time-outs", "0:20:00", "timedatectl"),
    "no versioning": (
        lambda w: w.s3.put_bucket_versioning(Bucket=SOURCE, VersioningConfiguration={"Status": "Suspended"}),
        "source bucket",
        "no versions",
        "put-bucket-versioning --bucket docproc-source",
    ),
    "no expiry": (
        lambda w: w.s3.delete_bucket_lifecycle(Bucket=SOURCE),
        "source bucket",
        "never expire",
        "deploy",
    ),
    "versions never expire": (
        lambda w: w.set_life_cycle(Expiration={"Days": 1}),
        "source bucket",
        "never",
        "deploy",
    ),
    "no notification": (lambda w: w.notify([]), "notification", "does not notify", "put-bucket-notification"),
    "another topic is notified": (
        lambda w: w.notify([{"TopicArn": w.topic + "-old", "Events": ["s3:ObjectCreated:*"]}]),
        "notification",
        "does not notify",
        "s3:ObjectCreated:*",
    ),
    "only some uploads are notified": (
        lambda w: w.notify([{"TopicArn": w.topic, "Events": ["s3:ObjectCreated:Put"]}]),
        "notification",
        "only some",
        "s3:ObjectCreated:*",
    ),
    "a filter on the notification": (
        lambda w: w.notify(
            [
                {
                    "TopicArn": w.topic,
                    "Events": ["s3:ObjectCreated:*"],
                    "Filter": {"Key": {"FilterRules": [{"Name": "suffix", "Value": ".txt"}]}},
                }
            ]
        ),
        "notification",
        "filter",
        "put-bucket-notification",
    ),
    "no destination bucket": (
        lambda w: w.s3.delete_bucket(Bucket=DESTINATION),
        "destination bucket",
        "404",
        "DOCPROC_DESTINATION_BUCKET",
    ),
    "SHA-1 signatures": (
        lambda w: w.set_topic("SignatureVersion", "1"),
        "topic and key",
        "SHA-1",
        "SignatureVersion --attribute-value 2",
    ),
    "no topic": (
        lambda w: w.sns.delete_topic(TopicArn=w.topic),
        "topic and key + subscription",
        "NotFound",
        "DOCPROC_TOPIC_ARNS",
    ),
    "S3 may not publish": (
        lambda w: w.set_topic("Policy", json.dumps(_policy("ses.amazonaws.com", "sns:Publish"))),
        "topic and key",
        "not let S3 publish",
        "deploy",
    ),
    "the key aws/sns": (
        lambda w: w.set_topic("KmsMasterKeyId", "alias/aws/sns"),
        "topic and key",
        "lost silently",
        "KmsMasterKeyId",
    ),
    "a disabled key": (
        lambda w: w.kms.disable_key(KeyId=w.key),
        "topic and key",
        "Disabled",
        "enable-key --key-id",
    ),
    "a key about to go": (
        lambda w: w.kms.schedule_key_deletion(KeyId=w.key),
        "topic and key",
        "deleted",
        "cancel-key-deletion",
    ),
    "no subscription": (
        lambda w: w.sns.unsubscribe(SubscriptionArn=w.subscription),
        "subscription",
        "nobody",
        "aws sns subscribe",
    ),
    "an unconfirmed subscription": (
        _override("sns", lambda w: _Pending(w.sns)),
        "subscription",
        "not confirmed",
        "aws sns subscribe",
    ),
    "raw messages": (
        lambda w: w.set_subscription("RawMessageDelivery", "true"),
        "subscription",
        "unsigned",
        "--attribute-value false",
    ),
    "no redrive policy": (
        lambda w: w.set_subscription("RedrivePolicy", ""),
        "subscription",
        "lost",
        "RedrivePolicy",
    ),
    "no delivery policy": (
        lambda w: w.set_subscription("DeliveryPolicy", "{}"),
        "subscription",
        "gives up",
        "deploy",
    ),
    "no queue": (
        lambda w: w.sqs.delete_queue(QueueUrl=w.queue),
        "dead-letter queue",
        "NonExistentQueue",
        "DOCPROC_DEAD_LETTER_QUEUE_URL",
    ),
    "short retention": (
        lambda w: w.sqs.set_queue_attributes(
            QueueUrl=w.queue, Attributes={"MessageRetentionPeriod": "14400"}
        ),
        "dead-letter queue",
        "14 days",
        "MessageRetentionPeriod=1209600",
    ),
    "SNS may not write dead letters": (
        lambda w: w.sqs.set_queue_attributes(
            QueueUrl=w.queue,
            Attributes={"Policy": json.dumps(_policy("sns.amazonaws.com", "sqs:ReceiveMessage"))},
        ),
        "dead-letter queue",
        "not let SNS",
        "deploy",
    ),
    "dead letters": (
        lambda w: w.sqs.send_message(QueueUrl=w.queue, MessageBody="{}"),
        "dead-letter queue",
        "1 message in",
        "redrive",
    ),
    "no table": (
        lambda w: w.dynamodb.delete_table(TableName="docproc-invoice"),
        "tables",
        "docproc-invoice",
        "DOCPROC_INVOICE_TABLE",
    ),
    "the role may not look": (
        _override("dynamodb", lambda _: _Refusing("AccessDeniedException")),
        "tables",
        "AccessDenied",
        "infra/template.yaml",
    ),
    "a database without its tables": (
        lambda w: setattr(
            w, "database_faults", (("the database 'default' lacks 3 migrations", "manage.py migrate"),)
        ),
        "database",
        "lacks 3",
        "migrate",
    ),
    "no way to the certificates": (
        lambda w: setattr(w, "fetch", _unreachable),
        "signing certificate",
        "cannot be fetched",
        "curl -sI https://sns.us",
    ),
    "no workgroup": (
        lambda w: w.athena.delete_work_group(WorkGroup="docproc-compact"),
        "workgroups",
        "docproc-compact",
        "deploy",
    ),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_fault_is_found_and_its_mend_named(name: str, world: World) -> None:
    plant, check, word, mend = PLANTED[name]
    plant(world)

    found = world.faults()

    assert set(found) == set(check.split(" + "))
    told = [line.split(" | ", 1) for text in found.values() for line in text.splitlines()]
    assert any(word in what and mend in cure for what, cure in told), found


def test_enough_faults_are_planted_and_each_check_has_one() -> None:
    assert len(PLANTED) >= 15
    assert {c for _, check, _, _ in PLANTED.values() for c in check.split(" + ")} == set(CHECKS)


def test_nothing_is_found_where_nothing_is_wrong(world: World) -> None:
    assert world.faults() == {}
    assert [name for name, examined in world.examined().items() if examined.unchecked] == []


def test_a_fault_in_one_check_does_not_hide_another(world: World) -> None:
    world.notify([])
    world.set_topic("SignatureVersion", "1")

    assert set(world.faults()) == {"notification", "topic and key"}


def test_says_what_a_bucket_without_versions_loses(world: World) -> None:
    PLANTED["no versioning"][0](world)

    [fault] = world.examined()["source bucket"].faults

    assert "when A, B and A come under one key, the second A is taken for a repetition" in fault.what


def test_what_the_stand_in_does_not_tell_is_no_fault_of_local_mode(world: World) -> None:
    world.overrides["sns"] = world.overrides["sns"]._sns  # moto's own, without the SignatureVersion

    in_local_mode, at_aws = (world.examined(is_local=flag)["topic and key"] for flag in (True, False))

    assert (in_local_mode.faults, len(in_local_mode.unchecked)) == ((), 1)
    assert "does not tell" in in_local_mode.unchecked[0]
    assert "SHA-1" in at_aws.faults[0].what
    assert at_aws.unchecked == ()


def test_the_command_prints_the_faults_and_fails(
    world: World, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.DOCPROC_DEAD_LETTER_QUEUE_URL = ""
    monkeypatch.setattr("api.wiring.fetch_certificate", _fetched)
    monkeypatch.setattr("api.stores.databases.faults", lambda: iter(()))
    world.notify([])
    output = StringIO()

    with pytest.raises(CommandError, match="faults") as failure:
        call_command("doctor", stdout=output)

    assert failure.value.returncode == 1
    assert "ok     tables" in output.getvalue()
    assert "FAULT  notification\n         docproc-source does not notify" in output.getvalue()
    assert "mend: set DOCPROC_DEAD_LETTER_QUEUE_URL" in output.getvalue()


class TestDatabases:
    """In a process of its own, whose database is a file that each test chooses."""

    def _faults(self, url: str, *commands: str) -> str:
        script = (
            "import django; django.setup()\n"
            "from django.core.management import call_command\n"
            "from api.stores.databases import faults\n"
            + "".join(f"call_command({command!r}, verbosity=0)\n" for command in commands)
            + "print(list(faults()))"
        )
        environ = {**os.environ, "DJANGO_SETTINGS_MODULE": "docproc.settings", "DOCPROC_DATABASE_URL": url}
        done = subprocess.run(
            (sys.executable, "-c", script), env=environ, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def test_lacks_its_tables_until_it_is_migrated(self, tmp_path: Path) -> None:
        url = f"sqlite:///{tmp_path / 'users.sqlite3'}"

        before, after = self._faults(url), self._faults(url, "migrate")

        assert "the database 'default' lacks" in before
        assert "manage.py migrate" in before
        assert after == "[]"

    def test_cannot_be_reached(self, tmp_path: Path) -> None:
        found = self._faults(f"sqlite:///{tmp_path / 'no-such-folder' / 'users.sqlite3'}")

        assert "cannot be reached" in found
        assert "check DOCPROC_DATABASE_URL" in found
