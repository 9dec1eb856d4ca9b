"""The comparison of requests and role sees what it has to see; `make privileges` runs it on everything."""

import json

import pytest

from tests.support.least_privilege import REVIEWED, Use, grants, idle, missing, unused, uses


def _request(service: str, **facts: str) -> str:
    blank = {"method": "POST", "url": "/", "host": "", "target": "", "copies": "", "body": ""}
    return json.dumps({**blank, "service": service, **facts})


REQUESTS = [
    (
        _request("s3", method="GET", url="https://docproc-source.s3.amazonaws.com/a.txt?versionId=v1"),
        {"s3:GetObjectVersion source"},
    ),
    (
        _request("s3", method="GET", url="/docproc-source?versions&prefix=a", host="127.0.0.1:5000"),
        {"s3:ListBucketVersions source"},
    ),
    (
        _request("s3", method="HEAD", url="/docproc-destination/csv/v1/a.csv", host="127.0.0.1:5000"),
        {"s3:GetObject csv"},
    ),
    (
        _request(
            "s3",
            method="PUT",
            url="https://docproc-destination.s3.amazonaws.com/rejected/a.txt/v1",
            copies="docproc-source/a.txt?versionId=v1",
        ),
        {"s3:GetObjectVersion source", "s3:PutObject rejected"},
    ),
    (
        _request("s3", method="GET", url="https://s3.amazonaws.com/docproc-source?lifecycle"),
        {"s3:GetLifecycleConfiguration source"},
    ),
    (
        _request(
            "dynamodb",
            target="DynamoDB_20120810.TransactWriteItems",
            body='{"TransactItems": [{"Put": {}}, {"ConditionCheck": {}}]}',
        ),
        {"dynamodb:PutItem table", "dynamodb:ConditionCheckItem table"},
    ),
    (
        _request(
            "dynamodb", target="DynamoDB_20120810.Query", body='{"TableName": "t", "IndexName": "recent"}'
        ),
        {"dynamodb:Query index"},
    ),
    (_request("sns", body="Action=ConfirmSubscription&Token=x"), {"sns:ConfirmSubscription"}),
    (_request("sqs", target="AmazonSQS.ReceiveMessage"), {"sqs:ReceiveMessage"}),
]


@pytest.mark.parametrize(("request_line", "expected"), REQUESTS)
def test_a_request_is_the_action_that_iam_knows(request_line: str, expected: set[str]) -> None:
    assert {str(use) for use in uses([request_line])} == expected


def test_each_of_those_is_granted() -> None:
    assert missing(uses(line for line, _ in REQUESTS), grants()) == []


@pytest.mark.parametrize(
    "planted",
    [Use("s3:DeleteObject", "source"), Use("s3:GetObject", "source"), Use("dynamodb:DeleteTable", "table")],
)
def test_what_the_role_may_not_is_missed(planted: Use) -> None:
    assert missing({planted}, grants()) == [planted]


def test_what_nobody_does_is_found() -> None:
    planted = Use("s3:PutBucketPolicy", "source")

    assert unused(grants(), grants() | {planted}) == [planted]


def test_each_explanation_explains_a_grant() -> None:
    assert idle(grants()) == []
    assert idle(set()) == sorted(REVIEWED)
