"""What a deployment consists of, made by plain API calls: buckets, topic, queue, tables, subscription."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from infra.local.embedded_aws import EmbeddedAws

SOURCE_BUCKET = "docproc-source"
DESTINATION_BUCKET = "docproc-destination"
TOPIC = DEAD_LETTER_QUEUE = "docproc"
DOCUMENT_TABLE = "docproc-document"
INVOICE_TABLE = "docproc-invoice"
FOURTEEN_DAYS_SECONDS = 14 * 24 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Provisioned:
    """What provisioning made and only AWS could name."""

    topic_arn: str
    dead_letter_queue_url: str
    dead_letter_queue_arn: str


def provision(aws: EmbeddedAws, tables: Iterable[dict[str, Any]]) -> Provisioned:
    """Make everything but the subscription, which wants the service to be there; returns its names.

    `tables` are the parameters of CreateTable calls.
    """
    topic_arn = _topic(aws)
    _source_bucket(aws, topic_arn)
    aws.client("s3").create_bucket(Bucket=DESTINATION_BUCKET)
    sqs = aws.client("sqs")
    queue_url = sqs.create_queue(
        QueueName=DEAD_LETTER_QUEUE, Attributes={"MessageRetentionPeriod": str(FOURTEEN_DAYS_SECONDS)}
    )["QueueUrl"]
    queue = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"])["Attributes"]
    dynamodb = aws.client("dynamodb")
    for table in tables:
        dynamodb.create_table(**table)
    return Provisioned(
        topic_arn=topic_arn, dead_letter_queue_url=queue_url, dead_letter_queue_arn=queue["QueueArn"]
    )


def subscribe(aws: EmbeddedAws, made: Provisioned, endpoint: str) -> None:
    """Let the topic post to the service, which has to confirm it first."""
    aws.client("sns").subscribe(
        TopicArn=made.topic_arn,
        Protocol="http",
        Endpoint=endpoint,
        Attributes={"RedrivePolicy": json.dumps({"deadLetterTargetArn": made.dead_letter_queue_arn})},
    )


def _topic(aws: EmbeddedAws) -> str:
    arn: str = aws.client("sns").create_topic(Name=TOPIC, Attributes={"SignatureVersion": "2"})["TopicArn"]
    return arn


def _source_bucket(aws: EmbeddedAws, topic_arn: str) -> None:
    """Make the bucket whose objects live for a day, and their older versions for one more."""
    s3 = aws.client("s3")
    s3.create_bucket(Bucket=SOURCE_BUCKET)
    s3.put_bucket_versioning(Bucket=SOURCE_BUCKET, VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_lifecycle_configuration(
        Bucket=SOURCE_BUCKET,
        LifecycleConfiguration={
            "Rules": [
                {
                    "ID": "expire-after-a-day",
                    "Status": "Enabled",
                    "Filter": {"Prefix": ""},
                    "Expiration": {"Days": 1},
                    "NoncurrentVersionExpiration": {"NoncurrentDays": 1},
                }
            ]
        },
    )
    s3.put_bucket_notification_configuration(
        Bucket=SOURCE_BUCKET,
        NotificationConfiguration={
            "TopicConfigurations": [{"TopicArn": topic_arn, "Events": ["s3:ObjectCreated:*"]}]
        },
    )
