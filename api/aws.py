"""The one door to boto3: clients, the table of AWS errors, the topic, the dead-letter queue.

Every call has a connect and a read time-out and at most one retry, so that the three calls
of an ordinary invoice fit in the 15 s that SNS waits, even when each of them first times out:
https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html
"""

import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, partial
from threading import Lock
from types import TracebackType
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    NoCredentialsError,
    PartialCredentialsError,
)
from botocore.httpsession import get_cert_path
from botocore.parsers import ResponseParserError

from api.hot import HotDynamoDB, HotS3
from api.ports import TemporaryFailure
from api.wire import Wire

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient

CONNECT_TIMEOUT_SECONDS = 0.5
READ_TIMEOUT_SECONDS = 1.4
ATTEMPTS = 2

_GRANT = "the role may not do this: compare it with the role in infra/template.yaml"
_CREDENTIALS = "the credentials are missing, wrong or expired: check the instance's role"
_BUCKET = "the bucket does not exist: check DOCPROC_SOURCE_BUCKET and DOCPROC_DESTINATION_BUCKET"
_KEY = "the KMS key is disabled, gone or not granted: check the key's state and its policy"

# What an operator can do about an error that waiting will not cure. All of these are answered
# with 503 as well: the document is not at fault and must come again once this is mended.
CONFIGURATION_FAULTS = {
    "AccessDenied": _GRANT,
    "AccessDeniedException": _GRANT,
    "AuthorizationError": _GRANT,
    "AllAccessDisabled": _GRANT,
    "403": _GRANT,
    "ExpiredToken": _CREDENTIALS,
    "ExpiredTokenException": _CREDENTIALS,
    "InvalidAccessKeyId": _CREDENTIALS,
    "InvalidClientTokenId": _CREDENTIALS,
    "InvalidToken": _CREDENTIALS,
    "InvalidSignatureException": _CREDENTIALS,
    "SignatureDoesNotMatch": _CREDENTIALS,
    "UnrecognizedClientException": _CREDENTIALS,
    "RequestTimeTooSkewed": "the clock of this machine is wrong: check its time synchronization",
    "NoSuchBucket": _BUCKET,
    "404": _BUCKET,
    "PermanentRedirect": "the bucket is in another region: check DOCPROC_AWS_REGION",
    "AuthorizationHeaderMalformed": "the bucket is in another region: check DOCPROC_AWS_REGION",
    "ResourceNotFoundException": "the table does not exist: check DOCPROC_DOCUMENT_TABLE and "
    "DOCPROC_INVOICE_TABLE",
    "QueueDoesNotExist": "the queue does not exist: check DOCPROC_DEAD_LETTER_QUEUE_URL",
    "AWS.SimpleQueueService.NonExistentQueue": "the queue does not exist: check "
    "DOCPROC_DEAD_LETTER_QUEUE_URL",
    "KMS.DisabledException": _KEY,
    "KMS.NotFoundException": _KEY,
    "KMS.KMSInvalidStateException": _KEY,
    "KMS.AccessDeniedException": _KEY,
}
PASSING_FAULTS = frozenset(
    {
        "ConditionalRequestConflict",
        "InternalError",
        "InternalFailure",
        "InternalServerError",
        "ItemCollectionSizeLimitExceededException",
        "LimitExceededException",
        "OperationAborted",
        "ProvisionedThroughputExceededException",
        "ReplicatedWriteConflictException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestTimeout",
        "RequestTimeoutException",
        "ServiceUnavailable",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionConflictException",
        "TransactionInProgressException",
    }
)
_HTTP_SERVER_ERROR = 500
# More than a document may have; boto3 reads what is larger, or tells how large it is.
MAX_HOT_BODY_BYTES = 1024 * 1024
_MAKING = Lock()  # a session makes one client after the other
_HOT = {"s3": HotS3, "dynamodb": HotDynamoDB}


class translate:  # noqa: N801 - it reads as contextlib's own
    """Turn AWS's errors into TemporaryFailure; this is the one table of what is temporary.

    An error in neither list is no trouble of AWS's but of this request, so it rises as it is
    and the document that caused it becomes a visible rejection.
    """

    __slots__ = ("_operation", "_service")

    def __init__(self, service: str, operation: str) -> None:
        self._service, self._operation = service, operation

    def __enter__(self) -> None:
        """Do nothing."""

    def __exit__(
        self, _type: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """Raise TemporaryFailure for an error that is temporary."""
        if isinstance(error, ClientError):
            code = error_code(error)
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
            mend = CONFIGURATION_FAULTS.get(code, "")
            if mend or code in PASSING_FAULTS or status >= _HTTP_SERVER_ERROR:
                raise TemporaryFailure(self._service, self._operation, code, mend) from error
        elif isinstance(error, (NoCredentialsError, PartialCredentialsError)):
            raise TemporaryFailure(
                self._service, self._operation, type(error).__name__, _CREDENTIALS
            ) from error
        elif isinstance(error, (BotoCoreError, ResponseParserError)):  # a proxy's page instead of an answer
            raise TemporaryFailure(self._service, self._operation, type(error).__name__) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Clients:
    """Makes clients for one region; `endpoint_url` is embedded AWS's, None for the real one.

    They are boto3's, or, if `is_fast`, those of api.hot before boto3's.
    """

    region: str
    endpoint_url: str | None = None
    pool_size: int = 32
    is_fast: bool = True
    # One for all: it keeps the services' models, which take long to read and much memory.
    session: boto3.session.Session = field(default_factory=boto3.session.Session, repr=False, compare=False)

    def make(self, service: str, *, read_timeout_seconds: float = READ_TIMEOUT_SECONDS) -> Any:  # noqa: ANN401 - boto3 makes classes at run time
        """Return a new client; clients are thread-safe, make each once."""
        config = Config(
            connect_timeout=CONNECT_TIMEOUT_SECONDS,
            read_timeout=read_timeout_seconds,
            retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
            max_pool_connections=self.pool_size,
            user_agent_extra="docproc",
            # An eighth of a call's CPU time and more; the parameters are typed and tested here.
            parameter_validation=False,
            # For upload forms boto3 would fall back on version 2, which newer regions refuse.
            signature_version="s3v4" if service == "s3" else None,
            s3={"addressing_style": "path" if self.endpoint_url else "auto"},
        )
        make: Callable[..., Any] = self.session.client
        with _MAKING:
            client = make(service, region_name=self.region, endpoint_url=self.endpoint_url, config=config)
            credentials = self.session.get_credentials()
        client.meta.events.register("before-parse", _refuse_torn)
        hot = _HOT.get(service)
        if not self.is_fast or hot is None or credentials is None:
            return client
        return hot(client, credentials.get_frozen_credentials, partial(self._wire, read_timeout_seconds))

    def _wire(self, read_timeout_seconds: float, url: SplitResult) -> Wire:
        is_tls = url.scheme == "https"
        return Wire(
            host=url.hostname or "",
            port=url.port or (443 if is_tls else 80),
            tls=_trust() if is_tls else None,
            size=self.pool_size,
            connect_timeout_seconds=CONNECT_TIMEOUT_SECONDS,
            read_timeout_seconds=read_timeout_seconds,
            max_body_bytes=MAX_HOT_BODY_BYTES,
        )


@cache
def _trust() -> ssl.SSLContext:
    """Return the context of TLS that trusts whom boto3 trusts."""
    bundle = botocore.session.get_session().get_config_variable("ca_bundle")
    return ssl.create_default_context(cafile=get_cert_path(bundle or True))


def _refuse_torn(operation_model: Any, response_dict: dict[str, Any], **_: object) -> None:  # noqa: ANN401 - botocore has no types
    """Raise for an answer that ended amid its headers, which http.client takes for a whole one.

    botocore would read an empty bucket or an unknown document from it. AWS says of every answer
    that has a body how long it is; only then does it matter here.
    """
    headers, shape = response_dict["headers"], operation_model.output_shape
    members = shape.members.values() if shape else ()
    is_read = any("location" not in member.serialization for member in members)
    is_framed = "content-length" in headers or "transfer-encoding" in headers
    body = response_dict["body"]
    if is_read and not is_framed and not (isinstance(body, bytes) and body):
        raise ConnectionClosedError(endpoint_url=operation_model.service_model.endpoint_prefix)


def error_code(error: ClientError) -> str:
    """Return the code that AWS gave."""
    return str(error.response.get("Error", {}).get("Code", ""))


@dataclass(frozen=True, slots=True, kw_only=True)
class Topics:
    """Confirms subscriptions; `client_in` makes the client of a region."""

    client_in: "Callable[[str], SNSClient]"

    def confirm(self, topic_arn: str, token: str) -> None:
        """Confirm a subscription such that only AWS credentials can end it. Safe to repeat."""
        client = self.client_in(topic_arn.split(":")[3])
        try:
            with translate("sns", "ConfirmSubscription"):
                client.confirm_subscription(TopicArn=topic_arn, Token=token, AuthenticateOnUnsubscribe="true")
        except ClientError as error:
            # An expired token, say. It is not confirmed, and asking again costs nothing.
            raise TemporaryFailure("sns", "ConfirmSubscription", error_code(error)) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcements:
    """A topic that people read by mail."""

    client: "SNSClient"
    topic_arn: str

    def publish(self, subject: str, text: str) -> None:
        """Publish a message; the subject is ASCII of at most 100 characters. Raises TemporaryFailure."""
        try:
            with translate("sns", "Publish"):
                self.client.publish(TopicArn=self.topic_arn, Subject=subject, Message=text)
        except self.client.exceptions.NotFoundException as error:
            mend = f"there is no topic {self.topic_arn}: check DOCPROC_REJECTION_TOPIC_ARN"
            raise TemporaryFailure("sns", "Publish", error_code(error), mend) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """One message of the dead-letter queue."""

    body: str
    receipt_handle: str
    message_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetterQueue:
    """The messages that SNS gave up on."""

    client: "SQSClient"
    url: str

    def receive(self, wait_seconds: int) -> tuple[DeadLetter, ...]:
        """Return up to ten messages, hidden from others until deleted or for the queue's time-out."""
        with translate("sqs", "ReceiveMessage"):
            answer = self.client.receive_message(
                QueueUrl=self.url, MaxNumberOfMessages=10, WaitTimeSeconds=wait_seconds
            )
        return tuple(
            DeadLetter(body=m["Body"], receipt_handle=m["ReceiptHandle"], message_id=m["MessageId"])
            for m in answer.get("Messages", ())
        )

    def delete(self, letter: DeadLetter) -> None:
        """Remove a message whose outcome is durable."""
        with translate("sqs", "DeleteMessage"):
            self.client.delete_message(QueueUrl=self.url, ReceiptHandle=letter.receipt_handle)

    def depth(self) -> int:
        """Return about how many messages wait."""
        with translate("sqs", "GetQueueAttributes"):
            answer = self.client.get_queue_attributes(
                QueueUrl=self.url, AttributeNames=["ApproximateNumberOfMessages"]
            )
        return int(answer["Attributes"]["ApproximateNumberOfMessages"])
