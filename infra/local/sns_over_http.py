"""The part of SNS that moto leaves out: a subscription over HTTP, as AWS runs it.

moto posts inside PutObject, unconfirmed, without headers and once. Here moto only carries
the topic's messages to an SQS queue, the wire; from there they are completed, signed and
handed to the Deliverer. Some calls are seen before moto sees them: Subscribe over HTTP,
ConfirmSubscription, what asks for that subscription or changes it, and what sets the topic's
SignatureVersion.
https://docs.aws.amazon.com/sns/latest/dg/sns-http-https-endpoint-as-subscriber.html
"""

import json
import secrets
import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

from infra.local.deliverer import Deliverer
from infra.local.s3_journal import S3Journal
from infra.local.sns_messages import Message, Signer, build

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient

WIRE = "sns-http-wire"
S3_SUBJECT = "Amazon S3 Notification"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """The one HTTP subscription; `token` confirms it, until then `confirmed_at` is empty."""

    arn: str
    topic_arn: str
    endpoint: str
    token: str
    attributes: Mapping[str, str]
    confirmed_at: str = ""

    @property
    def dead_letter_arn(self) -> str:
        """Return where undelivered messages go, empty for nowhere."""
        return str(json.loads(self.attributes.get("RedrivePolicy") or "{}").get("deadLetterTargetArn", ""))


class InvalidParameter(Exception):  # noqa: N818 - the code that SNS answers
    """The call is wrong; SNS answers 400."""


class SnsOverHttp:
    """Answers for one subscription, and takes its topic's messages off the wire."""

    def __init__(
        self, *, sns: "SNSClient", sqs: "SQSClient", signer: Signer, base_url: str, journal: S3Journal
    ) -> None:
        self.deliverer = Deliverer(dead_letter=self._bury)
        self.subscription: Subscription | None = None
        self._sns, self._sqs = sns, sqs
        self._signer, self._base_url, self._journal = signer, base_url, journal
        self._signature_version = "1"  # AWS's default
        self._stopped = threading.Event()
        self._wire_url = ""
        self._reader: threading.Thread | None = None

    @property
    def is_confirmed(self) -> bool:
        """Whether there is a subscription and the service has confirmed it."""
        return self.subscription is not None and self.subscription.confirmed_at != ""

    def start(self) -> None:
        """Start the deliverer."""
        self.deliverer.start()

    def stop(self) -> None:
        """End the threads; what is not delivered is dropped."""
        self._stopped.set()
        if self._reader:
            self._sqs.send_message(QueueUrl=self._wire_url, MessageBody="wake up")
            self._reader.join()
        self.deliverer.stop()

    def answer(self, call: Mapping[str, str]) -> str | None:
        """Return the subscription's ARN for a call that is ours to answer, None for moto's.

        Raises InvalidParameter. A call is the parameters of a request, Action among them.
        """
        self._note_signature_version(call)
        if call.get("Action") == "ConfirmSubscription":
            return self._confirm(call)
        if call.get("Action") == "Subscribe" and call.get("Protocol") in {"http", "https"}:
            return self._subscribe(call)
        return None

    def tell(self, call: Mapping[str, str]) -> str | None:
        """Return the result, in XML, of a call about the subscription; None for a call that is moto's.

        A topic's subscriptions are this one alone: of the wire nobody is to know.
        """
        known, action = self.subscription, call.get("Action")
        if known is None:
            return None
        if action == "ListSubscriptionsByTopic" and call.get("TopicArn") == known.topic_arn:
            facts = {
                "SubscriptionArn": known.arn if known.confirmed_at else "PendingConfirmation",
                "Owner": known.topic_arn.split(":")[4],
                "Protocol": urlsplit(known.endpoint).scheme,
                "Endpoint": known.endpoint,
                "TopicArn": known.topic_arn,
            }
            return f"<Subscriptions><member>{_tags(facts)}</member></Subscriptions>"
        if call.get("SubscriptionArn") != known.arn:
            return None
        if action == "GetSubscriptionAttributes":
            entries = (_tags({"key": name, "value": value}) for name, value in known.attributes.items())
            return f"<Attributes>{''.join(f'<entry>{entry}</entry>' for entry in entries)}</Attributes>"
        if action == "SetSubscriptionAttributes":
            changed = {call.get("AttributeName", ""): call.get("AttributeValue", "")}
            self.subscription = replace(known, attributes={**known.attributes, **changed})
            return ""
        return None

    def _note_signature_version(self, call: Mapping[str, str]) -> None:
        version = _attributes(call).get("SignatureVersion", "") if call.get("Action") == "CreateTopic" else ""
        if call.get("Action") == "SetTopicAttributes" and call.get("AttributeName") == "SignatureVersion":
            version = call.get("AttributeValue", "")
        self._signature_version = version or self._signature_version

    def _subscribe(self, call: Mapping[str, str]) -> str:
        topic_arn, endpoint = call.get("TopicArn", ""), call.get("Endpoint", "")
        known = self.subscription
        if known and (known.topic_arn, known.endpoint) != (topic_arn, endpoint):
            raise InvalidParameter("embedded SNS keeps one subscription over HTTP, and there is one")
        if known and known.confirmed_at:
            return known.arn
        try:
            self.deliverer.endpoint = endpoint
        except ValueError as error:
            raise InvalidParameter(str(error)) from error
        self.subscription = Subscription(
            arn=f"{topic_arn}:{uuid.uuid4()}",
            topic_arn=topic_arn,
            endpoint=endpoint,
            token=secrets.token_hex(112),
            attributes=_attributes(call),
        )
        if not self._reader:
            self._wire_url = self._lay_wire(topic_arn)
            self._reader = threading.Thread(target=self._read_wire, name="sns-wire", daemon=True)
            self._reader.start()
        self.deliverer.deliver(self._confirmation(self.subscription))
        return self.subscription.arn

    def _confirm(self, call: Mapping[str, str]) -> str:
        pending = self.subscription
        if not pending or (call.get("TopicArn"), call.get("Token")) != (pending.topic_arn, pending.token):
            raise InvalidParameter("Invalid parameter: Token")
        if call.get("AuthenticateOnUnsubscribe") != "true":
            # AWS would take it, and then anybody who sees an UnsubscribeURL could end the subscription.
            raise InvalidParameter("embedded SNS wants AuthenticateOnUnsubscribe=true")
        self.subscription = replace(pending, confirmed_at=_now())
        return pending.arn

    def _lay_wire(self, topic_arn: str) -> str:
        queue_url = self._sqs.create_queue(QueueName=WIRE)["QueueUrl"]
        queue_arn = ":".join(["arn:aws:sqs", *topic_arn.split(":")[3:5], WIRE])
        self._sns.subscribe(TopicArn=topic_arn, Protocol="sqs", Endpoint=queue_arn)
        return queue_url

    def _read_wire(self) -> None:
        wire = self._wire_url
        while True:
            answer = self._sqs.receive_message(QueueUrl=wire, MaxNumberOfMessages=10, WaitTimeSeconds=10)
            if self._stopped.is_set():
                return
            for message in answer.get("Messages", ()):
                self._sqs.delete_message(QueueUrl=wire, ReceiptHandle=message["ReceiptHandle"])
                self._forward(json.loads(message["Body"]))

    def _forward(self, published: Mapping[str, str]) -> None:
        """Deliver one message of the topic; what came before the confirmation is not kept for it."""
        completed = self._journal.complete(published["Message"])
        subscription = self.subscription
        if not subscription or not "" < subscription.confirmed_at <= published["Timestamp"]:
            return
        fields = {
            "Type": "Notification",
            "MessageId": published["MessageId"],
            "TopicArn": published["TopicArn"],
        }
        if subject := published.get("Subject") or (S3_SUBJECT if _is_from_s3(completed) else ""):
            fields["Subject"] = subject
        fields |= {"Message": completed, "Timestamp": published["Timestamp"]}
        self.deliverer.deliver(self._sign(fields, subscription))

    def _confirmation(self, pending: Subscription) -> Message:
        query = f"Action=ConfirmSubscription&TopicArn={pending.topic_arn}&Token={pending.token}"
        fields = {
            "Type": "SubscriptionConfirmation",
            "MessageId": str(uuid.uuid4()),
            "Token": pending.token,
            "TopicArn": pending.topic_arn,
            "Message": f"You have chosen to subscribe to the topic {pending.topic_arn}.\n"
            "To confirm the subscription, visit the SubscribeURL included in this message.",
            "SubscribeURL": f"{self._base_url}/?{query}",
            "Timestamp": _now(),
        }
        return self._sign(fields, pending)

    def _sign(self, fields: Mapping[str, str], subscription: Subscription) -> Message:
        return build(
            fields,
            signer=self._signer,
            version=self._signature_version,
            base_url=self._base_url,
            subscription_arn=subscription.arn,
        )

    def _bury(self, message: Message) -> None:
        """Put a message that could not be delivered into the dead-letter queue, if there is one."""
        if message.type != "Notification" or not self.subscription or not self.subscription.dead_letter_arn:
            return
        name = self.subscription.dead_letter_arn.rpartition(":")[2]
        queue_url = self._sqs.get_queue_url(QueueName=name)["QueueUrl"]
        self._sqs.send_message(QueueUrl=queue_url, MessageBody=message.body.decode())


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def _attributes(call: Mapping[str, str]) -> dict[str, str]:
    names = {key.removesuffix(".key"): value for key, value in call.items() if key.endswith(".key")}
    return {name: call.get(f"{prefix}.value", "") for prefix, name in names.items()}


def _tags(facts: Mapping[str, str]) -> str:
    return "".join(f"<{name}>{escape(value)}</{name}>" for name, value in facts.items())


def _is_from_s3(message: str) -> bool:
    return '"aws:s3"' in message or '"s3:TestEvent"' in message
