"""Embedded AWS does over HTTP what AWS does; the receiver here plays the service."""

import base64
import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import pytest
import requests
from botocore.exceptions import ClientError
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID
from moto.s3.models import S3Backend

from infra.local.credentials import RealCredentials
from infra.local.deliverer import RetryPolicy
from infra.local.embedded_aws import EmbeddedAws
from infra.local.provision import DESTINATION_BUCKET, SOURCE_BUCKET, Provisioned, provision, subscribe
from tests.support.receiver import Received, Receiver, wait_for

QUICK = RetryPolicy(attempts=3, first_wait_seconds=0.02, last_wait_seconds=0.04)


@pytest.fixture
def aws() -> Iterator[EmbeddedAws]:
    with EmbeddedAws() as embedded:
        embedded.deliverer.retry = QUICK
        yield embedded


@pytest.fixture
def stack(aws: EmbeddedAws) -> Provisioned:
    return provision(aws, tables=())


@pytest.fixture
def service() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def put(aws: EmbeddedAws) -> Callable[..., str]:
    """Return a function that uploads and returns the version id."""
    s3 = aws.client("s3")

    def upload(key: str, body: bytes = b"text") -> str:
        version_id: str = s3.put_object(Bucket=SOURCE_BUCKET, Key=key, Body=body)["VersionId"]
        return version_id

    return upload


@pytest.fixture
def subscribed(aws: EmbeddedAws, stack: Provisioned, service: Receiver) -> Receiver:
    """Return the service with its subscription confirmed."""
    subscribe(aws, stack, service.url)
    wait_for(lambda: service.posts)
    message = service.posts[0].message
    aws.client("sns").confirm_subscription(
        TopicArn=message["TopicArn"], Token=message["Token"], AuthenticateOnUnsubscribe="true"
    )
    return service


def objects_of(posts: list[Received]) -> list[dict[str, Any]]:
    return [json.loads(post.message["Message"])["Records"][0]["s3"]["object"] for post in posts]


def dead_letters(aws: EmbeddedAws) -> list[str]:
    sqs = aws.client("sqs")
    queue_url = sqs.get_queue_url(QueueName="docproc")["QueueUrl"]
    answer = sqs.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10)
    return [letter["Body"] for letter in answer.get("Messages", ())]


def signed_text(message: dict[str, str]) -> bytes:
    names = ("Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
    return "".join(f"{name}\n{message[name]}\n" for name in names if name in message).encode()


def verify(message: dict[str, str], digest: hashes.HashAlgorithm) -> x509.Certificate:
    pem = requests.get(message["SigningCertURL"], timeout=5).content
    certificate = x509.load_pem_x509_certificate(pem)
    key = certificate.public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    key.verify(base64.b64decode(message["Signature"]), signed_text(message), padding.PKCS1v15(), digest)
    return certificate


class TestSubscription:
    def test_is_offered_once_with_a_token_that_is_signed(
        self, aws: EmbeddedAws, stack: Provisioned, service: Receiver
    ) -> None:
        subscribe(aws, stack, service.url)
        wait_for(lambda: service.posts)

        (post,) = service.posts
        assert post.headers["x-amz-sns-message-type"] == "SubscriptionConfirmation"
        assert "x-amz-sns-subscription-arn" not in post.headers
        assert post.message["SubscribeURL"].startswith(f"{aws.endpoint_url}/?Action=ConfirmSubscription&")
        assert len(post.message["Token"]) == 224
        verify(post.message, hashes.SHA256())

    def test_gets_nothing_until_it_is_confirmed(
        self, aws: EmbeddedAws, stack: Provisioned, service: Receiver, put: Callable[..., str]
    ) -> None:
        subscribe(aws, stack, service.url)
        put("early.txt")
        wait_for(lambda: service.posts)
        token = service.posts[0].message["Token"]
        sns = aws.client("sns")

        with pytest.raises(ClientError, match="Invalid parameter: Token"):
            sns.confirm_subscription(
                TopicArn=stack.topic_arn, Token="0" * 224, AuthenticateOnUnsubscribe="true"
            )
        with pytest.raises(ClientError, match="AuthenticateOnUnsubscribe"):
            sns.confirm_subscription(TopicArn=stack.topic_arn, Token=token)
        put("still-early.txt")
        confirmed = sns.confirm_subscription(
            TopicArn=stack.topic_arn, Token=token, AuthenticateOnUnsubscribe="true"
        )
        put("in-time.txt")
        wait_for(lambda: service.of_type("Notification"))

        assert confirmed["SubscriptionArn"].startswith(stack.topic_arn + ":")
        assert [named["key"] for named in objects_of(service.of_type("Notification"))] == ["in-time.txt"]

    def test_is_kept_when_it_is_made_again(
        self, aws: EmbeddedAws, stack: Provisioned, subscribed: Receiver
    ) -> None:
        before = aws.sns.subscription

        subscribe(aws, stack, subscribed.url)

        assert aws.sns.subscription == before
        with pytest.raises(ClientError, match="keeps one subscription"):
            subscribe(aws, stack, "http://127.0.0.1:1/sns")

    @pytest.mark.parametrize(
        "endpoint", ["http://example.com/sns", "https://127.0.0.1/sns", "http://10.0.0.1/"]
    )
    def test_is_refused_for_another_machine(
        self, aws: EmbeddedAws, stack: Provisioned, endpoint: str
    ) -> None:
        with pytest.raises(ClientError, match="this machine only"):
            subscribe(aws, stack, endpoint)


class TestDelivery:
    def test_posts_what_aws_posts(
        self, stack: Provisioned, subscribed: Receiver, put: Callable[..., str]
    ) -> None:
        version_id = put("in/july invoice+1 ü.txt", b"twelve bytes")
        wait_for(lambda: subscribed.of_type("Notification"))

        (post,) = subscribed.of_type("Notification")
        message = post.message
        assert list(message) == [
            "Type",
            "MessageId",
            "TopicArn",
            "Subject",
            "Message",
            "Timestamp",
            "SignatureVersion",
            "Signature",
            "SigningCertURL",
            "UnsubscribeURL",
        ]
        assert message["Subject"] == "Amazon S3 Notification"
        assert message["SignatureVersion"] == "2"
        assert datetime.fromisoformat(message["Timestamp"]).utcoffset() is not None
        assert len(message["Timestamp"]) == len("2026-01-27T21:05:46.462Z")
        assert post.headers["content-type"] == "text/plain; charset=UTF-8"
        assert post.headers["user-agent"] == "Amazon Simple Notification Service Agent"
        assert post.headers["x-amz-sns-message-type"] == "Notification"
        assert post.headers["x-amz-sns-message-id"] == message["MessageId"]
        assert post.headers["x-amz-sns-topic-arn"] == message["TopicArn"] == stack.topic_arn
        assert post.headers["x-amz-sns-subscription-arn"].startswith(stack.topic_arn + ":")
        (record,) = json.loads(message["Message"])["Records"]
        assert record["eventName"] == "ObjectCreated:Put"
        assert record["s3"]["bucket"]["name"] == SOURCE_BUCKET
        named = record["s3"]["object"]
        assert named["key"] == "in/july+invoice%2B1+%C3%BC.txt"
        assert named["size"] == 12
        assert named["versionId"] == version_id
        assert int(named["sequencer"], 16) > 0

    def test_signs_for_real_with_the_certificate_that_it_serves(
        self, aws: EmbeddedAws, subscribed: Receiver, put: Callable[..., str]
    ) -> None:
        put("a.txt")
        wait_for(lambda: subscribed.of_type("Notification"))
        message = subscribed.of_type("Notification")[0].message

        certificate = verify(message, hashes.SHA256())

        url = message["SigningCertURL"]
        assert url.startswith(f"{aws.endpoint_url}/SimpleNotificationService-")
        assert len(url) == len(f"{aws.endpoint_url}/SimpleNotificationService-.pem") + 32
        (name,) = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        assert name.value == "sns.localhost"
        signed_at = datetime.fromisoformat(message["Timestamp"])
        assert certificate.not_valid_before_utc < signed_at < certificate.not_valid_after_utc
        key = certificate.public_key()
        assert isinstance(key, rsa.RSAPublicKey)
        assert key.key_size == 2048
        with pytest.raises(InvalidSignature):
            verify(message | {"Subject": "Amazon S3 Notificatiom"}, hashes.SHA256())

    def test_signs_as_the_topic_says(
        self, aws: EmbeddedAws, stack: Provisioned, subscribed: Receiver, put: Callable[..., str]
    ) -> None:
        aws.client("sns").set_topic_attributes(
            TopicArn=stack.topic_arn, AttributeName="SignatureVersion", AttributeValue="1"
        )
        put("a.txt")
        wait_for(lambda: subscribed.of_type("Notification"))

        message = subscribed.of_type("Notification")[0].message
        assert message["SignatureVersion"] == "1"
        verify(message, hashes.SHA1())  # noqa: S303 - version 1 is SHA-1

    def test_passes_other_messages_on_as_they_are(
        self, aws: EmbeddedAws, stack: Provisioned, subscribed: Receiver
    ) -> None:
        sent = aws.client("sns").publish(
            TopicArn=stack.topic_arn, Subject="hello", Message='{"Records": [7]}'
        )
        wait_for(lambda: subscribed.of_type("Notification"))

        message = subscribed.of_type("Notification")[0].message
        assert message["MessageId"] == sent["MessageId"]
        assert message["Subject"] == "hello"
        assert message["Message"] == '{"Records": [7]}'

    def test_repeats_the_same_message_until_it_is_taken(
        self, aws: EmbeddedAws, subscribed: Receiver, put: Callable[..., str]
    ) -> None:
        answers = iter([503, 429, 200])
        subscribed.answer = lambda _post: next(answers)
        put("a.txt")
        wait_for(lambda: len(subscribed.of_type("Notification")) == 3 and not aws.deliverer.pending)

        posts = subscribed.of_type("Notification")
        assert len({post.body for post in posts}) == 1
        assert len({post.headers["x-amz-sns-message-id"] for post in posts}) == 1
        assert dead_letters(aws) == []

    def test_gives_up_into_the_dead_letter_queue(
        self, aws: EmbeddedAws, subscribed: Receiver, put: Callable[..., str]
    ) -> None:
        subscribed.answer = lambda _post: 500
        put("a.txt")
        wait_for(lambda: len(subscribed.of_type("Notification")) == 3 and not aws.deliverer.pending)

        assert dead_letters(aws) == [subscribed.posts[-1].body.decode()]

    def test_does_not_repeat_what_is_refused(
        self, aws: EmbeddedAws, subscribed: Receiver, put: Callable[..., str]
    ) -> None:
        subscribed.answer = lambda _post: 403
        put("a.txt")
        wait_for(lambda: subscribed.of_type("Notification") and not aws.deliverer.pending)

        assert len(subscribed.of_type("Notification")) == 1
        assert dead_letters(aws) == [subscribed.posts[-1].body.decode()]

    def test_repeats_after_a_time_out_and_without_a_connection(
        self, aws: EmbeddedAws, subscribed: Receiver, put: Callable[..., str]
    ) -> None:
        aws.deliverer.retry = RetryPolicy(
            attempts=50, first_wait_seconds=0.02, last_wait_seconds=0.05, timeout_seconds=0.2
        )
        seen: list[int | None] = []
        aws.deliverer.observe = lambda attempt: seen.append(attempt.status)
        slow = threading.Event()
        subscribed.answer = lambda _post: 200 if seen else (slow.wait(5), 200)[1]
        put("slow.txt")
        # On a busy machine more than one attempt may time out.
        wait_for(lambda: 200 in seen and not aws.deliverer.pending)
        slow.set()
        timed_out = list(seen)
        endpoint, aws.deliverer.endpoint = aws.deliverer.endpoint, "http://127.0.0.1:9/sns"
        put("down.txt")
        wait_for(lambda: len(seen) >= len(timed_out) + 2)
        refused = seen[len(timed_out) :]
        aws.deliverer.endpoint = endpoint
        wait_for(lambda: not aws.deliverer.pending)

        assert (timed_out[0], timed_out[-1], set(timed_out)) == (None, 200, {None, 200})
        assert set(refused) == {None}
        assert seen[-1] == 200
        assert dead_letters(aws) == []


class TestKnobs:
    def test_lose_duplicate_and_reorder(
        self, aws: EmbeddedAws, subscribed: Receiver, put: Callable[..., str]
    ) -> None:
        plans = {"lost.txt": (), "twice.txt": (0.0, 0.0), "late.txt": (5.0,), "once.txt": (0.0,)}
        aws.deliverer.plan = lambda message: next(
            plan for key, plan in plans.items() if key in message.body.decode()
        )
        for key in ("late.txt", "lost.txt", "twice.txt", "once.txt"):
            put(key)
        wait_for(lambda: len(subscribed.of_type("Notification")) == 4)

        keys = [named["key"] for named in objects_of(subscribed.of_type("Notification"))]
        assert keys[-1] == "late.txt"
        assert sorted(keys) == ["late.txt", "once.txt", "twice.txt", "twice.txt"]
        assert dead_letters(aws) == []

    def test_hold_keeps_everything_back(
        self, aws: EmbeddedAws, subscribed: Receiver, put: Callable[..., str]
    ) -> None:
        aws.deliverer.hold()
        put("a.txt")
        put("b.txt")
        wait_for(lambda: aws.deliverer.pending == 2)
        held = len(subscribed.of_type("Notification"))
        aws.deliverer.release()
        wait_for(lambda: not aws.deliverer.pending)

        assert held == 0
        assert {n["key"] for n in objects_of(subscribed.of_type("Notification"))} == {"a.txt", "b.txt"}


class TestVersions:
    def test_of_one_key_are_told_apart_even_with_the_same_content(
        self, subscribed: Receiver, put: Callable[..., str]
    ) -> None:
        made = [put("same.txt", body) for body in (b"one", b"one", b"two", b"one")]
        wait_for(lambda: len(subscribed.of_type("Notification")) == 4)

        named = objects_of(subscribed.of_type("Notification"))
        by_sequencer = sorted(named, key=lambda one: one["sequencer"])
        assert [one["versionId"] for one in by_sequencer] == made
        assert len({len(one["sequencer"]) for one in named}) == 1

    def test_written_at_the_same_time_each_get_their_own(
        self, aws: EmbeddedAws, subscribed: Receiver, put: Callable[..., str]
    ) -> None:
        with ThreadPoolExecutor(8) as pool:
            made = list(pool.map(lambda n: (put("busy.txt", b"%d" % n), n), range(40)))
        wait_for(lambda: len(subscribed.of_type("Notification")) == 40)

        etags = {version_id: hashlib.md5(b"%d" % n).hexdigest() for version_id, n in made}  # noqa: S324 - S3's ETag
        told = {one["versionId"]: one["eTag"] for one in objects_of(subscribed.of_type("Notification"))}
        assert told == etags
        listed = aws.client("s3").list_object_versions(Bucket=SOURCE_BUCKET)["Versions"]
        by_sequencer = sorted(
            objects_of(subscribed.of_type("Notification")), key=lambda one: one["sequencer"], reverse=True
        )
        assert [one["versionId"] for one in by_sequencer] == [one["VersionId"] for one in listed]

    def test_made_by_copy_and_multipart_upload_are_named_too(
        self, aws: EmbeddedAws, subscribed: Receiver, put: Callable[..., str]
    ) -> None:
        s3 = aws.client("s3")
        first = put("a.txt")
        copied = s3.copy_object(
            Bucket=SOURCE_BUCKET, Key="b.txt", CopySource={"Bucket": SOURCE_BUCKET, "Key": "a.txt"}
        )
        where = {"Bucket": SOURCE_BUCKET, "Key": "c.txt"}
        upload_id = s3.create_multipart_upload(**where)["UploadId"]
        part = s3.upload_part(**where, UploadId=upload_id, PartNumber=1, Body=b"part")
        completed = s3.complete_multipart_upload(
            **where,
            UploadId=upload_id,
            MultipartUpload={"Parts": [{"ETag": part["ETag"], "PartNumber": 1}]},
        )
        s3.put_object_tagging(**where, Tagging={"TagSet": [{"Key": "k", "Value": "v"}]})
        later = put("c.txt")
        wait_for(lambda: len(subscribed.of_type("Notification")) == 5)

        told = {(one["key"], one["versionId"]) for one in objects_of(subscribed.of_type("Notification"))}
        assert told == {
            ("a.txt", first),
            ("b.txt", copied["VersionId"]),
            ("c.txt", completed["VersionId"]),
            ("c.txt", later),
        }


class TestEmbeddedAws:
    def test_is_reached_from_this_machine_only(self, aws: EmbeddedAws) -> None:
        assert aws.endpoint_url.startswith("http://127.0.0.1:")
        assert aws._server.server_address[0] == "127.0.0.1"

    def test_does_not_start_beside_real_credentials(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")

        with pytest.raises(RealCredentials, match="AWS_ACCESS_KEY_ID"):
            EmbeddedAws()

    @pytest.mark.usefixtures("stack")
    def test_lets_one_of_many_conditional_writes_through(
        self, aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        s3 = aws.client("s3")
        write = S3Backend.put_object

        def write_late(*args: Any, **kwargs: Any) -> Any:
            time.sleep(0.02)  # widens moto's gap between look and write
            return write(*args, **kwargs)

        monkeypatch.setattr(S3Backend, "put_object", write_late)

        def put_if_absent(n: int) -> int:
            try:
                s3.put_object(Bucket=DESTINATION_BUCKET, Key="k", Body=b"%d" % n, IfNoneMatch="*")
            except ClientError as error:
                return error.response["ResponseMetadata"]["HTTPStatusCode"]
            return 200

        with ThreadPoolExecutor(8) as pool:
            statuses = list(pool.map(put_if_absent, range(24)))

        assert sorted(statuses) == [200] + [412] * 23

    def test_is_provisioned_as_a_deployment_is(self, aws: EmbeddedAws, stack: Provisioned) -> None:
        s3 = aws.client("s3")

        assert s3.get_bucket_versioning(Bucket=SOURCE_BUCKET)["Status"] == "Enabled"
        (rule,) = s3.get_bucket_lifecycle_configuration(Bucket=SOURCE_BUCKET)["Rules"]
        assert rule["Expiration"]["Days"] == 1
        assert rule["NoncurrentVersionExpiration"]["NoncurrentDays"] == 1
        (topic,) = s3.get_bucket_notification_configuration(Bucket=SOURCE_BUCKET)["TopicConfigurations"]
        assert topic["TopicArn"] == stack.topic_arn == "arn:aws:sns:us-east-1:123456789012:docproc"
        assert topic["Events"] == ["s3:ObjectCreated:*"]
        kept = aws.client("sqs").get_queue_attributes(
            QueueUrl=stack.dead_letter_queue_url, AttributeNames=["MessageRetentionPeriod"]
        )
        assert kept["Attributes"]["MessageRetentionPeriod"] == "1209600"
