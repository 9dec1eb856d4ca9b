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
RETRIES = 50


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
    writes = _policy("sns.amazonaws.com", "sqs:SendMessage", queue["QueueArn"], topic_arn)
    sqs.set_queue_attributes(QueueUrl=queue_url, Attributes={"Policy": writes})
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
        Attributes={
            "RedrivePolicy": json.dumps({"deadLetterTargetArn": made.dead_letter_queue_arn}),
            "DeliveryPolicy": json.dumps({"healthyRetryPolicy": {"numRetries": RETRIES}}),
        },
    )


def _topic(aws: EmbeddedAws) -> str:
    sns = aws.client("sns")
    arn: str = sns.create_topic(Name=TOPIC, Attributes={"SignatureVersion": "2"})["TopicArn"]
    publishes = _policy("s3.amazonaws.com", "sns:Publish", arn, f"arn:aws:s3:::{SOURCE_BUCKET}")
    sns.set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=publishes)
    return arn


def _policy(service: str, action: str, resource: str, source_arn: str) -> str:
    """Return a policy that lets the service do that, in the name of one source. Nothing here enforces it."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": action,
        "Resource": resource,
        "Condition": {"ArnEquals": {"aws:SourceArn": source_arn}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


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
