"""The one door to boto3: clients, the table of AWS errors, objects, the topic, the dead-letter queue.

Every call has a connect and a read time-out and at most one retry, so that the three calls
of an ordinary invoice fit in the 15 s that SNS waits, even when each of them first times out:
https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, PartialCredentialsError

from api.pipeline import Content, ContentGone, ContentTooLarge, TemporaryFailure
from api.s3_event import ObjectRef

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient

CONNECT_TIMEOUT_SECONDS = 0.5
READ_TIMEOUT_SECONDS = 1.4
ATTEMPTS = 2
# A copy within S3 takes as long as S3 needs for the bytes, and only rejections wait for one.
COPY_TIMEOUT_SECONDS = 10
MAX_COPY_BYTES = 100 * 1024 * 1024

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
    "SignatureDoesNotMatch": _CREDENTIALS,
    "UnrecognizedClientException": _CREDENTIALS,
    "RequestTimeTooSkewed": "the clock of this machine is wrong: check its time synchronization",
    "NoSuchBucket": _BUCKET,
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


@contextmanager
def translate(service: str, operation: str) -> Iterator[None]:
    """Turn AWS's errors into TemporaryFailure; this is the one table of what is temporary.

    An error in neither list is no trouble of AWS's but of this request, so it rises as it is
    and the document that caused it becomes a visible rejection.
    """
    try:
        yield
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        mend = CONFIGURATION_FAULTS.get(code, "")
        if mend or code in PASSING_FAULTS or status >= _HTTP_SERVER_ERROR:
            raise TemporaryFailure(service, operation, code, mend) from error
        raise
    except (NoCredentialsError, PartialCredentialsError) as error:
        raise TemporaryFailure(service, operation, type(error).__name__, _CREDENTIALS) from error
    except BotoCoreError as error:
        raise TemporaryFailure(service, operation, type(error).__name__) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Clients:
    """Makes boto3 clients for one region; `endpoint_url` is embedded AWS's, None for the real one."""

    region: str
    endpoint_url: str | None = None
    pool_size: int = 16

    def make(self, service: str, *, read_timeout_seconds: float = READ_TIMEOUT_SECONDS) -> Any:  # noqa: ANN401 - boto3 makes classes at run time
        """Return a new client; clients are thread-safe, make each once."""
        config = Config(
            connect_timeout=CONNECT_TIMEOUT_SECONDS,
            read_timeout=read_timeout_seconds,
            retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
            max_pool_connections=self.pool_size,
            user_agent_extra="docproc",
            s3={"addressing_style": "path" if self.endpoint_url else "auto"},
        )
        make: Callable[..., Any] = boto3.session.Session().client
        return make(service, region_name=self.region, endpoint_url=self.endpoint_url, config=config)


def _error_code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _names_version(ref: ObjectRef) -> bool:
    return bool(ref.version_id) and not ref.version_id.startswith("etag:")


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceBucket:
    """Reads documents from the source bucket, always the very version that the event named."""

    client: "S3Client"
    bucket: str
    max_bytes: int

    def read(self, ref: ObjectRef) -> Content:
        """Return the document's bytes.

        Raises ContentGone if that version (or, without versioning, that ETag) is no longer
        there, ContentTooLarge before the body is read, TemporaryFailure otherwise.
        """
        named: dict[str, Any] = (
            {"VersionId": ref.version_id} if _names_version(ref) else {"IfMatch": f'"{ref.etag}"'}
        )
        with translate("s3", "GetObject"):
            try:
                answer = self.client.get_object(Bucket=self.bucket, Key=ref.key, **named)
            except ClientError as error:
                if (code := _error_code(error)) in {"NoSuchKey", "NoSuchVersion", "MethodNotAllowed"}:
                    raise ContentGone("expired-before-processed") from error
                if code in {"PreconditionFailed", "412"}:
                    raise ContentGone("overwritten-before-processed") from error
                raise
            body = answer["Body"]
            if answer["ContentLength"] > self.max_bytes:
                body.close()
                raise ContentTooLarge(answer["ContentLength"])
            data = body.read()
        return Content(data=data, etag=answer["ETag"].strip('"'), last_modified_at=answer["LastModified"])

    def versions(self, key: str) -> tuple[str, ...]:
        """Return the version ids of one key, newest first, as S3 lists them."""
        return tuple(
            ref.version_id or f"etag:{ref.etag}" for ref, _ in self.list_versions(key) if ref.key == key
        )

    def list_versions(self, prefix: str = "") -> Iterator[tuple[ObjectRef, datetime]]:
        """Yield every version of every key (newest first per key) with its Last-Modified."""
        pages = self.client.get_paginator("list_object_versions").paginate(Bucket=self.bucket, Prefix=prefix)
        with translate("s3", "ListObjectVersions"):
            for page in pages:
                for version in page.get("Versions", ()):
                    etag = version["ETag"].strip('"')
                    ref = ObjectRef(
                        bucket=self.bucket,
                        key=version["Key"],
                        version_id="" if version["VersionId"] == "null" else version["VersionId"],
                        etag=etag,
                        size_bytes=version["Size"],
                    )
                    yield ref, version["LastModified"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DestinationBucket:
    """Writes immutable CSV objects, and copies of rejected documents."""

    client: "S3Client"
    copy_client: "S3Client"
    bucket: str

    def put_row(self, key: str, row: bytes) -> None:
        """Make sure that the object is there. Safe to repeat: an object is never overwritten."""
        with translate("s3", "PutObject"):
            try:
                self.client.put_object(
                    Bucket=self.bucket,
                    Key=key,
                    Body=row,
                    ContentType="text/csv; charset=utf-8",
                    IfNoneMatch="*",
                )
            except ClientError as error:
                if _error_code(error) not in {"PreconditionFailed", "412"}:
                    raise

    def has(self, key: str) -> bool:
        """Tell whether the object is there."""
        with translate("s3", "HeadObject"):
            try:
                self.client.head_object(Bucket=self.bucket, Key=key)
            except ClientError as error:
                if _error_code(error) in {"404", "NoSuchKey", "NotFound"}:
                    return False
                raise
        return True

    def keep_rejected(self, ref: ObjectRef, version_id: str) -> bool:
        """Copy that very version within S3, since the source expires. Safe to repeat.

        Returns False when it is no longer there, or larger than MAX_COPY_BYTES (a text invoice
        is not, and the copy would outlast SNS's patience).
        """
        if (ref.size_bytes or 0) > MAX_COPY_BYTES:
            return False
        source: dict[str, Any] = {"Bucket": ref.bucket, "Key": ref.key}
        condition: dict[str, Any] = {}
        if _names_version(ref):
            source["VersionId"] = ref.version_id
        else:
            condition["CopySourceIfMatch"] = f'"{ref.etag}"'
        with translate("s3", "CopyObject"):
            try:
                self.copy_client.copy_object(
                    Bucket=self.bucket,
                    Key=rejected_key(ref.key, version_id),
                    CopySource=source,  # type: ignore[arg-type] # the stub wants its own TypedDict
                    **condition,
                )
            except ClientError as error:
                gone = {"NoSuchKey", "NoSuchVersion", "MethodNotAllowed", "PreconditionFailed", "404", "412"}
                if _error_code(error) in gone:
                    return False
                raise
        return True

    def list_keys(self, prefix: str, start_after: str = "") -> Iterator[str]:
        """Yield the keys under a prefix in order, from the one behind `start_after`."""
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=prefix, StartAfter=start_after
        )
        with translate("s3", "ListObjectsV2"):
            for page in pages:
                yield from (item["Key"] for item in page.get("Contents", ()))

    def get(self, key: str) -> bytes:
        """Return an object's bytes."""
        with translate("s3", "GetObject"):
            return self.client.get_object(Bucket=self.bucket, Key=key)["Body"].read()

    def ready(self) -> None:
        """Raise TemporaryFailure unless the bucket can be reached."""
        with translate("s3", "HeadBucket"):
            self.client.head_bucket(Bucket=self.bucket)


def rejected_key(source_key: str, version_id: str) -> str:
    """Return where a rejected document's bytes are kept in the destination bucket.

    Percent-encoding makes a key longer; S3 allows 1,024 bytes, so a long one is cut and the
    version id, which is unique, keeps it apart.
    """
    return f"rejected/{quote(source_key, safe='/')[:700]}/{quote(version_id, safe='')}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Topics:
    """Confirms subscriptions."""

    client: "SNSClient"

    def confirm(self, topic_arn: str, token: str) -> None:
        """Confirm a subscription such that only AWS credentials can end it. Safe to repeat."""
        with translate("sns", "ConfirmSubscription"):
            self.client.confirm_subscription(
                TopicArn=topic_arn, Token=token, AuthenticateOnUnsubscribe="true"
            )


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
