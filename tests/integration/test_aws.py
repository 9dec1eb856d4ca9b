"""The doors to AWS against moto, and the one table of errors."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError, ReadTimeoutError
from botocore.stub import Stubber
from moto import mock_aws

from api import aws
from api.aws import Announcements, Clients, DeadLetterQueue, translate
from api.buckets import DestinationBucket, SourceBucket, rejected_key
from api.ports import ContentGone, ContentTooLarge, TemporaryFailure
from api.records import Document
from api.s3_event import ObjectRef

SOURCE, DESTINATION = "docproc-source", "docproc-destination"


@pytest.fixture
def s3() -> Iterator[Any]:
    """A versioned source bucket and a destination bucket."""
    with mock_aws():
        client = boto3.client("s3")
        for name in (SOURCE, DESTINATION):
            client.create_bucket(Bucket=name)
        client.put_bucket_versioning(Bucket=SOURCE, VersioningConfiguration={"Status": "Enabled"})
        yield client


@pytest.fixture
def source(s3: Any) -> SourceBucket:
    return SourceBucket(client=s3, bucket=SOURCE, max_bytes=1000)


@pytest.fixture
def destination(s3: Any) -> DestinationBucket:
    return DestinationBucket(client=s3, copy_client=s3, bucket=DESTINATION)


def put(s3: Any, key: str, body: bytes) -> ObjectRef:
    """Put and return the reference that the event would carry."""
    answer = s3.put_object(Bucket=SOURCE, Key=key, Body=body)
    return ObjectRef(
        bucket=SOURCE, key=key, version_id=answer.get("VersionId", ""), etag=answer["ETag"].strip('"')
    )


def versioning(s3: Any, bucket: str, status: str) -> None:
    """Turn versioning on (Enabled), or suspend it."""
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": status})


def listed(s3: Any, bucket: str) -> ObjectRef:
    """Return the reference to the oldest version in the bucket, as a listing gives it."""
    *_, (ref, _) = SourceBucket(client=s3, bucket=bucket, max_bytes=1000).list_versions()
    return ref


def rejection(ref: ObjectRef, source_key: str) -> Document:
    """Return the record of a rejected document that was read by the reference."""
    return Document(
        source_key=source_key,
        version_id=ref.version_id,
        outcome="rejected",
        recorded_at=datetime(2026, 11, 21, tzinfo=UTC),
    )


class TestSourceBucket:
    def test_reads_the_version_that_was_named(self, s3: Any, source: SourceBucket) -> None:
        first = put(s3, "a b/ü+.txt", b"one")
        put(s3, "a b/ü+.txt", b"two")

        content = source.read(first)

        assert (content.data, content.etag) == (b"one", "f97c5d29941bfb1b2fdab0874906ab82")
        assert content.last_modified_at.tzinfo is not None

    def test_says_when_the_version_is_gone(self, s3: Any, source: SourceBucket) -> None:
        ref = put(s3, "a.txt", b"one")
        s3.delete_object(Bucket=SOURCE, Key="a.txt", VersionId=ref.version_id)

        with pytest.raises(ContentGone) as caught:
            source.read(ref)

        assert caught.value.code == "expired-before-processed"

    def test_says_when_a_bucket_without_versions_has_other_content(self, s3: Any) -> None:
        s3.put_object(Bucket=DESTINATION, Key="a.txt", Body=b"two")
        source = SourceBucket(client=s3, bucket=DESTINATION, max_bytes=1000)
        overwritten = ObjectRef(bucket=DESTINATION, key="a.txt", etag="f97c5d29941bfb1b2fdab0874906ab82")

        with pytest.raises(ContentGone) as caught:
            source.read(overwritten)

        assert caught.value.code == "overwritten-before-processed"

    def test_reads_what_was_uploaded_before_versioning_and_overwritten_since(self, s3: Any) -> None:
        s3.put_object(Bucket=DESTINATION, Key="a.txt", Body=b"one")
        versioning(s3, DESTINATION, "Enabled")
        s3.put_object(Bucket=DESTINATION, Key="a.txt", Body=b"two")
        ref = listed(s3, DESTINATION)

        content = SourceBucket(client=s3, bucket=DESTINATION, max_bytes=1000).read(ref)

        assert (ref.version_id, ref.etag) == ("", "f97c5d29941bfb1b2fdab0874906ab82")
        assert (content.data, content.etag) == (b"one", "f97c5d29941bfb1b2fdab0874906ab82")

    def test_reads_what_an_event_names_in_a_bucket_that_never_had_versions(self, s3: Any) -> None:
        s3.put_object(Bucket=DESTINATION, Key="a.txt", Body=b"one")
        named = ObjectRef(bucket=DESTINATION, key="a.txt", etag="f97c5d29941bfb1b2fdab0874906ab82")

        content = SourceBucket(client=s3, bucket=DESTINATION, max_bytes=1000).read(named)

        assert content.data == b"one"

    def test_takes_no_other_upload_for_one_of_while_versioning_was_suspended(
        self, s3: Any, source: SourceBucket
    ) -> None:
        versioning(s3, SOURCE, "Suspended")
        ref = put(s3, "a.txt", b"one")
        put(s3, "a.txt", b"two")
        versioning(s3, SOURCE, "Enabled")
        put(s3, "a.txt", b"three")

        with pytest.raises(ContentGone) as caught:
            source.read(replace(ref, version_id=""))

        assert caught.value.code == "overwritten-before-processed"

    def test_says_when_what_was_uploaded_before_versioning_is_gone(
        self, s3: Any, source: SourceBucket
    ) -> None:
        put(s3, "a.txt", b"two")
        gone = ObjectRef(bucket=SOURCE, key="a.txt", etag="f97c5d29941bfb1b2fdab0874906ab82")

        with pytest.raises(ContentGone) as caught:
            source.read(gone)

        assert caught.value.code == "expired-before-processed"

    def test_does_not_read_what_is_too_large(self, s3: Any, source: SourceBucket) -> None:
        ref = put(s3, "big.txt", b"x" * 1001)

        with pytest.raises(ContentTooLarge) as caught:
            source.read(ref)

        assert caught.value.size_bytes == 1001

    @pytest.mark.parametrize(
        ("code", "message", "status", "outcome"),
        [
            ("InvalidObjectState", "", 403, "unreadable-object"),
            (
                "InvalidRequest",
                "The object was stored using a form of Server Side Encryption.",
                400,
                "unreadable-object",
            ),
            ("MethodNotAllowed", "", 405, "expired-before-processed"),
        ],
    )
    def test_says_when_s3_will_never_give_the_version_out(
        self, s3: Any, source: SourceBucket, code: str, message: str, status: int, outcome: str
    ) -> None:
        ref = put(s3, "a.txt", b"one")
        with Stubber(s3) as stubber:
            stubber.add_client_error("get_object", code, message, http_status_code=status)

            with pytest.raises(ContentGone) as caught:
                source.read(ref)

        assert caught.value.code == outcome

    @pytest.mark.parametrize(("code", "status"), [("UnheardOf", 400), ("InvalidRequest", 400)])
    def test_lets_a_document_wait_when_s3_says_what_nobody_knows(
        self, s3: Any, source: SourceBucket, caplog: pytest.LogCaptureFixture, code: str, status: int
    ) -> None:
        ref = put(s3, "a.txt", b"one")
        with Stubber(s3) as stubber:
            stubber.add_client_error("get_object", code, http_status_code=status)

            with pytest.raises(TemporaryFailure) as caught:
                source.read(ref)

        assert (caught.value.operation, caught.value.code) == ("GetObject", code)
        [told] = [record for record in caplog.records if record.levelname == "ERROR"]
        assert (told.getMessage(), vars(told)["code"], vars(told)["key"]) == (
            "s3.unknown_answer",
            code,
            "a.txt",
        )

    def test_lists_versions_newest_first(self, s3: Any, source: SourceBucket) -> None:
        first, second = put(s3, "a", b"1"), put(s3, "a", b"2")
        put(s3, "ab", b"3")

        assert source.versions("a") == (second.version_id, first.version_id)

    def test_asks_no_further_than_the_keys_own_versions(self, s3: Any, source: SourceBucket) -> None:
        at = datetime(2026, 11, 21, tzinfo=UTC)
        pages: list[dict[str, Any]] = [
            {"Versions": [{"Key": key, "VersionId": id_, "ETag": '"0"', "Size": 1, "LastModified": at}]}
            | {"IsTruncated": True, "NextKeyMarker": key, "NextVersionIdMarker": id_}
            for key, id_ in (("a", "v2"), ("a", "v1"), ("ab", "v3"))
        ]
        with Stubber(s3) as stubber:
            for page in pages:
                stubber.add_response("list_object_versions", page)

            # The Stubber has no answer to a fourth request.
            assert source.versions("a") == ("v2", "v1")

            stubber.assert_no_pending_responses()

    def test_names_versions_of_an_unversioned_bucket_by_their_etag(self, s3: Any) -> None:
        s3.put_object(Bucket=DESTINATION, Key="a", Body=b"one")

        versions = SourceBucket(client=s3, bucket=DESTINATION, max_bytes=9).versions("a")

        assert versions == ("etag:f97c5d29941bfb1b2fdab0874906ab82",)


class TestDestinationBucket:
    def test_never_overwrites_an_object(self, destination: DestinationBucket) -> None:
        destination.put_row("csv/a.csv", b"first\n")
        destination.put_row("csv/a.csv", b"second\n")

        assert destination.get("csv/a.csv") == b"first\n"
        assert list(destination.list_keys("csv/")) == ["csv/a.csv"]

    def test_tells_what_is_there(self, destination: DestinationBucket) -> None:
        destination.put_row("csv/a.csv", b"x\n")

        assert destination.has("csv/a.csv")
        assert not destination.has("csv/b.csv")

    def test_copies_that_very_version_of_a_rejection(self, s3: Any, destination: DestinationBucket) -> None:
        ref = put(s3, "in/ä.txt", b"one")
        put(s3, "in/ä.txt", b"two")

        assert destination.keep_rejected(ref, rejection(ref, "in/ä.txt"))
        assert destination.get(f"rejected/in/%C3%A4.txt/{ref.version_id}") == b"one"

    def test_copies_a_rejection_from_before_versioning_that_was_overwritten_since(
        self, s3: Any, destination: DestinationBucket
    ) -> None:
        s3.create_bucket(Bucket="archive")
        s3.put_object(Bucket="archive", Key="a.txt", Body=b"one")
        versioning(s3, "archive", "Enabled")
        s3.put_object(Bucket="archive", Key="a.txt", Body=b"two")
        ref = listed(s3, "archive")

        assert destination.keep_rejected(ref, rejection(replace(ref, version_id="etag:f97c"), "a.txt"))
        assert destination.get("rejected/a.txt/etag%3Af97c") == b"one"

    def test_copies_only_the_content_that_was_named(self, s3: Any, destination: DestinationBucket) -> None:
        # moto does not look at the condition.
        ref = ObjectRef(bucket="archive", key="a.txt", etag="f97c5d29941bfb1b2fdab0874906ab82")
        with Stubber(s3) as stubber:
            stubber.add_client_error(
                "copy_object",
                "PreconditionFailed",
                http_status_code=412,
                expected_params={
                    "Bucket": DESTINATION,
                    "Key": "rejected/a.txt/etag%3Af97c",
                    "CopySource": {"Bucket": "archive", "Key": "a.txt", "VersionId": "null"},
                    "CopySourceIfMatch": '"f97c5d29941bfb1b2fdab0874906ab82"',
                },
            )

            assert not destination.keep_rejected(
                ref, rejection(replace(ref, version_id="etag:f97c"), "a.txt")
            )

    def test_copies_a_rejection_of_an_archive_under_the_documents_own_key(
        self, s3: Any, destination: DestinationBucket
    ) -> None:
        ref = put(s3, "a.txt", b"one")

        assert destination.keep_rejected(ref, rejection(ref, f"s3://{SOURCE}/a.txt"))
        assert destination.get(f"rejected/s3%3A//{SOURCE}/a.txt/{ref.version_id}") == b"one"

    def test_gives_the_copy_back(self, s3: Any, destination: DestinationBucket) -> None:
        ref = put(s3, "in/ä.txt", b"one")
        destination.keep_rejected(ref, rejection(ref, "in/ä.txt"))

        assert destination.kept_rejected(rejection(ref, "in/ä.txt"), 3) == b"one"
        with pytest.raises(ContentTooLarge):
            destination.kept_rejected(rejection(ref, "in/ä.txt"), 2)
        with pytest.raises(ContentGone):
            destination.kept_rejected(rejection(ref, "other.txt"), 3)

    @pytest.mark.parametrize(
        ("code", "expected"),
        [("InvalidObjectState", ContentGone), ("NoSuchKey", ContentGone), ("UnheardOf", TemporaryFailure)],
    )
    def test_names_what_keeps_it_from_giving_the_copy_back(
        self, s3: Any, destination: DestinationBucket, code: str, expected: type[Exception]
    ) -> None:
        ref = put(s3, "a.txt", b"one")
        with Stubber(s3) as stubber:
            stubber.add_client_error("get_object", code, http_status_code=403)

            with pytest.raises(expected):
                destination.kept_rejected(rejection(ref, "a.txt"), 3)

    def test_cannot_copy_what_is_gone(self, s3: Any, destination: DestinationBucket) -> None:
        ref = put(s3, "a.txt", b"one")
        s3.delete_object(Bucket=SOURCE, Key="a.txt", VersionId=ref.version_id)

        assert not destination.keep_rejected(ref, rejection(ref, "a.txt"))

    def test_removes_every_version_of_an_object_and_of_no_other(
        self, s3: Any, destination: DestinationBucket
    ) -> None:
        s3.put_bucket_versioning(Bucket=DESTINATION, VersioningConfiguration={"Status": "Enabled"})
        for key, body in (("csv/a", b"1"), ("csv/a", b"2"), ("csv/ab", b"3")):
            s3.put_object(Bucket=DESTINATION, Key=key, Body=body)

        destination.remove("csv/a")

        versions = s3.list_object_versions(Bucket=DESTINATION)
        assert [version["Key"] for version in versions["Versions"]] == ["csv/ab"]
        assert "DeleteMarkers" not in versions

    def test_replaces_an_object_without_a_trace_of_what_it_was(
        self, s3: Any, destination: DestinationBucket
    ) -> None:
        s3.put_bucket_versioning(Bucket=DESTINATION, VersioningConfiguration={"Status": "Enabled"})
        s3.put_object(Bucket=DESTINATION, Key="csv/a", Body=b"mine\nyours\n")

        destination.replace("csv/a", b"yours\n")

        assert destination.get("csv/a") == b"yours\n"
        assert len(s3.list_object_versions(Bucket=DESTINATION)["Versions"]) == 1

    def test_does_without_a_copy_that_s3_will_never_make(
        self, s3: Any, destination: DestinationBucket
    ) -> None:
        ref = put(s3, "a.txt", b"one")
        with Stubber(s3) as stubber:
            stubber.add_client_error("copy_object", "InvalidObjectState", http_status_code=403)

            assert not destination.keep_rejected(ref, rejection(ref, "a.txt"))

    def test_copies_later_what_s3_does_not_copy_now(self, s3: Any, destination: DestinationBucket) -> None:
        ref = put(s3, "a.txt", b"one")
        with Stubber(s3) as stubber:
            stubber.add_client_error("copy_object", "SlowDown", http_status_code=503)

            with pytest.raises(TemporaryFailure):
                destination.keep_rejected(ref, rejection(ref, "a.txt"))

    def test_is_ready_only_while_it_exists(self, s3: Any, destination: DestinationBucket) -> None:
        destination.ready()
        s3.delete_bucket(Bucket=DESTINATION)

        with pytest.raises(TemporaryFailure):
            destination.ready()


class TestDeadLetterQueue:
    def test_hands_out_and_deletes(self) -> None:
        with mock_aws():
            client = boto3.client("sqs")
            url = client.create_queue(QueueName="dlq")["QueueUrl"]
            client.send_message(QueueUrl=url, MessageBody="hello")
            queue = DeadLetterQueue(client=client, url=url)

            (letter,) = queue.receive(wait_seconds=0)
            queue.delete(letter)

            assert letter.body == "hello"
            assert queue.depth() == 0


def client_error(code: str, status: int) -> ClientError:
    """Return an error as AWS answers it."""
    return ClientError(
        {"Error": {"Code": code, "Message": "m"}, "ResponseMetadata": {"HTTPStatusCode": status}},  # type: ignore[typeddict-item] # the rest does not matter
        "Op",
    )


class TestTranslate:
    @pytest.mark.parametrize(
        ("error", "code", "mend"),
        [
            (client_error("ThrottlingException", 400), "ThrottlingException", ""),
            (client_error("SlowDown", 503), "SlowDown", ""),
            (client_error("Weird", 500), "Weird", ""),
            (client_error("AccessDenied", 403), "AccessDenied", "the role may not do this"),
            (client_error("NoSuchBucket", 404), "NoSuchBucket", "the bucket does not exist"),
            (client_error("ExpiredToken", 400), "ExpiredToken", "the credentials are"),
            (client_error("RequestTimeTooSkewed", 403), "RequestTimeTooSkewed", "the clock"),
            (NoCredentialsError(), "NoCredentialsError", "the credentials are"),
            (EndpointConnectionError(endpoint_url="http://x"), "EndpointConnectionError", ""),
            (ReadTimeoutError(endpoint_url="http://x"), "ReadTimeoutError", ""),
        ],
    )
    def test_makes_trouble_that_is_not_the_documents_temporary(
        self, error: Exception, code: str, mend: str
    ) -> None:
        with pytest.raises(TemporaryFailure) as caught, translate("s3", "GetObject"):
            raise error

        assert (caught.value.service, caught.value.operation, caught.value.code) == ("s3", "GetObject", code)
        assert caught.value.mend.startswith(mend)
        assert bool(caught.value.mend) == bool(mend)

    def test_lets_a_fault_of_the_request_rise(self) -> None:
        with pytest.raises(ClientError), translate("dynamodb", "TransactWriteItems"):
            raise client_error("ValidationException", 400)


class TestClients:
    def test_fit_three_calls_in_the_time_that_sns_waits(self) -> None:
        # botocore's standard mode waits up to a second before its one retry.
        call_seconds = aws.ATTEMPTS * (aws.CONNECT_TIMEOUT_SECONDS + aws.READ_TIMEOUT_SECONDS) + 1

        assert 3 * call_seconds < 15

    def test_give_the_time_outs_to_boto3(self) -> None:
        client = Clients(region="eu-west-1").make("s3")

        config = client.meta.config
        assert (config.connect_timeout, config.read_timeout) == (0.5, 1.4)
        assert config.retries == {"mode": "standard", "total_max_attempts": 2}
        assert client.meta.region_name == "eu-west-1"


def test_rejected_keys_fit_in_s3() -> None:
    key = rejected_key("ü" * 512, "v" * 32)

    assert len(key.encode()) <= 1024
    assert key.endswith("/" + "v" * 32)


def test_the_clock_of_moto_is_utc(s3: Any, source: SourceBucket) -> None:
    ref = put(s3, "a", b"1")

    age = datetime.now(UTC) - source.read(ref).last_modified_at

    assert abs(age.total_seconds()) < 60


class TestAnnouncements:
    def test_names_the_setting_when_there_is_no_such_topic(self) -> None:
        arn = "arn:aws:sns:us-east-1:123456789012:gone"
        with mock_aws():
            announcements = Announcements(client=boto3.client("sns", region_name="us-east-1"), topic_arn=arn)

            with pytest.raises(TemporaryFailure) as failure:
                announcements.publish("1 rejection", "a.txt: no total")

        assert str(failure.value) == (
            f"sns Publish: NotFound (there is no topic {arn}: check DOCPROC_REJECTION_TOPIC_ARN)"
        )

    def test_publishes_to_its_topic(self) -> None:
        with mock_aws():
            sns = boto3.client("sns", region_name="us-east-1")
            sqs = boto3.client("sqs", region_name="us-east-1")
            topic_arn = sns.create_topic(Name="docproc-rejections")["TopicArn"]
            queue_url = sqs.create_queue(QueueName="mailbox")["QueueUrl"]
            sns.subscribe(
                TopicArn=topic_arn, Protocol="sqs", Endpoint="arn:aws:sqs:us-east-1:123456789012:mailbox"
            )

            Announcements(client=sns, topic_arn=topic_arn).publish("1 rejection", "a.txt: no total")

            [message] = sqs.receive_message(QueueUrl=queue_url)["Messages"]
            told = json.loads(message["Body"])
            assert (told["Subject"], told["Message"]) == ("1 rejection", "a.txt: no total")
