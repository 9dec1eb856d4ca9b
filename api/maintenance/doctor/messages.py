"""The doctor looks at what carries messages: the topic and its key, the subscription, the dead letters."""

from typing import Any

from api.maintenance.doctor.examination import (
    Examination,
    Finding,
    Findings,
    Unchecked,
    Unhealthy,
    asking,
    lets,
)
from invoice_parser.wording import counted

FOURTEEN_DAYS_SECONDS = 14 * 24 * 3600
AWS_OWN_KEY = "alias/aws/sns"


def topic(examination: Examination) -> Findings:
    """Look whether the topic signs with SHA-256, and S3 may publish, through a key that lets it."""
    arn = examination.deployment.topic_arn
    with asking(f"the topic {arn} cannot be looked at", "check DOCPROC_TOPIC_ARNS"):
        attributes = examination.make("sns").get_topic_attributes(TopicArn=arn)["Attributes"]
    set_attribute = f"aws sns set-topic-attributes --topic-arn {arn} --attribute-name"
    if examination.deployment.is_local and "SignatureVersion" not in attributes:
        yield Unchecked("with which version the topic signs: embedded AWS does not tell")
    elif attributes.get("SignatureVersion") != "2":
        yield Finding(
            "the topic signs with SHA-1, which the service refuses",
            f"{set_attribute} SignatureVersion --attribute-value 2",
        )
    if not lets(attributes.get("Policy", "{}"), "s3.amazonaws.com", "sns:Publish"):
        yield Finding(
            "the topic's policy does not let S3 publish",
            "manage.py deploy (the template has the policy)",
        )
    key = attributes.get("KmsMasterKeyId", "")
    if key == AWS_OWN_KEY or key.endswith(f":{AWS_OWN_KEY}"):
        yield Finding(
            "the topic is encrypted with aws/sns, which S3 may not use: notifications are lost silently",
            f"{set_attribute} KmsMasterKeyId --attribute-value KEY (a key whose policy names S3)",
        )
    elif key:
        yield from _key(examination, key)


def subscription(examination: Examination) -> Findings:
    """Look whether SNS posts to the service, signed, and keeps what it cannot deliver."""
    sns, arn = examination.make("sns"), examination.deployment.topic_arn
    with asking(f"the subscriptions of {arn} cannot be listed", "check DOCPROC_TOPIC_ARNS"):
        pages = sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=arn)
        found = [entry for page in pages for entry in page["Subscriptions"]]
    web = [entry for entry in found if entry["Protocol"] in {"http", "https"}]
    if not web:
        command = (
            f"aws sns subscribe --topic-arn {arn} --protocol https --notification-endpoint https://HOST/sns"
        )
        raise Unhealthy("nobody is subscribed over HTTPS, so nothing is delivered", command)
    for entry in web:
        if not entry["SubscriptionArn"].startswith("arn:"):
            yield Finding(
                f"{entry['Endpoint']} has not confirmed its subscription, so nothing is delivered",
                (
                    f"aws sns subscribe --topic-arn {arn} --protocol {entry['Protocol']}"
                    f" --notification-endpoint {entry['Endpoint']}"
                    " (SNS asks again; the service's log says why it did not confirm)"
                ),
            )
        else:
            yield from _subscribed(sns, entry)


def dead_letter_queue(examination: Examination) -> Findings:
    """Look whether what SNS gives up on is kept for 14 days."""
    url = examination.deployment.dead_letter_queue_url
    if not url:
        raise Unhealthy("no dead-letter queue is set", "set DOCPROC_DEAD_LETTER_QUEUE_URL")
    with asking(f"the queue {url} cannot be looked at", "check DOCPROC_DEAD_LETTER_QUEUE_URL"):
        attributes = examination.make("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])[
            "Attributes"
        ]
    if int(attributes.get("MessageRetentionPeriod", 0)) < FOURTEEN_DAYS_SECONDS:
        yield Finding(
            "dead letters are kept for less than 14 days",
            (
                f"aws sqs set-queue-attributes --queue-url {url}"
                f" --attributes MessageRetentionPeriod={FOURTEEN_DAYS_SECONDS}"
            ),
        )
    if not lets(attributes.get("Policy", "{}"), "sns.amazonaws.com", "sqs:SendMessage"):
        yield Finding(
            "the queue's policy does not let SNS write",
            "manage.py deploy (the template has the policy)",
        )
    if waiting := int(attributes.get("ApproximateNumberOfMessages", 0)):
        yield Finding(f"{counted(waiting, 'message')} in the dead-letter queue", "manage.py redrive")


def _key(examination: Examination, key: str) -> Findings:
    with asking(f"the key {key} cannot be looked at", "check the topic's key, and that the role may use it"):
        found = examination.make("kms").describe_key(KeyId=key)["KeyMetadata"]
    if found["KeyState"] == "PendingDeletion":
        yield Finding(
            f"the key {key} is about to be deleted, and all that it encrypts with it",
            f"aws kms cancel-key-deletion --key-id {key} && aws kms enable-key --key-id {key}",
        )
    elif found["KeyState"] != "Enabled":
        yield Finding(f"the key {key} is {found['KeyState']}", f"aws kms enable-key --key-id {key}")


def _subscribed(sns: Any, entry: dict[str, str]) -> Findings:  # noqa: ANN401 - boto3's
    arn = entry["SubscriptionArn"]
    with asking(f"the subscription {arn} cannot be looked at", "check the role"):
        attributes = sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
    set_attribute = f"aws sns set-subscription-attributes --subscription-arn {arn} --attribute-name"
    if attributes.get("RawMessageDelivery") == "true":
        yield Finding(
            "messages come raw, so unsigned, and the service refuses them",
            f"{set_attribute} RawMessageDelivery --attribute-value false",
        )
    if "deadLetterTargetArn" not in attributes.get("RedrivePolicy", ""):
        yield Finding(
            "what SNS gives up on is lost: the subscription has no dead-letter queue",
            f'{set_attribute} RedrivePolicy --attribute-value \'{{"deadLetterTargetArn": "QUEUE_ARN"}}\'',
        )
    if "numRetries" not in attributes.get("DeliveryPolicy", ""):
        yield Finding(
            "SNS gives up after a minute: the subscription has no delivery policy",
            "manage.py deploy (the template has the policy)",
        )
