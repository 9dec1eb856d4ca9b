"""The doctor: whether everything that the service needs is there, and set as it must be.

Looks and changes nothing. Each fault comes with the command that mends it.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from api.aws import CONFIGURATION_FAULTS, READ_TIMEOUT_SECONDS
from api.ports import TemporaryFailure
from api.sns import CertificateUnavailable
from invoice_parser.wording import counted

# SNS refuses signatures of a clock that is 15 min off, and the gate takes messages 5 min ahead.
MAX_SKEW = timedelta(minutes=1)
FOURTEEN_DAYS_SECONDS = 14 * 24 * 3600
AWS_OWN_KEY = "alias/aws/sns"
_EVERY_UPLOAD = "s3:ObjectCreated:*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What is wrong, and what mends it: a command, or a sentence where there is none."""

    check: str
    what: str
    mend: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """The names that the settings give; `tables` is empty when the ledger is in SQL."""

    topic_arn: str
    source_bucket: str
    destination_bucket: str
    dead_letter_queue_url: str
    tables: tuple[str, ...]
    certificate_url: str
    workgroups: tuple[str, ...] = ()


class _Unhealthy(Exception):  # noqa: N818 - it names what is wrong
    """A check stops here."""

    def __init__(self, what: str, mend: str) -> None:
        super().__init__(what)
        self.what, self.mend = what, mend


Check = Callable[["Doctor"], Iterator[tuple[str, str]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Doctor:
    """Examines one deployment.

    `make` makes an AWS client, `fetch` downloads a certificate (raises CertificateUnavailable),
    `databases` tells what is wrong with each database that Django knows, as (what, mend).
    """

    deployment: Deployment
    make: Callable[[str], Any]
    fetch: Callable[[str], bytes]
    databases: Callable[[], Iterator[tuple[str, str]]]
    clock: Callable[[], datetime]

    def examine(self) -> Iterator[tuple[str, tuple[Fault, ...]]]:
        """Yield the name of each check with the faults that it found."""
        for name, check in CHECKS.items():
            faults = []
            try:
                faults += [Fault(check=name, what=what, mend=mend) for what, mend in check(self)]
            except _Unhealthy as error:
                faults.append(Fault(check=name, what=error.what, mend=error.mend))
            yield name, tuple(faults)

    def credentials(self) -> Iterator[tuple[str, str]]:
        """Look whether somebody is logged in to AWS."""
        mend = "on an instance: compare its instance profile with the stack; elsewhere: aws configure"
        with _asking("no AWS credentials that work", mend):
            self.make("sts").get_caller_identity()
        yield from ()

    def clock_and_time_outs(self) -> Iterator[tuple[str, str]]:
        """Look whether AWS answers in time, and whether its clock is ours."""
        started_at = self.clock()
        with _asking("S3 does not answer", "check the route to S3: the VPC endpoint, or a proxy"):
            answer = self.make("s3").head_bucket(Bucket=self.deployment.source_bucket)
        ended_at = self.clock()
        took = ended_at - started_at
        if took > timedelta(seconds=READ_TIMEOUT_SECONDS):
            yield (
                f"S3 took {took.total_seconds():.1f} s to answer; the service waits {READ_TIMEOUT_SECONDS} s",
                "run the service in the buckets' region, and check the route: the VPC endpoint, or a proxy",
            )
        said = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
        skew = abs(parsedate_to_datetime(said).astimezone(UTC) - ended_at) if said else timedelta()
        if skew > MAX_SKEW:
            yield f"this machine's clock is {skew} off", "timedatectl set-ntp true"

    def source_bucket(self) -> Iterator[tuple[str, str]]:
        """Look whether documents are versions, and expire."""
        s3, bucket = self.make("s3"), self.deployment.source_bucket
        with _asking(f"the bucket {bucket} cannot be looked at", "check DOCPROC_SOURCE_BUCKET"):
            versioning = s3.get_bucket_versioning(Bucket=bucket).get("Status")
        if versioning != "Enabled":
            yield (
                f"{bucket} keeps no versions, so what is overwritten before it was read is lost",
                (
                    f"aws s3api put-bucket-versioning --bucket {bucket}"
                    " --versioning-configuration Status=Enabled"
                ),
            )
        rules = _lifecycle(s3, bucket)
        expires = any(
            rule["Status"] == "Enabled" and rule.get("Expiration", {}).get("Days") for rule in rules
        )
        forgets = any(
            rule["Status"] == "Enabled" and rule.get("NoncurrentVersionExpiration") for rule in rules
        )
        if not (expires and forgets):
            yield (
                f"documents in {bucket} never expire, so each sweep lists more of them",
                "manage.py deploy (the template has the life cycle: a day, and one more for old versions)",
            )

    def notification(self) -> Iterator[tuple[str, str]]:
        """Look whether every upload is notified to our topic."""
        bucket, topic = self.deployment.source_bucket, self.deployment.topic_arn
        setting = {"TopicConfigurations": [{"TopicArn": topic, "Events": [_EVERY_UPLOAD]}]}
        mend = (
            f"aws s3api put-bucket-notification-configuration --bucket {bucket} "
            f"--notification-configuration '{json.dumps(setting)}'"
        )
        with _asking(f"the notifications of {bucket} cannot be looked at", "check DOCPROC_SOURCE_BUCKET"):
            found = self.make("s3").get_bucket_notification_configuration(Bucket=bucket)
        ours = [entry for entry in found.get("TopicConfigurations", ()) if entry["TopicArn"] == topic]
        if not ours:
            yield f"{bucket} does not notify {topic}", mend
        elif not any(_EVERY_UPLOAD in entry["Events"] for entry in ours):
            yield f"{bucket} notifies only some uploads: {ours[0]['Events']}", mend
        elif all(entry.get("Filter", {}).get("Key", {}).get("FilterRules") for entry in ours):
            yield f"{bucket} notifies only uploads that pass a filter", mend

    def destination_bucket(self) -> Iterator[tuple[str, str]]:
        """Look whether there is somewhere to write to."""
        with _asking(
            f"the bucket {self.deployment.destination_bucket} cannot be reached",
            "check DOCPROC_DESTINATION_BUCKET",
        ):
            self.make("s3").head_bucket(Bucket=self.deployment.destination_bucket)
        yield from ()

    def topic(self) -> Iterator[tuple[str, str]]:
        """Look whether the topic signs with SHA-256, and S3 may publish, through a key that lets it."""
        arn = self.deployment.topic_arn
        with _asking(f"the topic {arn} cannot be looked at", "check DOCPROC_TOPIC_ARNS"):
            attributes = self.make("sns").get_topic_attributes(TopicArn=arn)["Attributes"]
        set_attribute = f"aws sns set-topic-attributes --topic-arn {arn} --attribute-name"
        if attributes.get("SignatureVersion") != "2":
            yield (
                "the topic signs with SHA-1, which the service refuses",
                f"{set_attribute} SignatureVersion --attribute-value 2",
            )
        if not _lets(attributes.get("Policy", "{}"), "s3.amazonaws.com", "sns:Publish"):
            yield (
                "the topic's policy does not let S3 publish",
                "manage.py deploy (the template has the policy)",
            )
        key = attributes.get("KmsMasterKeyId", "")
        if key == AWS_OWN_KEY or key.endswith(f":{AWS_OWN_KEY}"):
            yield (
                "the topic is encrypted with aws/sns, which S3 may not use: notifications are lost silently",
                f"{set_attribute} KmsMasterKeyId --attribute-value KEY (a key whose policy names S3)",
            )
        elif key:
            yield from self._key(key)

    def subscription(self) -> Iterator[tuple[str, str]]:
        """Look whether SNS posts to the service, signed, and keeps what it cannot deliver."""
        sns, arn = self.make("sns"), self.deployment.topic_arn
        with _asking(f"the subscriptions of {arn} cannot be listed", "check DOCPROC_TOPIC_ARNS"):
            pages = sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=arn)
            found = [entry for page in pages for entry in page["Subscriptions"]]
        web = [entry for entry in found if entry["Protocol"] in {"http", "https"}]
        if not web:
            command = f"aws sns subscribe --topic-arn {arn} --protocol https --notification-endpoint https://HOST/sns"
            raise _Unhealthy("nobody is subscribed over HTTPS, so nothing is delivered", command)
        for entry in web:
            if not entry["SubscriptionArn"].startswith("arn:"):
                yield (
                    f"{entry['Endpoint']} has not confirmed its subscription, so nothing is delivered",
                    (
                        f"aws sns subscribe --topic-arn {arn} --protocol {entry['Protocol']}"
                        f" --notification-endpoint {entry['Endpoint']}"
                        " (SNS asks again; the service's log says why it did not confirm)"
                    ),
                )
            else:
                yield from self._subscribed(sns, entry)

    def dead_letter_queue(self) -> Iterator[tuple[str, str]]:
        """Look whether what SNS gives up on is kept for 14 days."""
        url = self.deployment.dead_letter_queue_url
        if not url:
            raise _Unhealthy("no dead-letter queue is set", "set DOCPROC_DEAD_LETTER_QUEUE_URL")
        with _asking(f"the queue {url} cannot be looked at", "check DOCPROC_DEAD_LETTER_QUEUE_URL"):
            attributes = self.make("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])[
                "Attributes"
            ]
        if int(attributes.get("MessageRetentionPeriod", 0)) < FOURTEEN_DAYS_SECONDS:
            yield (
                "dead letters are kept for less than 14 days",
                (
                    f"aws sqs set-queue-attributes --queue-url {url}"
                    f" --attributes MessageRetentionPeriod={FOURTEEN_DAYS_SECONDS}"
                ),
            )
        if not _lets(attributes.get("Policy", "{}"), "sns.amazonaws.com", "sqs:SendMessage"):
            yield (
                "the queue's policy does not let SNS write",
                "manage.py deploy (the template has the policy)",
            )
        if waiting := int(attributes.get("ApproximateNumberOfMessages", 0)):
            yield f"{counted(waiting, 'message')} in the dead-letter queue", "manage.py redrive"

    def tables(self) -> Iterator[tuple[str, str]]:
        """Look whether the ledger's tables are there."""
        for table in self.deployment.tables:
            with _asking(f"the table {table} cannot be looked at", "check its name, or manage.py deploy"):
                found = self.make("dynamodb").describe_table(TableName=table)["Table"]
            if found["TableStatus"] not in {"ACTIVE", "UPDATING"}:
                yield (
                    f"the table {table} is {found['TableStatus']}",
                    f"aws dynamodb wait table-exists --table-name {table}",
                )
            if not found.get("GlobalSecondaryIndexes"):
                yield (
                    f"the table {table} has no index, so listings fail",
                    "manage.py deploy (the template has them)",
                )

    def database(self) -> Iterator[tuple[str, str]]:
        """Look whether the databases have today's tables."""
        yield from self.databases()

    def certificate(self) -> Iterator[tuple[str, str]]:
        """Look whether the host of SNS's signing certificates can be reached."""
        try:
            self.fetch(self.deployment.certificate_url)
        except CertificateUnavailable as error:
            # Any answer will do: the certificate asked for is one that does not exist.
            if error.code != "certificate-status":
                host = self.deployment.certificate_url.split("/")[2]
                yield (
                    f"SNS's signing certificates cannot be fetched from {host} ({error.code})",
                    f"let this machine reach {host}:443; try: curl -sI https://{host}/",
                )

    def workgroups(self) -> Iterator[tuple[str, str]]:
        """Look whether Athena has the workgroups that reports and compaction run in."""
        for name in self.deployment.workgroups:
            with _asking(f"the workgroup {name} cannot be looked at", "manage.py deploy, or check its name"):
                found = self.make("athena").get_work_group(WorkGroup=name).get("WorkGroup")
            if not found:
                yield f"there is no workgroup {name}", "manage.py deploy, or check its name"
            elif found.get("State") == "DISABLED":
                yield (
                    f"the workgroup {name} is disabled",
                    f"aws athena update-work-group --work-group {name} --state ENABLED",
                )

    def _key(self, key: str) -> Iterator[tuple[str, str]]:
        with _asking(
            f"the key {key} cannot be looked at", "check the topic's key, and that the role may use it"
        ):
            found = self.make("kms").describe_key(KeyId=key)["KeyMetadata"]
        if found["KeyState"] == "PendingDeletion":
            yield (
                f"the key {key} is about to be deleted, and all that it encrypts with it",
                f"aws kms cancel-key-deletion --key-id {key} && aws kms enable-key --key-id {key}",
            )
        elif found["KeyState"] != "Enabled":
            yield f"the key {key} is {found['KeyState']}", f"aws kms enable-key --key-id {key}"

    def _subscribed(self, sns: Any, entry: dict[str, str]) -> Iterator[tuple[str, str]]:  # noqa: ANN401 - boto3's
        arn = entry["SubscriptionArn"]
        with _asking(f"the subscription {arn} cannot be looked at", "check the role"):
            attributes = sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
        set_attribute = f"aws sns set-subscription-attributes --subscription-arn {arn} --attribute-name"
        if attributes.get("RawMessageDelivery") == "true":
            yield (
                "messages come raw, so unsigned, and the service refuses them",
                f"{set_attribute} RawMessageDelivery --attribute-value false",
            )
        if "deadLetterTargetArn" not in attributes.get("RedrivePolicy", ""):
            yield (
                "what SNS gives up on is lost: the subscription has no dead-letter queue",
                f'{set_attribute} RedrivePolicy --attribute-value \'{{"deadLetterTargetArn": "QUEUE_ARN"}}\'',
            )
        if "numRetries" not in attributes.get("DeliveryPolicy", ""):
            yield (
                "SNS gives up after a minute: the subscription has no delivery policy",
                "manage.py deploy (the template has the policy)",
            )


CHECKS: dict[str, Check] = {
    "credentials": Doctor.credentials,
    "clock and time-outs": Doctor.clock_and_time_outs,
    "source bucket": Doctor.source_bucket,
    "notification": Doctor.notification,
    "destination bucket": Doctor.destination_bucket,
    "topic and key": Doctor.topic,
    "subscription": Doctor.subscription,
    "dead-letter queue": Doctor.dead_letter_queue,
    "tables": Doctor.tables,
    "database": Doctor.database,
    "signing certificate": Doctor.certificate,
    "workgroups": Doctor.workgroups,
}


@contextmanager
def _asking(what: str, mend: str) -> Iterator[None]:
    """Stop the check with the fault when AWS does not answer the question."""
    try:
        yield
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        raise _Unhealthy(f"{what} ({code})", CONFIGURATION_FAULTS.get(code, mend)) from error
    except (BotoCoreError, TemporaryFailure) as error:
        raise _Unhealthy(f"{what} ({error})", mend) from error


def _lifecycle(s3: Any, bucket: str) -> list[dict[str, Any]]:  # noqa: ANN401 - boto3's
    try:
        rules: list[dict[str, Any]] = s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchLifecycleConfiguration":
            return []
        raise _Unhealthy(f"the life cycle of {bucket} cannot be looked at", "check the role") from error
    return rules


def _lets(policy: str, service: str, action: str) -> bool:
    """Tell whether a resource's policy lets the service do it; whoever else it lets is no matter here."""
    return any(
        statement.get("Effect") == "Allow"
        and service in str(statement.get("Principal"))
        and action.lower() in str(statement.get("Action")).lower()
        for statement in json.loads(policy).get("Statement", ())
    )
