from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from api.aws import Clients
from infra.local.sns_messages import Signer
from tests.bench.service.rounds import Failed, are_whole, check_written
from tests.bench.service.servers import Stub, stub
from tests.bench.service.stub import invoice_text
from tests.bench.service.variants import PLAIN

ITEM: dict[str, Any] = {"customer_id": {"S": "C-1"}, "text": {"S": "InWords: Space Rupees"}}


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stub]:
    with stub(tmp_path_factory.mktemp("stub"), Signer(datetime.now(UTC))) as running:
        yield running


class TestStub:
    """The stand-in for AWS, under boto3's own checks of lengths and checksums."""

    def test_answers_what_an_invoice_takes_and_counts_it(self, aws: Stub) -> None:
        make, before = Clients(region="us-east-1", endpoint_url=aws.url).make, aws.control.counts()

        found = make("s3").get_object(
            Bucket="docproc-source", Key="inbox/0000007.txt", VersionId="v7", ChecksumMode="ENABLED"
        )
        text = found["Body"].read()
        make("dynamodb").transact_write_items(TransactItems=[{"Put": {"TableName": "t", "Item": ITEM}}])
        make("s3").put_object(Bucket="docproc-destination", Key="csv/7", Body=b"row", IfNoneMatch="*")

        assert text == invoice_text(7)
        assert found["VersionId"] == "v0000000000000000000000000000007"
        assert aws.control.counts() - before == {"GetObject": 1, "TransactWriteItems": 1, "PutObject": 1}
        assert aws.control.last()["object"] == "row"

    def test_refuses_what_it_does_not_know_and_counts_that_too(self, aws: Stub) -> None:
        before = aws.control.counts()

        with pytest.raises(ClientError, match="400"):
            Clients(region="us-east-1", endpoint_url=aws.url).make("dynamodb").list_tables()

        assert aws.control.counts() - before == {"listtables": 1}

    def test_takes_as_long_as_it_is_told(self, aws: Stub) -> None:
        client = Clients(region="us-east-1", endpoint_url=aws.url).make("s3")
        client.head_bucket(Bucket="docproc-source")
        aws.control.set_latency(50)
        began = datetime.now(UTC)

        client.head_bucket(Bucket="docproc-source")

        assert (datetime.now(UTC) - began).total_seconds() >= 0.05
        aws.control.set_latency(0)


class TestAreWhole:
    @pytest.mark.parametrize(
        ("calls", "is_whole"),
        [
            ({"GetObject": 3, "PutItem": 3, "PutObject": 3}, True),
            ({"GetObject": 3, "PutItem": 3, "PutObject": 2}, False),
            ({"GetObject": 3, "PutItem": 4, "PutObject": 3}, False),
            ({"GetObject": 3, "PutItem": 3, "PutObject": 3, "GetItem": 1}, False),
            ({}, False),
        ],
    )
    def test_counts_every_call(self, calls: dict[str, int], is_whole: bool) -> None:  # noqa: FBT001 - pytest's
        assert are_whole(PLAIN, Counter(calls)) is is_whole


class TestCheckWritten:
    def test_wants_the_invoice_of_the_corpus(self) -> None:
        row = (
            '"sm-LK0000007","inv-0000007","2018-03-31","Space Mechanics Inc.","Starfleet Interplanatory HQ",'
            '"7650.00","500.00","8150.00","Space Rupees Eight thousand one hundred fifty only"\n'
        )
        check_written(PLAIN, {"object": row, "item": "…InWords: Space Rupees…"})

        with pytest.raises(Failed, match="plain wrote"):
            check_written(PLAIN, {"object": row.replace("8150", "8151"), "item": "…InWords: Space Rupees…"})

    def test_wants_the_text_in_the_item(self) -> None:
        with pytest.raises(Failed, match="plain wrote"):
            check_written(PLAIN, {"object": '"C","inv-1"\n', "item": ""})
