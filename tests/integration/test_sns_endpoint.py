"""/sns over HTTP: every row of the matrix through the real view, and that nothing else happened."""

import io
import json
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from api import metrics, wiring
from api.certificates import KeyCache
from api.delivery import Delivery
from api.pipeline import Outcome
from api.ports import TemporaryFailure
from api.records import Reason
from api.regions import signers_of
from api.s3_event import ObjectRef
from api.sns import CertificateUnavailable, Gate
from tests.support import sns_matrix as matrix
from tests.support import sns_signing as signing
from tests.support.sns_signing import MESSAGE_ID, NOW, TOKEN, TOPIC, Clock, Fetch

BOTH = pytest.mark.parametrize("version", ["1", "2"])


@dataclass
class FakePipeline:
    """Remembers what it was asked, and answers by key."""

    answers: dict[str, Outcome | TemporaryFailure] = field(default_factory=dict)
    ingested: list[ObjectRef] = field(default_factory=list)
    rejected: list[tuple[str, Reason, bytes]] = field(default_factory=list)

    def ingest(self, ref: ObjectRef, *, message_id: str, now: datetime) -> Outcome:
        assert (message_id, now) == (MESSAGE_ID, NOW)
        self.ingested.append(ref)
        answer = self.answers.get(ref.key, Outcome(kind="stored", source_key=ref.key, version_id="v1"))
        if isinstance(answer, TemporaryFailure):
            raise answer
        return answer

    def reject_message(self, message_id: str, reason: Reason, body: bytes, now: datetime) -> Outcome:
        assert (message_id, now) == (MESSAGE_ID, NOW)
        self.rejected.append((message_id, reason, body))
        key = f"message:{message_id}"
        answer = self.answers.get(
            key, Outcome(kind="rejected", source_key=key, version_id="message", code=reason.code)
        )
        if isinstance(answer, TemporaryFailure):
            raise answer
        return answer


@dataclass
class FakeService:
    """The real gate and delivery over fakes of everything outside the process."""

    fetch: Fetch = field(default_factory=Fetch)
    pipeline: FakePipeline = field(default_factory=FakePipeline)
    clock: Clock = field(default_factory=Clock)
    confirmed: list[tuple[str, str]] = field(default_factory=list)
    confirm_fault: TemporaryFailure | None = None
    max_in_flight: int = 8
    allow_sha1: bool = True

    def __post_init__(self) -> None:
        keys = KeyCache(self.fetch, self.clock)
        self.gate = Gate(signers=signers_of(matrix.TOPICS), keys=keys, allow_sha1=self.allow_sha1)
        self.delivery = Delivery(pipeline=self.pipeline, source_bucket="docproc-source")  # type: ignore[arg-type] # a fake of the class

    def confirm(self, topic_arn: str, token: str) -> None:
        if self.confirm_fault:
            raise self.confirm_fault
        self.confirmed.append((topic_arn, token))

    @property
    def did_nothing(self) -> bool:
        return not (self.pipeline.ingested or self.pipeline.rejected or self.confirmed)


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> FakeService:
    service = FakeService()
    monkeypatch.setattr(wiring, "service", lambda: service)
    monkeypatch.setattr(timezone, "now", lambda: NOW)
    return service


def send(
    body: bytes,
    headers: dict[str, str],
    *,
    path: str = "/sns",
    length: str | None = None,
    stream: io.BytesIO | None = None,
    content_type: str = "text/plain; charset=UTF-8",
) -> HttpResponse:
    """POST as SNS does; CSRF is enforced, exceptions of the view rise, sockets are off."""
    environ: dict[str, Any] = {"CONTENT_LENGTH": str(len(body)) if length is None else length}
    if stream is not None:
        environ["wsgi.input"] = stream
    client = Client(enforce_csrf_checks=True)
    response: Any = client.generic("POST", path, body, content_type, headers=headers, **environ)
    return response  # type: ignore[no-any-return] # the test client's own class


def post(message: signing.Message, *, version: str = "2", **how: Any) -> HttpResponse:
    return send(*matrix.post(signing.sign(message, version=version)), **how)


def s3_event(*keys: str, **changes: object) -> str:
    """Return the text of an event that names objects of the source bucket."""
    return json.dumps(
        {
            "Records": [
                {
                    "eventVersion": "2.1",
                    "eventName": "ObjectCreated:Put",
                    "s3": {"bucket": {"name": "docproc-source"}, "object": {"key": key, "versionId": "v1"}},
                }
                | changes
                for key in keys
            ]
        }
    )


def in_bucket(name: str) -> dict[str, object]:
    return {"s3": {"bucket": {"name": name}, "object": {"key": "a.txt"}}}


@BOTH
class TestMatrix:
    @pytest.mark.parametrize("case", matrix.REFUSED, ids=lambda case: case.name)
    def test_refuses_without_any_effect(self, service: FakeService, case: matrix.Case, version: str) -> None:
        service.fetch.answer = case.host if case.host is not None else service.fetch.answer

        response = send(*case.make(version))

        assert (response.status_code, response.content.decode()) == (case.status, case.code)
        assert len(service.fetch.urls) == case.fetches
        assert service.did_nothing

    @pytest.mark.parametrize("case", matrix.ACCEPTED, ids=lambda case: case.name)
    def test_accepts(self, service: FakeService, case: matrix.Case, version: str) -> None:
        service.fetch.answer = case.host if case.host is not None else service.fetch.answer

        response = send(*case.make(version))

        assert response.status_code == 200


class TestMethod:
    @pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "post2"])
    @pytest.mark.parametrize("path", ["/sns", "/sns/"])
    def test_other_than_post_is_refused(self, service: FakeService, method: str, path: str) -> None:
        body, headers = matrix.signed(signing.notification(s3_event("a")))("2")

        response = Client().generic(method, path, body, headers=headers)

        assert response.status_code == 405
        assert response["Allow"] == "POST"
        assert service.fetch.urls == []
        assert service.did_nothing

    @pytest.mark.parametrize("path", ["/sns", "/sns/"])
    def test_post_works_under_both_spellings(self, service: FakeService, path: str) -> None:
        response = post(signing.notification(s3_event("a")), path=path)

        assert response.status_code == 200
        assert response["Content-Length"] == "4"  # of "done": no chunks for four bytes
        assert [ref.key for ref in service.pipeline.ingested] == ["a"]


class Unreadable(io.BytesIO):
    """A body that must not be touched."""

    def read(self, *_: object) -> bytes:
        raise AssertionError("the body was read")


class Counted(io.BytesIO):
    """A body that counts what is taken of it."""

    taken = 0

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        self.taken += len(data)
        return data


class BrokenOff(io.BytesIO):
    """A client that goes away."""

    def read(self, *_: object) -> bytes:
        raise ConnectionResetError("gone")


class TestSize:
    def test_over_the_cap_is_refused_unread(self, service: FakeService) -> None:
        response = send(b"", {}, stream=Unreadable(), length="524289")

        assert (response.status_code, response.content) == (413, b"too-large")
        assert service.did_nothing

    @pytest.mark.parametrize("length", ["999999999999", "9" * 8000])
    def test_far_over_the_cap_is_refused_unread(self, service: FakeService, length: str) -> None:
        response = send(b"", {}, stream=Unreadable(), length=length)

        assert response.status_code == 413
        assert service.did_nothing

    def test_at_the_cap_is_read(self, service: FakeService) -> None:
        message = signing.sign(signing.notification(s3_event("a")))
        body = signing.body(message)
        body += b" " * (524288 - len(body))

        response = send(body, signing.headers(message))

        assert response.status_code == 200
        assert [ref.key for ref in service.pipeline.ingested] == ["a"]

    def test_of_more_bytes_than_announced_is_read_to_the_announced_end(self, service: FakeService) -> None:
        stream = Counted(b"x" * 2_000_000)

        response = send(b"", {}, stream=stream, length="1000")

        assert response.status_code == 400
        assert stream.taken == 1000
        assert service.did_nothing

    @pytest.mark.parametrize("length", ["", "-1", "1e3", "0x10", "+5", "٣", " ", "10, 10"])
    def test_unknown_is_refused_unread(self, service: FakeService, length: str) -> None:
        response = send(b"", {}, stream=Unreadable(), length=length)

        assert (response.status_code, response.content) == (411, b"no-length")
        assert service.did_nothing

    def test_of_a_chunked_body_is_refused_unread(self, service: FakeService) -> None:
        """As gunicorn hands it on: Transfer-Encoding, no Content-Length, a stream that would go on."""
        body, headers = matrix.signed(signing.notification(s3_event("a")))("2")

        environ: Any = {"wsgi.input": Unreadable(body), "HTTP_TRANSFER_ENCODING": "chunked"}
        response = Client().generic("POST", "/sns", headers=headers, **environ)

        assert response.status_code == 411
        assert service.did_nothing

    @pytest.mark.parametrize("encoding", ["gzip", "GZIP", "deflate", "br", "identity", "gzip, gzip"])
    def test_of_a_packed_body_is_nobodys_business(self, service: FakeService, encoding: str) -> None:
        response = send(b"", {"Content-Encoding": encoding}, stream=Unreadable(), length="9")

        assert (response.status_code, response.content) == (415, b"content-encoding")
        assert service.did_nothing

    def test_of_a_body_that_breaks_off_is_bad(self, service: FakeService) -> None:
        response = send(b"", {}, stream=BrokenOff(), length="9")

        assert (response.status_code, response.content) == (400, b"broken-off")
        assert service.did_nothing

    @pytest.mark.parametrize(
        "content_type",
        [
            "application/json",
            "multipart/form-data; boundary=x",
            "application/x-www-form-urlencoded",
            "",
            "\xff/;=;;",
        ],
    )
    def test_and_the_rest_do_not_depend_on_the_content_type(
        self, service: FakeService, content_type: str
    ) -> None:
        response = post(signing.notification(s3_event("a")), content_type=content_type)

        assert response.status_code == 200
        assert len(service.pipeline.ingested) == 1


class TestSignatureVersion:
    def test_1_is_refused_where_the_setting_does_not_allow_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        strict = FakeService(allow_sha1=False)
        monkeypatch.setattr(wiring, "service", lambda: strict)
        monkeypatch.setattr(timezone, "now", lambda: NOW)

        response = post(signing.notification(s3_event("a")), version="1")

        assert (response.status_code, response.content) == (403, b"signature-version")
        assert strict.fetch.urls == []
        assert strict.did_nothing


class TestFlood:
    def urls(self, number: int) -> str:
        return f"{signing.HOST}/SimpleNotificationService-{number:032x}.pem"

    def host(self, url: str) -> bytes:
        if url == signing.CERTIFICATE_URL:
            return signing.certificate()
        raise CertificateUnavailable("certificate-status")

    def test_of_certificate_ids_stays_in_the_budget_and_lets_the_known_pass(
        self, service: FakeService
    ) -> None:
        service.fetch.answer = self.host
        assert post(signing.notification(s3_event("before"))).status_code == 200

        statuses = []
        for number in range(500):
            statuses.append(post(signing.notification(SigningCertURL=self.urls(number))).status_code)
            if number % 50 == 0:
                assert post(signing.notification(s3_event(f"during-{number}"))).status_code == 200

        assert set(statuses) == {503}
        assert len(service.fetch.urls) == 10
        assert service.fetch.urls.count(signing.CERTIFICATE_URL) == 1
        assert len(service.pipeline.ingested) == 11

    def test_of_first_messages_causes_one_fetch(self, service: FakeService) -> None:
        entered = threading.Event()

        def slow(_: str) -> bytes:
            entered.wait(0.2)
            return signing.certificate()

        service.fetch.answer = slow
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: post(signing.notification(s3_event("a"))), range(8)))

        assert {answer.status_code for answer in answers} == {200}
        assert len(service.fetch.urls) == 1

    def test_of_trusted_messages_is_told_to_come_again(self, service: FakeService) -> None:
        service.max_in_flight = 2
        entered, go = threading.Semaphore(0), threading.Event()

        def waiting(*_: object, **__: object) -> Outcome:
            entered.release()
            assert go.wait(10)
            return Outcome(kind="stored", source_key="a", version_id="v1")

        service.pipeline.ingest = waiting  # type: ignore[method-assign] # a fake of a fake
        message = signing.notification(s3_event("a"))
        with ThreadPoolExecutor(2) as pool:
            busy = [pool.submit(post, message) for _ in range(2)]
            assert entered.acquire(timeout=10)
            assert entered.acquire(timeout=10)

            third = post(message)
            stranger = send(b"x", {})

            go.set()
            assert [answer.result(10).status_code for answer in busy] == [200, 200]
        assert (third.status_code, third.content) == (503, b"busy")
        assert stranger.status_code == 400
        assert post(message).status_code == 200


class TestOutage:
    def test_of_the_certificates_host_ends_with_the_first_good_fetch(self, service: FakeService) -> None:
        def down(_: str) -> bytes:
            raise CertificateUnavailable("certificate-unreachable")

        service.fetch.answer = down
        message = signing.notification(s3_event("a"))
        assert [post(message).status_code for _ in range(5)] == [503] * 5
        assert len(service.fetch.urls) == 1

        service.fetch.answer = signing.certificate()
        service.clock.seconds += 10

        assert post(message).status_code == 200
        assert len(service.fetch.urls) == 2


@BOTH
class TestSubscription:
    def test_is_confirmed_through_the_api(self, service: FakeService, version: str) -> None:
        response = post(signing.confirmation(), version=version)

        assert (response.status_code, response.content) == (200, b"confirmed")
        assert service.confirmed == [(TOPIC, TOKEN)]
        assert service.fetch.urls == [signing.CERTIFICATE_URL]

    def test_is_confirmed_twice(self, service: FakeService, version: str) -> None:
        statuses = [post(signing.confirmation(), version=version).status_code for _ in range(2)]

        assert statuses == [200, 200]
        assert service.confirmed == [(TOPIC, TOKEN)] * 2

    def test_comes_again_when_the_api_fails(self, service: FakeService, version: str) -> None:
        service.confirm_fault = TemporaryFailure("sns", "ConfirmSubscription", "InternalError")

        response = post(signing.confirmation(), version=version)

        assert (response.status_code, response.content) == (503, b"sns-ConfirmSubscription")
        assert service.confirmed == []

    def test_that_was_ended_is_an_error_and_stays_ended(
        self, service: FakeService, version: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        response = post(signing.confirmation("UnsubscribeConfirmation"), version=version)

        assert (response.status_code, response.content) == (200, b"unsubscribed")
        assert service.did_nothing
        (record,) = own(caplog)
        assert (record.levelname, record.getMessage()) == ("ERROR", "sns.unsubscribed")


class TestEvents:
    def test_hand_each_object_to_the_pipeline(self, service: FakeService) -> None:
        response = post(signing.notification(s3_event("a+b%2Fc%20d", "../../etc/passwd")))

        assert (response.status_code, response.content) == (200, b"done")
        assert service.pipeline.ingested == [
            ObjectRef(bucket="docproc-source", key="a b/c d", version_id="v1"),
            ObjectRef(bucket="docproc-source", key="../../etc/passwd", version_id="v1"),
        ]

    @pytest.mark.parametrize(
        ("text", "counted"),
        [
            (
                '{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"docproc-source"}',
                "ignored:test-event",
            ),
            (s3_event("a", eventName="ObjectRemoved:Delete"), "ignored:other-event"),
            (s3_event("a", eventName="Never:Heard"), "ignored:other-event"),
        ],
    )
    def test_that_create_nothing_are_ignored_and_counted(
        self, service: FakeService, text: str, counted: str
    ) -> None:
        before = metrics.counts().get(("sns.parts", counted), 0)

        response = post(signing.notification(text))

        assert response.status_code == 200
        assert service.did_nothing
        assert metrics.counts()["sns.parts", counted] == before + 1

    @pytest.mark.parametrize(
        ("text", "code"),
        [
            ("not JSON", "message-not-json"),
            ("{}", "message-not-an-event"),
            ('{"Records": []}', "message-not-an-event"),
            ('[{"Records": []}]', "message-not-an-event"),
            (s3_event("a", eventVersion="3.0"), "message-bad-record"),
        ],
    )
    def test_that_name_no_document_are_visible_rejections(
        self, service: FakeService, text: str, code: str
    ) -> None:
        response = post(signing.notification(text))

        assert response.status_code == 200
        ((message_id, reason, body),) = service.pipeline.rejected
        assert (message_id, reason.code, body) == (MESSAGE_ID, code, text.encode())
        assert service.pipeline.ingested == []

    def test_that_cannot_be_rejected_now_come_again(self, service: FakeService) -> None:
        fault = TemporaryFailure("dynamodb", "TransactWriteItems", "ThrottlingException")
        service.pipeline.answers[f"message:{MESSAGE_ID}"] = fault

        response = post(signing.notification("not JSON"))

        assert (response.status_code, response.content) == (503, b"unavailable")

    @pytest.mark.parametrize("bucket", ["docproc-destination", "docproc-source2", "Docproc-source", ""])
    def test_of_another_bucket_are_refused_with_a_warning(
        self, service: FakeService, bucket: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        response = post(signing.notification(s3_event("a", **in_bucket(bucket))))

        assert response.status_code == 200
        assert service.did_nothing
        (record,) = own(caplog)
        assert record.levelname == "WARNING"
        assert "DOCPROC_SOURCE_BUCKET" in vars(record)["hint"]

    def test_with_one_bad_record_have_the_others_done(self, service: FakeService) -> None:
        event = json.loads(s3_event("a", "b", "c"))
        del event["Records"][1]["s3"]["object"]["key"]

        response = post(signing.notification(json.dumps(event)))

        assert response.status_code == 200
        assert [ref.key for ref in service.pipeline.ingested] == ["a", "c"]
        ((_, reason, _),) = service.pipeline.rejected
        assert (reason.code, reason.message) == ("message-bad-record", "Record 2 of 3: key is not a text.")

    def test_with_one_temporary_failure_have_the_others_done_and_come_again(
        self, service: FakeService
    ) -> None:
        service.pipeline.answers["b"] = TemporaryFailure("s3", "GetObject", "SlowDown")

        response = post(signing.notification(s3_event("a", "b", "c")))

        assert (response.status_code, response.content) == (503, b"unavailable")
        assert [ref.key for ref in service.pipeline.ingested] == ["a", "b", "c"]

    def test_with_one_rejected_document_are_done(self, service: FakeService) -> None:
        service.pipeline.answers["b"] = Outcome(
            kind="rejected", source_key="b", version_id="v1", code="no-total"
        )

        response = post(signing.notification(s3_event("a", "b")))

        assert response.status_code == 200


def own(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [record for record in caplog.records if record.name.startswith("api.")]


class TestLog:
    @pytest.fixture(autouse=True)
    def _everything(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)

    def test_is_one_line_with_code_message_and_key(
        self, service: FakeService, caplog: pytest.LogCaptureFixture
    ) -> None:
        service.pipeline.answers["b"] = Outcome(
            kind="rejected", source_key="b", version_id="v1", code="no-total"
        )

        post(signing.notification(s3_event("a", "b")))

        (record,) = own(caplog)
        assert (record.levelname, record.getMessage()) == ("INFO", "sns.accepted")
        facts = vars(record)
        assert (facts["code"], facts["status"], facts["message_id"]) == ("done", 200, MESSAGE_ID)
        assert facts["parts"] == [
            {"outcome": "stored", "key": "a", "code": "", "fault": ""},
            {"outcome": "rejected", "key": "b", "code": "no-total", "fault": ""},
        ]

    @pytest.mark.usefixtures("service")
    def test_of_a_refusal_has_its_code(self, caplog: pytest.LogCaptureFixture) -> None:
        post(signing.notification(TopicArn="arn:aws:sns:us-east-1:999999999999:x"))

        (record,) = own(caplog)
        assert (record.levelname, record.getMessage()) == ("WARNING", "sns.refused")
        assert (vars(record)["code"], vars(record)["message_id"]) == ("topic", MESSAGE_ID)

    @pytest.mark.usefixtures("service")
    def test_of_raw_delivery_names_the_setting(self, caplog: pytest.LogCaptureFixture) -> None:
        send(b'{"Records": []}', {"x-amz-sns-rawdelivery": "true"})

        (record,) = own(caplog)
        assert record.levelname == "WARNING"
        assert "RawMessageDelivery" in vars(record)["hint"]

    @pytest.mark.usefixtures("service")
    def test_of_a_stranger_does_not_repeat_his_words(self, caplog: pytest.LogCaptureFixture) -> None:
        send(b'{"Type": "boo"}', {"x-amz-sns-message-id": 'boo"}{'})

        (record,) = own(caplog)
        assert "boo" not in str(vars(record))

    def test_of_a_fault_says_what_failed(
        self, service: FakeService, caplog: pytest.LogCaptureFixture
    ) -> None:
        service.pipeline.answers["a"] = TemporaryFailure("s3", "GetObject", "AccessDenied", "check the role")

        post(signing.notification(s3_event("a")))

        (record,) = own(caplog)
        assert record.getMessage() == "sns.unavailable"
        (part,) = vars(record)["parts"]
        assert (part["code"], part["fault"]) == (
            "s3-GetObject",
            "s3 GetObject: AccessDenied (check the role)",
        )

    @pytest.mark.parametrize("fault", [None, TemporaryFailure("sns", "ConfirmSubscription", "InternalError")])
    def test_never_has_tokens_urls_or_text(
        self, service: FakeService, caplog: pytest.LogCaptureFixture, fault: TemporaryFailure | None
    ) -> None:
        service.confirm_fault = fault

        post(signing.confirmation())
        post(signing.confirmation(SubscribeURL=f"https://example.com/?Token={TOKEN}"))
        post(signing.confirmation("UnsubscribeConfirmation"))
        post(signing.notification("the secret text"))
        post(signing.notification("the secret text") | {"Message": "the secret text!"})
        post(signing.notification("the secret text", SigningCertURL="https://example.com/x"))

        assert len(own(caplog)) == 6
        everything = "\n".join(str(vars(record)) for record in caplog.records)
        assert not any(word in everything for word in (TOKEN, "https://", "secret"))


class TestCounters:
    @pytest.mark.usefixtures("service")
    def test_count_each_answer_by_its_code(self) -> None:
        before = metrics.counts()

        post(signing.notification(s3_event("a")))
        post(signing.notification(TopicArn="arn:aws:sns:us-east-1:999999999999:x"))
        send(b"", {})

        after = metrics.counts()
        grown = {
            key: number - before.get(key, 0) for key, number in after.items() if number != before.get(key)
        }
        assert grown == {
            ("sns.answers", "done"): 1,
            ("sns.answers", "topic"): 1,
            ("sns.answers", "not-json"): 1,
            ("sns.parts", "stored"): 1,
        }
