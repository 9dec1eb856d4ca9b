import base64
import json
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from infra.local.sns_messages import Message, Signer, build

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
NOTIFICATION = {
    "Type": "Notification",
    "MessageId": "11111111-2222-3333-4444-555555555555",
    "TopicArn": "arn:aws:sns:us-east-1:123456789012:docproc",
    "Message": "two\nlines, one ü",
    "Timestamp": "2026-03-01T12:00:00.000Z",
}


@pytest.fixture(scope="module")
def signer() -> Signer:
    return Signer(NOW)


def built(signer: Signer, fields: dict[str, str], version: str = "2") -> Message:
    return build(
        fields, signer=signer, version=version, base_url="http://127.0.0.1:5000", subscription_arn="arn:sub"
    )


def verify(signer: Signer, body: bytes, text: str, digest: hashes.HashAlgorithm) -> None:
    key = x509.load_pem_x509_certificate(signer.certificate_pem).public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    key.verify(base64.b64decode(json.loads(body)["Signature"]), text.encode(), padding.PKCS1v15(), digest)


class TestBuild:
    @pytest.mark.parametrize(("version", "digest"), [("1", hashes.SHA1()), ("2", hashes.SHA256())])  # noqa: S303
    def test_signs_the_text_that_aws_documents(
        self, signer: Signer, version: str, digest: hashes.HashAlgorithm
    ) -> None:
        message = built(signer, NOTIFICATION, version)

        text = (
            "Message\ntwo\nlines, one ü\n"
            "MessageId\n11111111-2222-3333-4444-555555555555\n"
            "Timestamp\n2026-03-01T12:00:00.000Z\n"
            "TopicArn\narn:aws:sns:us-east-1:123456789012:docproc\n"
            "Type\nNotification\n"
        )
        verify(signer, message.body, text, digest)
        with pytest.raises(InvalidSignature):
            verify(signer, message.body, text.replace("one", "own"), digest)

    def test_signs_the_subject_when_there_is_one(self, signer: Signer) -> None:
        message = built(signer, NOTIFICATION | {"Subject": "Hello"})

        text = (
            "Message\ntwo\nlines, one ü\n"
            "MessageId\n11111111-2222-3333-4444-555555555555\n"
            "Subject\nHello\n"
            "Timestamp\n2026-03-01T12:00:00.000Z\n"
            "TopicArn\narn:aws:sns:us-east-1:123456789012:docproc\n"
            "Type\nNotification\n"
        )
        verify(signer, message.body, text, hashes.SHA256())

    def test_signs_a_confirmation_with_its_token(self, signer: Signer) -> None:
        extra = {
            "Type": "SubscriptionConfirmation",
            "Token": "abc",
            "SubscribeURL": "http://127.0.0.1:5000/?x",
        }

        message = built(signer, NOTIFICATION | extra)

        text = (
            "Message\ntwo\nlines, one ü\n"
            "MessageId\n11111111-2222-3333-4444-555555555555\n"
            "SubscribeURL\nhttp://127.0.0.1:5000/?x\n"
            "Timestamp\n2026-03-01T12:00:00.000Z\n"
            "Token\nabc\n"
            "TopicArn\narn:aws:sns:us-east-1:123456789012:docproc\n"
            "Type\nSubscriptionConfirmation\n"
        )
        verify(signer, message.body, text, hashes.SHA256())
        assert "x-amz-sns-subscription-arn" not in message.headers

    def test_says_where_its_certificate_is(self, signer: Signer) -> None:
        body = json.loads(built(signer, NOTIFICATION).body)

        assert body["SigningCertURL"] == "http://127.0.0.1:5000" + signer.certificate_path
        assert body["UnsubscribeURL"] == "http://127.0.0.1:5000/?Action=Unsubscribe&SubscriptionArn=arn:sub"


class TestSigner:
    def test_names_its_certificate_as_aws_does(self, signer: Signer) -> None:
        certificate = x509.load_pem_x509_certificate(signer.certificate_pem)

        prefix, _, rest = signer.certificate_path.rpartition("-")
        assert prefix == "/SimpleNotificationService"
        assert len(bytes.fromhex(rest.removesuffix(".pem"))) == 16
        assert certificate.not_valid_before_utc == datetime(2026, 2, 28, 12, tzinfo=UTC)
        assert certificate.not_valid_after_utc == datetime(2026, 3, 30, 12, tzinfo=UTC)
