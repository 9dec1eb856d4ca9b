"""/sns with everything behind it as in production, on moto; only the certificate's download is replaced."""

import json
import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from django.test import Client
from moto import mock_aws

from api import wiring
from api.aws import Topics
from api.ports import TemporaryFailure
from api.stores.dynamodb_schema import table_definitions
from tests.support import sns_matrix as matrix
from tests.support import sns_signing as signing
from tests.support.invoices import invoice_text
from tests.support.sns_signing import MESSAGE_ID, TOKEN, TOPIC, Fetch

SOURCE, DESTINATION = "docproc-source", "docproc-destination"


class Aws:
    """The account behind the service."""

    def __init__(self) -> None:
        self.s3: Any = boto3.client("s3")
        self.dynamodb: Any = boto3.client("dynamodb")
        for bucket in (SOURCE, DESTINATION):
            self.s3.create_bucket(Bucket=bucket)
        self.s3.put_bucket_versioning(Bucket=SOURCE, VersioningConfiguration={"Status": "Enabled"})
        for definition in table_definitions("docproc-document", "docproc-invoice"):
            self.dynamodb.create_table(**definition)

    def put(self, key: str, body: bytes) -> dict[str, Any]:
        """Put an object and return the record of its event."""
        answer = self.s3.put_object(Bucket=SOURCE, Key=key, Body=body)
        part = {
            "key": key,
            "versionId": answer["VersionId"],
            "eTag": answer["ETag"].strip('"'),
            "size": len(body),
            "sequencer": "0055AED6DCD90281E5",
        }
        return {
            "eventVersion": "2.1",
            "eventName": "ObjectCreated:Put",
            "s3": {"bucket": {"name": SOURCE}, "object": part},
        }

    def keys(self, bucket: str) -> list[str]:
        return [item["Key"] for item in self.s3.list_objects_v2(Bucket=bucket).get("Contents", [])]

    def documents(self) -> list[str]:
        items = self.dynamodb.scan(TableName="docproc-document")["Items"]
        return sorted(item["source_key"]["S"] for item in items)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    parts = [part for part in vars(wiring).values() if hasattr(part, "cache_clear")]
    monkeypatch.setattr(wiring, "fetch_certificate", Fetch())
    with mock_aws():
        for part in parts:
            part.cache_clear()
        yield Aws()
    for part in parts:
        part.cache_clear()


def post(message: signing.Message, version: str = "2") -> tuple[int, str]:
    body, headers = matrix.post(signing.sign(message, version=version))
    response = Client(enforce_csrf_checks=True).generic("POST", "/sns", body, headers=headers)
    return response.status_code, response.content.decode()


def notification(*records: dict[str, Any], **fields: str) -> signing.Message:
    text = json.dumps({"Records": records})
    return signing.notification(text, at=datetime.now(UTC), **fields)


class TestNotification:
    def test_of_an_invoice_leaves_one_csv_object(self, aws: Aws) -> None:
        record = aws.put("a.txt", invoice_text("C-1", "INV-1"))

        assert post(notification(record)) == (200, "done")

        (key,) = aws.keys(DESTINATION)
        assert key.startswith("csv/v1/ingest=")
        assert key.endswith("/C-1_INV-1-r000001.csv")

    def test_twice_leaves_one_csv_object(self, aws: Aws) -> None:
        message = notification(aws.put("a.txt", invoice_text()))

        assert [post(message), post(message)] == [(200, "done")] * 2
        assert len(aws.keys(DESTINATION)) == 1
        assert aws.documents() == ["a.txt"]

    def test_many_times_at_once_leaves_one_csv_object(self, aws: Aws) -> None:
        message = notification(aws.put("a.txt", invoice_text()))

        with ThreadPoolExecutor(4) as pool:
            answers = set(pool.map(lambda _: post(message), range(8)))

        assert answers <= {(200, "done"), (503, "unavailable")}
        assert (200, "done") in answers
        assert len(aws.keys(DESTINATION)) == 1

    def test_with_a_changed_signature_leaves_nothing(self, aws: Aws) -> None:
        message = signing.sign(notification(aws.put("a.txt", invoice_text())))
        middle = len(message["Signature"]) // 2
        swapped = "B" if message["Signature"][middle] == "A" else "A"
        changed = message["Signature"][:middle] + swapped + message["Signature"][middle + 1 :]

        body, headers = matrix.post(message | {"Signature": changed})
        response = Client().generic("POST", "/sns", body, headers=headers)

        assert (response.status_code, response.content) == (403, b"signature")
        assert aws.keys(DESTINATION) == []
        assert aws.documents() == []

    def test_of_a_broken_document_is_a_rejection(self, aws: Aws) -> None:
        record = aws.put("b.txt", b"this is no invoice")

        assert post(notification(record)) == (200, "done")
        assert aws.documents() == ["b.txt"]
        assert [key.split("/")[0] for key in aws.keys(DESTINATION)] == ["rejected"]

    def test_of_no_document_is_a_rejection_of_the_message(self, aws: Aws) -> None:
        message = signing.notification("no event", at=datetime.now(UTC))

        assert post(message) == (200, "done")
        assert post(message) == (200, "done")
        assert aws.documents() == [f"message:{MESSAGE_ID}"]

    def test_with_one_bad_of_three_records_has_the_two_good_ones_done(self, aws: Aws) -> None:
        good = [aws.put(f"{number}.txt", invoice_text("C-1", f"INV-{number}")) for number in (1, 3)]
        bad = {"eventVersion": "2.1", "eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": SOURCE}}}

        assert post(notification(good[0], bad, good[1])) == (200, "done")
        assert aws.documents() == ["1.txt", "3.txt", f"message:{MESSAGE_ID}"]
        assert len(aws.keys(DESTINATION)) == 2

    def test_of_the_destination_bucket_is_refused(self, aws: Aws) -> None:
        record = aws.put("a.txt", invoice_text())
        record["s3"]["bucket"]["name"] = DESTINATION

        assert post(notification(record)) == (200, "done")
        assert aws.documents() == []
        assert aws.keys(DESTINATION) == []

    def test_comes_again_while_the_tables_are_gone(self, aws: Aws) -> None:
        message = notification(aws.put("a.txt", invoice_text()))
        for name in ("docproc-document", "docproc-invoice"):
            aws.dynamodb.delete_table(TableName=name)

        assert post(message) == (503, "unavailable")

        for definition in table_definitions("docproc-document", "docproc-invoice"):
            aws.dynamodb.create_table(**definition)
        assert post(message) == (200, "done")
        assert aws.documents() == ["a.txt"]

    def test_with_version_1_is_refused_by_default(self, aws: Aws) -> None:
        message = notification(aws.put("a.txt", invoice_text()))

        assert post(message, version="1") == (403, "signature-version")
        assert aws.documents() == []


class TestLog:
    def test_has_one_line_of_json_for_a_request_even_when_it_fails(
        self, aws: Aws, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO)
        message = notification(aws.put("a.txt", invoice_text()))
        aws.dynamodb.delete_table(TableName="docproc-document")

        post(message)
        post(message | {"TopicArn": "arn:aws:sns:us-east-1:999999999999:x"})

        assert [(record.name, record.getMessage()) for record in caplog.records] == [
            ("api.views", "sns.unavailable"),
            ("api.views", "sns.refused"),
        ]


class TestReadyz:
    @pytest.mark.usefixtures("aws")
    def test_is_ok_with_tables_and_bucket(self) -> None:
        assert Client().get("/readyz").status_code == 200

    @pytest.mark.parametrize("missing", ["docproc-document", "docproc-invoice"])
    def test_is_unavailable_without_a_table(self, aws: Aws, missing: str) -> None:
        aws.dynamodb.delete_table(TableName=missing)

        assert Client().get("/readyz").status_code == 503

    def test_is_unavailable_without_the_bucket(self, aws: Aws) -> None:
        aws.s3.delete_bucket(Bucket=DESTINATION)

        assert Client().get("/readyz").status_code == 503


class TestConfirm:
    """The call to AWS, against botocore's own model of it."""

    def stubbed(self) -> tuple[Topics, Stubber, list[str]]:
        client = boto3.client("sns", region_name="us-east-1")
        regions: list[str] = []

        def client_in(region: str) -> Any:
            regions.append(region)
            return client

        return Topics(client_in=client_in), Stubber(client), regions

    def test_asks_the_topics_region_and_lets_only_credentials_unsubscribe(self) -> None:
        topics, stub, regions = self.stubbed()
        expected = {
            "TopicArn": "arn:aws:sns:eu-west-1:123456789012:docproc",
            "Token": TOKEN,
            "AuthenticateOnUnsubscribe": "true",
        }
        stub.add_response("confirm_subscription", {"SubscriptionArn": f"{TOPIC}:1"}, expected)

        with stub:
            topics.confirm("arn:aws:sns:eu-west-1:123456789012:docproc", TOKEN)

        assert regions == ["eu-west-1"]
        stub.assert_no_pending_responses()

    @pytest.mark.parametrize(
        ("code", "status"),
        [("InvalidParameter", 400), ("NotFound", 404), ("AuthorizationError", 403), ("InternalError", 500)],
    )
    def test_fails_for_now_whatever_the_error(self, code: str, status: int) -> None:
        topics, stub, _ = self.stubbed()
        stub.add_client_error("confirm_subscription", code, http_status_code=status)

        with stub, pytest.raises(TemporaryFailure) as failure:
            topics.confirm(TOPIC, TOKEN)

        assert failure.value.code == code
