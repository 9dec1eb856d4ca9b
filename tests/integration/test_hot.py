"""The hot calls against an AWS that says what a test wants: they make of it what boto3 makes of it."""

import json
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.credentials import RefreshableCredentials
from botocore.exceptions import NoCredentialsError

from api.aws import ATTEMPTS, Clients
from api.buckets import DestinationBucket, SourceBucket
from api.ports import TemporaryFailure
from api.records import Change, Seen
from api.s3_event import ObjectRef
from api.stores.dynamodb import DynamoLedger
from tests.support.records import document, revision
from tests.support.scripted import Answer, Scripted, breaks_off, chunked, http, is_silent, scripted

REF = ObjectRef(bucket="source", key="in/a b+ü.txt", version_id="v 1")
NULL = ObjectRef(bucket="source", key="a.txt", etag="5d41402abc4b2a76b9719d911017c592")
OBJECT = http(
    "200 OK",
    b"hello",
    ETag='"5d41402abc4b2a76b9719d911017c592"',
    Last_Modified="Sat, 21 Nov 2026 10:11:12 GMT",
    x_amz_checksum_crc32="NhCmhg==",
)
PUT = http("200 OK", ETag='"0"')
WRITTEN = http("200 OK", b"{}", Content_Type="application/x-amz-json-1.0", x_amz_crc32="2745614147")
CHANGE = Change(document=document(), revision=revision(), seen=Seen())


def xml(code: str) -> bytes:
    return f"<Error><Code>{code}</Code><Message>m</Message><Region>eu-west-3</Region></Error>".encode()


def fault(status: str, code: str, **more: object) -> Answer:
    body = {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": "m", **more}
    return http(status, json.dumps(body).encode())


def cancelled(*codes: str) -> Answer:
    reasons = [{"Code": code} for code in codes]
    return fault("400 Bad Request", "TransactionCanceledException", CancellationReasons=reasons)


class World:
    """An AWS that is scripted, and the doors to it by one kind of client, which have been used once."""

    def __init__(self, server: Scripted, kind: str) -> None:
        self.aws = server
        clients = Clients(region="us-east-1", endpoint_url=server.url, is_fast=kind == "fast")
        s3 = clients.make("s3", read_timeout_seconds=0.8)
        self.dynamodb = clients.make("dynamodb", read_timeout_seconds=0.8)
        self.source = SourceBucket(client=s3, bucket="source", max_bytes=1000)
        self.destination = DestinationBucket(client=s3, copy_client=s3, bucket="destination")
        self.ledger = DynamoLedger(
            client=self.dynamodb, document_table="d", invoice_table="i", sleep=lambda _: None
        )
        self.session = clients.session
        for call, answer in ((self.read, OBJECT), (self.put, PUT), (self.commit, WRITTEN)):
            server.answers = [answer]
            call()
        server.requests.clear()

    def read(self) -> object:
        return self.source.read(REF)

    def put(self) -> object:
        self.destination.put_row("csv/v1/a%5Fb_c-r000001.csv", b"row\n")
        return None

    def commit(self) -> object:
        return self.ledger.commit(CHANGE)

    def outcome(self, call: Callable[[], object], answers: list[Answer]) -> tuple[str, int]:
        """Return what becomes of the call, in words, and how many requests it took."""
        self.aws.answers = list(answers)
        self.aws.requests.clear()
        try:
            found = repr(call())
        except Exception as error:  # noqa: BLE001 - whatever it is, it is compared
            found = f"{type(error).__name__} {re.sub(r'127[.]0[.]0[.]1:[0-9]+', 'AWS', str(error))}"
        assert not self.aws.answers, "it should have asked again"
        return found, len(self.aws.requests)


@pytest.fixture(autouse=True)
def _no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)


@pytest.fixture(scope="module")
def worlds() -> Iterator[dict[str, World]]:
    with scripted() as one, scripted() as other:
        yield {"boto3": World(one, "boto3"), "fast": World(other, "fast")}


@pytest.fixture(params=["boto3", "fast"])
def world(request: pytest.FixtureRequest, worlds: dict[str, World]) -> World:
    world = worlds[request.param]
    world.aws.requests.clear()
    return world


@pytest.fixture
def fast(worlds: dict[str, World]) -> World:
    worlds["fast"].aws.requests.clear()
    return worlds["fast"]


def is_hot(request: bytes) -> bool:
    """Tell whether the request was signed here: boto3 tells the number of the attempt."""
    return b"amz-sdk-request" not in request


BAD_CHECKSUM = http(
    "200 OK",
    b"hello",
    ETag='"a"',
    Last_Modified="Sat, 21 Nov 2026 10:11:12 GMT",
    x_amz_checksum_crc32="AAAAAA==",
)
LARGE = http("200 OK", b"x" * 1001, ETag="a", Last_Modified="Sat, 21 Nov 2026 10:11:12 GMT")
GONE, THROTTLED = chunked("404 Not Found", xml("NoSuchVersion")), http("503 Slow Down", xml("SlowDown"))
PAGE = http("502 Bad Gateway", b"<html>Bad Gateway</html>")
TORN = breaks_off(b"HTTP/1.1 200 OK\r\nServer: AmazonS3\r\nx-amz-req")
SHORT = breaks_off(b"HTTP/1.1 200 OK\r\nETag: a\r\nContent-Length: 50\r\n\r\nabc")


class TestOutcome:
    """The same for both, and by the same number of requests, whatever AWS says."""

    @pytest.mark.parametrize(
        ("answers", "found", "requests"),
        [
            ([OBJECT], "Content(data=b'hello', etag='5d41402abc4b2a76b9719d911017c592', ", 1),
            ([GONE], "ContentGone expired-before-processed", 1),
            ([http("405 Method Not Allowed", xml("MethodNotAllowed"))], "ContentGone expired-before", 1),
            ([http("412 Precondition Failed", xml("PreconditionFailed"))], "ContentGone overwritten-", 1),
            ([LARGE], "ContentTooLarge 1001 bytes", 1),
            ([THROTTLED, OBJECT], "Content(data=b'hello'", 2),
            ([THROTTLED] * 2, "TemporaryFailure s3 GetObject: SlowDown", 2),
            ([http("500 Internal", xml("InternalError")), OBJECT], "Content(", 2),
            ([PAGE, OBJECT], "Content(", 2),
            ([PAGE] * 2, "TemporaryFailure s3 GetObject: 502", 2),
            ([http("403 Forbidden", xml("AccessDenied"))], "TemporaryFailure s3 GetObject: AccessD", 1),
            ([http("403 Forbidden", xml("RequestTimeTooSkewed"))], "TemporaryFailure s3 GetObject: Req", 1),
            ([http("400 Bad Request", xml("ExpiredToken"))], "TemporaryFailure s3 GetObject: ExpiredT", 1),
            ([breaks_off(), OBJECT], "Content(", 2),
            ([breaks_off()] * 2, "TemporaryFailure s3 GetObject: ConnectionClosedError", 2),
            ([is_silent(1.2), OBJECT], "Content(", 2),
            ([is_silent(1.2)] * 2, "TemporaryFailure s3 GetObject: ReadTimeoutError", 2),
            ([BAD_CHECKSUM], "TemporaryFailure s3 GetObject: FlexibleChecksumError", 1),
        ],
    )  # fmt: skip
    def test_of_a_document(self, world: World, answers: list[Answer], found: str, requests: int) -> None:
        outcome, number = world.outcome(world.read, answers)

        assert outcome.startswith(found)
        assert number == requests == max(1, len(answers))

    @pytest.mark.parametrize(
        ("answers", "found"),
        [
            ([PUT], "None"),
            ([chunked("412 Precondition Failed", xml("PreconditionFailed"))], "None"),
            ([breaks_off(), http("412 Precondition Failed", xml("PreconditionFailed"))], "None"),
            ([is_silent(1.2), http("412 Precondition Failed", xml("PreconditionFailed"))], "None"),
            (
                [http("409 Conflict", xml("ConditionalRequestConflict"))],
                "TemporaryFailure s3 PutObject: Cond",
            ),
            ([http("500 Internal", xml("InternalError")), PUT], "None"),
            ([THROTTLED, PUT], "None"),
            ([THROTTLED, THROTTLED], "TemporaryFailure s3 PutObject: SlowDown"),
            ([http("404 Not Found", xml("NoSuchBucket"))], "TemporaryFailure s3 PutObject: NoSuchBucket"),
        ],
    )
    def test_of_a_row(self, world: World, answers: list[Answer], found: str) -> None:
        outcome, number = world.outcome(world.put, answers)

        assert outcome.startswith(found)
        assert number == len(answers)

    @pytest.mark.parametrize(
        ("answers", "found"),
        [
            ([WRITTEN], "None"),
            ([fault("500 Internal", "InternalServerError"), WRITTEN], "None"),
            ([breaks_off(), WRITTEN], "None"),
            ([is_silent(1.2), WRITTEN], "None"),
            ([http("200 OK", b"{}", x_amz_crc32="1"), WRITTEN], "None"),
            ([PAGE, PAGE], "TemporaryFailure dynamodb TransactWriteItems: 502"),
            (
                [cancelled("ConditionalCheckFailed", "None")],
                "Seen(document=None, invoice=None)",
            ),
            (
                [cancelled("TransactionConflict"), WRITTEN],
                "None",
            ),
            (
                [cancelled("ValidationError")],
                "TransactionCanceledException",
            ),
            ([fault("400 Bad Request", "ThrottlingException"), WRITTEN], "None"),
            ([fault("400 Bad Request", "ValidationException")], "ClientError"),
            ([fault("400 Bad Request", "AccessDeniedException")], "TemporaryFailure dynamodb Trans"),
            ([fault("400 Bad Request", "ResourceNotFoundException")], "TemporaryFailure dynamodb Trans"),
        ],
    )  # fmt: skip
    def test_of_a_transaction(self, world: World, answers: list[Answer], found: str) -> None:
        outcome, number = world.outcome(world.commit, answers)

        assert outcome.startswith(found)
        assert number == len(answers)

    @pytest.mark.parametrize("service", ["read", "put", "commit"])
    def test_of_an_answer_without_an_end_is_another_try(self, fast: World, service: str) -> None:
        good = {"read": OBJECT, "put": PUT, "commit": WRITTEN}[service]
        plain = {"read": "Content(", "put": "None", "commit": "None"}[service]

        for torn in (TORN, SHORT):
            outcome, number = fast.outcome(getattr(fast, service), [torn, good])
            assert outcome.startswith(plain)
            assert number == 2


class TestHotCall:
    def test_goes_past_boto3_from_the_second_one_on(self, fast: World) -> None:
        for call, answer in ((fast.read, OBJECT), (fast.put, PUT), (fast.commit, WRITTEN)):
            fast.aws.answers = [answer]
            call()

        assert [is_hot(request) for request in fast.aws.requests] == [True] * 3

    def test_sends_what_boto3_sends(self) -> None:
        """But for what only tells AWS about the client and the attempt."""
        lines = {}
        for kind in ("boto3", "fast"):
            with scripted() as server:
                it = World(server, kind)
                server.answers = [OBJECT, OBJECT, PUT, WRITTEN]
                it.read(), it.source.read(NULL), it.put(), it.commit()
                lines[kind] = [sorted(without(request, server.port)) for request in server.requests]

        assert lines["fast"] == lines["boto3"]
        assert b"GET /source/in/a%20b%2B%C3%BC.txt?versionId=v%201 HTTP/1.1" in lines["fast"][0]
        assert b"GET /source/a.txt?versionId=null HTTP/1.1" in lines["fast"][1]
        assert b'if-match: "5d41402abc4b2a76b9719d911017c592"' in lines["fast"][1]
        assert b"if-none-match: *" in lines["fast"][2]

    def test_is_made_by_boto3_where_the_setting_says_so(self) -> None:
        with scripted() as server:
            it = World(server, "boto3")
            server.answers = [OBJECT]

            it.read()

            assert [is_hot(request) for request in server.requests] == [False]

    def test_has_one_token_for_all_attempts(self, fast: World) -> None:
        fast.aws.answers = [breaks_off(), WRITTEN]

        fast.commit()

        tokens = [
            json.loads(each.partition(b"\r\n\r\n")[2])["ClientRequestToken"] for each in fast.aws.requests
        ]
        assert [is_hot(request) for request in fast.aws.requests] == [True, False]
        assert tokens[0] == tokens[1]

    def test_has_another_token_for_another_transaction(self, fast: World) -> None:
        fast.aws.answers = [WRITTEN, WRITTEN]

        fast.commit(), fast.commit()

        tokens = {
            json.loads(each.partition(b"\r\n\r\n")[2])["ClientRequestToken"] for each in fast.aws.requests
        }
        assert len(tokens) == 2

    def test_is_the_first_of_as_many_attempts_as_boto3_makes(self, fast: World) -> None:
        # So the time of three calls is what TestClients of test_aws.py adds up, whoever makes the first.
        outcome, number = fast.outcome(fast.read, [is_silent(1.2)] * ATTEMPTS)

        assert outcome == "TemporaryFailure s3 GetObject: ReadTimeoutError"
        assert number == ATTEMPTS == 2
        assert [is_hot(request) for request in fast.aws.requests] == [True, False]

    def test_is_sent_on_the_connection_of_the_last_one(self, fast: World) -> None:
        fast.aws.answers = [OBJECT] * 5
        before = fast.aws.connections

        for _ in range(5):
            fast.read()

        assert fast.aws.connections - before <= 1

    def test_is_signed_with_the_credentials_of_the_moment(
        self, fast: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(fast.source.client, "_credentials", rotating().get_frozen_credentials)
        fast.aws.answers = [OBJECT]

        fast.read()

        assert b"Credential=ID2/" in fast.aws.requests[0]
        assert b"x-amz-security-token: token2\r\n" in fast.aws.requests[0]

    def test_leaves_an_odd_etag_to_boto3(self, fast: World) -> None:
        fast.aws.answers = [OBJECT]

        replace(fast.source, bucket="unversioned").read(ObjectRef(bucket="", key="a", etag="a b\t"))

        assert [is_hot(request) for request in fast.aws.requests] == [False]

    def test_reads_large_objects_by_boto3(self, fast: World) -> None:
        large = http("200 OK", b"x" * 2_000_000, ETag="a", Last_Modified="Sat, 21 Nov 2026 10:11:12 GMT")
        fast.aws.answers = [OBJECT]
        fast.source.client.get_object(Bucket="source", Key="b", VersionId="v")["Body"].read()
        fast.aws.answers = [large, large]

        body = fast.source.client.get_object(Bucket="source", Key="b", VersionId="v")["Body"]

        assert len(body.read()) == 2_000_000

    def test_is_not_hot_through_a_proxy(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("api.hot.get_environ_proxies", lambda _: {"http": "http://proxy"})
        with scripted() as server:
            it = World(server, "fast")
            server.answers = [OBJECT]

            it.read()

            assert [is_hot(request) for request in server.requests] == [False]


class TestAttempt:
    """The first attempt that boto3 is handed is that call's, and no other's."""

    def test_is_not_kept_for_the_next_call(self, fast: World, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(**_: object) -> None:
            raise NoCredentialsError

        fast.aws.answers = [THROTTLED]
        events = fast.source.client.meta.events
        events.register("before-call.s3.GetObject", fail)
        with pytest.raises(TemporaryFailure, match="NoCredentialsError"):
            fast.read()
        events.unregister("before-call.s3.GetObject", fail)
        monkeypatch.setattr(fast.source.client, "_routes", {})
        fast.aws.answers = [OBJECT]

        assert fast.read()

    def test_is_its_own_threads(self, fast: World) -> None:
        hot: Any = fast.source.client
        found, barrier = list[bool](), threading.Barrier(2)

        def attempt(first: Answer) -> None:
            hot._attempt.reset(first)
            barrier.wait(5)
            found.append(hot._attempt.first is first)

        threads = [threading.Thread(target=attempt, args=(each,)) for each in (OBJECT, PUT)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert found == [True, True]


def without(request: bytes, port: int) -> list[bytes]:
    """Return the lines of a request but for those that differ by the client, the time or the port."""
    head, _, body = request.partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    # boto3 sends the CRC after the body where there is TLS, and before it here.
    told = rb"(?i)(user-agent|amz-sdk-|authorization|x-amz-date|accept-encoding|expect|x-amz-content-sha256)"
    kept = [line for line in lines if not re.match(told, line)]
    named = [b": ".join((line.split(b":")[0].lower(), line.split(b":", 1)[1].strip())) for line in kept]
    if body.startswith(b"{"):
        body = json.dumps(json.loads(body) | {"ClientRequestToken": ""}, sort_keys=True).encode()
    named = [line.replace(b":%d" % port, b"") for line in named if not line.startswith(b"content-length")]
    return [first, *named, body]


def rotating() -> RefreshableCredentials:
    """Return credentials that are others each time."""
    numbers = iter((1, 2))

    def fresh() -> dict[str, Any]:
        number = next(numbers)
        expiry = datetime.now(UTC) + timedelta(seconds=5 if number == 1 else 3600)  # 5 s are none to botocore
        return {
            "access_key": f"ID{number}",
            "secret_key": "secret",
            "token": f"token{number}",
            "expiry_time": expiry.isoformat(),
        }

    return RefreshableCredentials.create_from_metadata(fresh(), fresh, "test")
