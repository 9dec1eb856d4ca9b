"""The gate, rule by rule; the table itself is tests/support/sns_matrix.py."""

import base64
import json
from collections.abc import Iterator
from dataclasses import FrozenInstanceError, fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from api import sns
from api.certificates import KeyCache
from api.regions import Signer, signers_of
from tests.support import sns_matrix as matrix
from tests.support import sns_signing as signing
from tests.support.sns_signing import NOW, TOPIC, Clock, Fetch

BOTH = pytest.mark.parametrize("version", ["1", "2"])
KINDS: dict[int, type[sns.Refusal]] = {
    400: sns.BadMessage,
    403: sns.UntrustedMessage,
    503: sns.CertificateUnavailable,
}


def make_gate(fetch: Fetch, topics: tuple[str, ...] = matrix.TOPICS, *, allow_sha1: bool = True) -> sns.Gate:
    return sns.Gate(signers=signers_of(topics), keys=KeyCache(fetch, Clock()), allow_sha1=allow_sha1)


def genuine() -> Iterator[Any]:
    """Yield the messages that AWS signed, when they are beside this checkout."""
    folder = Path(__file__).resolve().parents[3] / "shared" / "sns-vectors"
    for path in sorted(folder.glob("*.json")):
        vector = json.loads(path.read_text())
        if "message" in vector:
            yield pytest.param(vector, id=path.stem)


VECTORS = list(genuine())


@BOTH
class TestAdmit:
    @pytest.mark.parametrize("case", matrix.ACCEPTED, ids=lambda case: case.name)
    def test_lets_in(self, case: matrix.Case, version: str) -> None:
        fetch = Fetch(case.host)
        body, headers = case.make(version)

        message = make_gate(fetch).admit(body, headers, NOW)

        assert message.message_id == signing.MESSAGE_ID
        assert message.text == json.loads(body)["Message"]
        assert len(fetch.urls) == case.fetches

    @pytest.mark.parametrize("case", matrix.REFUSED, ids=lambda case: case.name)
    def test_refuses(self, case: matrix.Case, version: str) -> None:
        fetch = Fetch(case.host)
        body, headers = case.make(version)

        with pytest.raises(KINDS[case.status]) as refusal:
            make_gate(fetch).admit(body, headers, NOW)

        assert (refusal.value.code, str(refusal.value)) == (case.code, case.code)
        assert len(fetch.urls) == case.fetches

    def test_refuses_everything_without_topics(self, version: str) -> None:
        fetch = Fetch()
        body, headers = matrix.signed(signing.notification())(version)

        with pytest.raises(sns.UntrustedMessage) as refusal:
            make_gate(fetch, topics=()).admit(body, headers, NOW)

        assert refusal.value.code == "topic"
        assert fetch.urls == []


class TestSignatureVersion:
    def test_1_is_refused_unless_allowed_and_nothing_is_fetched(self) -> None:
        fetch = Fetch()
        body, headers = matrix.signed(signing.notification())("1")

        with pytest.raises(sns.UntrustedMessage) as refusal:
            make_gate(fetch, allow_sha1=False).admit(body, headers, NOW)

        assert refusal.value.code == "signature-version"
        assert fetch.urls == []

    def test_2_needs_no_setting(self) -> None:
        body, headers = matrix.signed(signing.notification())("2")

        message = make_gate(Fetch(), allow_sha1=False).admit(body, headers, NOW)

        assert message.signature_version == "2"

    def test_is_allowed_to_be_2_only_by_default(self) -> None:
        gate = sns.Gate(signers={}, keys=KeyCache(Fetch(), Clock()))

        assert gate.allow_sha1 is False


class TestMessage:
    def test_of_a_notification_has_its_fields(self) -> None:
        at = datetime(2026, 11, 21, 11, 59, 58, 123000, tzinfo=UTC)
        body, headers = matrix.signed(signing.notification("₹", at=at))("2")

        message = make_gate(Fetch()).admit(body, headers, NOW)

        assert message.type == "Notification"
        assert message.topic_arn == "arn:aws:sns:us-east-1:123456789012:docproc"
        assert message.sent_at == at
        assert message.text == "₹"
        assert message.token == ""
        assert message.subscribe_url == ""

    def test_of_a_confirmation_has_its_token(self) -> None:
        body, headers = matrix.signed(signing.confirmation())("2")

        message = make_gate(Fetch()).admit(body, headers, NOW)

        assert message.type == "SubscriptionConfirmation"
        assert message.token == signing.TOKEN

    def test_cannot_be_changed(self) -> None:
        gate = make_gate(Fetch())
        message = gate.admit(*matrix.signed(signing.notification())("2"), NOW)
        key = gate.keys.get(signing.CERTIFICATE_URL, signing.CERTIFICATE_NAME)

        for value in (message, gate, key):
            with pytest.raises(FrozenInstanceError):
                setattr(value, fields(value)[0].name, "x")

    def test_does_not_show_secrets_or_text(self) -> None:
        body, headers = matrix.signed(signing.confirmation(Message="the text"))("2")

        shown = repr(make_gate(Fetch()).admit(body, headers, NOW))

        assert signing.MESSAGE_ID in shown
        assert not any(
            secret in shown for secret in (signing.TOKEN, "https://", "the text", "signature=", "signed=")
        )


class TestLocalSigner:
    """Embedded AWS signs with a key of its own, by the same rule."""

    LOCAL = Signer("http://127.0.0.1:5000/_aws/sns", "local.test")

    def admit(self, message: signing.Message) -> tuple[sns.SnsMessage, list[str]]:
        fetch = Fetch(signing.certificate("local.test"))
        gate = sns.Gate(signers=signers_of([TOPIC], self.LOCAL), keys=KeyCache(fetch, Clock()))
        return gate.admit(*matrix.post(signing.sign(message)), NOW), fetch.urls

    def test_is_fetched_below_its_base_url(self) -> None:
        url = f"http://127.0.0.1:5000/_aws/sns/{matrix.FILE}"

        _, urls = self.admit(signing.notification(SigningCertURL=url))

        assert urls == [
            "http://127.0.0.1:5000/_aws/sns/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem"
        ]

    @pytest.mark.parametrize(
        "url",
        [
            signing.CERTIFICATE_URL,
            f"http://127.0.0.1:5000/{matrix.FILE}",
            f"http://127.0.0.1:5001/_aws/sns/{matrix.FILE}",
            f"http://127.0.0.1:5000/_aws/sns/../sns/{matrix.FILE}",
        ],
    )
    def test_replaces_aws_and_nothing_else(self, url: str) -> None:
        with pytest.raises(sns.UntrustedMessage) as refusal:
            self.admit(signing.notification(SigningCertURL=url))

        assert refusal.value.code == "certificate-url"

    def test_may_have_its_subscribe_url_anywhere_on_its_host(self) -> None:
        message, _ = self.admit(
            signing.confirmation(
                SigningCertURL=f"http://127.0.0.1:5000/_aws/sns/{matrix.FILE}",
                SubscribeURL="http://127.0.0.1:5000/?Action=ConfirmSubscription",
            )
        )

        assert message.token == signing.TOKEN

    def test_may_have_no_subscribe_url_on_another_port(self) -> None:
        with pytest.raises(sns.BadMessage) as refusal:
            self.admit(
                signing.confirmation(
                    SigningCertURL=f"http://127.0.0.1:5000/_aws/sns/{matrix.FILE}",
                    SubscribeURL="http://127.0.0.1:50000/?Action=ConfirmSubscription",
                )
            )

        assert refusal.value.code == "bad-SubscribeURL"


class TestRecut:
    def test_of_the_matrix_is_covered_by_the_genuine_signature(self) -> None:
        """Otherwise the row would be refused for its signature and prove nothing."""
        case = next(case for case in matrix.REFUSED if case.name == "Subject folded into MessageId")

        changed = json.loads(case.make("2")[0])

        assert signing.signed_string(changed) == signing.signed_string(signing.notification())


@pytest.mark.skipif(not VECTORS, reason="the folder of genuine messages is not beside this checkout")
@pytest.mark.parametrize("vector", VECTORS)
class TestGenuine:
    """Messages that AWS signed, with the certificates that AWS served."""

    def admit(self, vector: dict[str, Any], message: dict[str, Any]) -> tuple[sns.SnsMessage, list[str]]:
        fetch = Fetch(vector["cert_pem"].encode())
        gate = make_gate(fetch, topics=(vector["message"]["TopicArn"],))
        sent_at = datetime.fromisoformat(vector["message"]["Timestamp"])
        return (
            gate.admit(
                json.dumps(message).encode(), signing.headers(message), sent_at + timedelta(seconds=2)
            ),
            fetch.urls,
        )

    def test_verifies_unless_its_key_is_weak(self, vector: dict[str, Any]) -> None:
        if vector["rsa_bits"] < 2048:
            with pytest.raises(sns.BadMessage) as refusal:
                self.admit(vector, vector["message"])
            assert refusal.value.code == "bad-Signature"
            return

        message, urls = self.admit(vector, vector["message"])

        assert message.message_id == vector["message"]["MessageId"]
        assert message.text == vector["message"]["Message"]
        assert urls == [vector["message"]["SigningCertURL"]]

    def test_is_refused_with_its_subject_folded_into_its_message_id(self, vector: dict[str, Any]) -> None:
        message = vector["message"]
        if "Subject" not in message:
            pytest.skip("it has no subject to fold")
        folded = {name: value for name, value in message.items() if name != "Subject"}
        folded["MessageId"] += f"\nSubject\n{message['Subject']}"
        assert signing.signed_string(folded) == signing.signed_string(message)

        with pytest.raises(sns.BadMessage) as refusal:
            self.admit(vector, folded)

        assert refusal.value.code == "bad-MessageId"

    def test_is_refused_when_one_character_is_changed(self, vector: dict[str, Any]) -> None:
        if vector["rsa_bits"] < 2048:
            pytest.skip("it is refused anyhow")

        with pytest.raises(sns.UntrustedMessage) as refusal:
            self.admit(vector, vector["message"] | {"Message": vector["message"]["Message"] + "."})

        assert refusal.value.code == "signature"


GATE_FETCH = Fetch()
GATE = make_gate(GATE_FETCH)


def refusal_of(message: dict[str, Any], now: datetime = NOW) -> str:
    """Return the code for which the message is refused, empty when it is let in."""
    try:
        GATE.admit(json.dumps(message).encode(), signing.headers(message), now)
    except sns.Refusal as refusal:
        return refusal.code
    return ""


@given(body=st.binary(max_size=200))
def test_any_bytes_are_refused_as_bad(body: bytes) -> None:
    with pytest.raises(sns.BadMessage):
        sns.parse(body)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists))
def test_any_json_but_an_object_is_refused_as_bad(value: object) -> None:
    with pytest.raises(sns.BadMessage):
        sns.parse(json.dumps(value).encode())


@given(
    name=st.sampled_from([*signing.sign(signing.notification())]),
    value=st.none() | st.integers(-(10**18), 10**18) | st.booleans() | st.lists(st.text()),
)
def test_a_needed_field_of_another_type_is_refused_as_bad(name: str, value: object) -> None:
    assume(name != "UnsubscribeURL")
    message = signing.sign(signing.notification()) | {name: value}

    assert refusal_of(message) == f"bad-{name}"


@given(text=st.text())
def test_any_text_is_let_in_when_it_is_signed(text: str) -> None:
    assert refusal_of(signing.sign(signing.notification(text))) == ""


@given(subject=st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1))
def test_any_subject_in_one_line_is_let_in_when_it_is_signed(subject: str) -> None:
    assert refusal_of(signing.sign(signing.notification(Subject=subject))) == ""


@given(
    field=st.sampled_from(["MessageId", "Subject", "Timestamp", "TopicArn"]),
    before=st.text(st.characters(exclude_categories=["Cs"])),
    after=st.text(st.characters(exclude_categories=["Cs"])),
)
def test_a_newline_in_a_signed_field_is_refused_though_it_is_signed(
    field: str, before: str, after: str
) -> None:
    message = signing.sign(signing.notification() | {field: f"{before}\n{after}"})

    assert refusal_of(message) == f"bad-{field}"


@given(message_id=st.text(max_size=40))
def test_a_message_id_that_is_no_uuid_is_refused(message_id: str) -> None:
    assume(message_id != signing.MESSAGE_ID)

    assert refusal_of(signing.sign(signing.notification() | {"MessageId": message_id})) == "bad-MessageId"


@given(message_id=st.uuids())
def test_a_message_id_that_is_a_uuid_is_let_in(message_id: object) -> None:
    assert refusal_of(signing.sign(signing.notification(MessageId=str(message_id)))) == ""


@given(
    topic=st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1)
    | st.sampled_from(matrix.TOPICS).map(lambda arn: arn + "x")
)
def test_a_topic_that_is_not_ours_is_refused_before_a_fetch(topic: str) -> None:
    fetched = len(GATE_FETCH.urls)

    assert refusal_of(signing.sign(signing.notification(TopicArn=topic))) == "topic"
    assert len(GATE_FETCH.urls) == fetched


@given(milliseconds=st.integers(-10_000_000, 10_000_000))
def test_the_age_decides_and_nothing_else(milliseconds: int) -> None:
    message = signing.sign(signing.notification(at=NOW - timedelta(milliseconds=milliseconds)))

    # An hour and a half is 5,400,000 ms, five minutes are 300,000 ms.
    assert refusal_of(message) == ("" if -300_000 <= milliseconds <= 5_400_000 else "age")


@given(
    url=st.text()
    | st.text(max_size=5).map(lambda text: signing.CERTIFICATE_URL + text)
    | st.text(max_size=5).map(lambda text: text + signing.CERTIFICATE_URL)
)
def test_another_certificate_url_is_refused_before_a_fetch(url: str) -> None:
    assume(url != signing.CERTIFICATE_URL)
    fetched = len(GATE_FETCH.urls)

    assert refusal_of(signing.sign(signing.notification()) | {"SigningCertURL": url}) == "certificate-url"
    assert len(GATE_FETCH.urls) == fetched


@given(digits=st.text("0123456789abcdef", min_size=32, max_size=32))
def test_any_certificate_of_the_signers_own_is_asked_for_by_its_url(digits: str) -> None:
    url = f"https://sns.us-east-1.amazonaws.com/SimpleNotificationService-{digits}.pem"
    fetch = Fetch()
    message = signing.sign(signing.notification(SigningCertURL=url))

    make_gate(fetch).admit(*matrix.post(message), NOW)

    assert fetch.urls == [url]


@given(signature=st.binary(min_size=256, max_size=256))
def test_any_other_signature_is_refused(signature: bytes) -> None:
    message = signing.sign(signing.notification()) | {"Signature": base64.b64encode(signature).decode()}

    assert refusal_of(message) == "signature"
