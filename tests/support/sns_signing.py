"""Plays SNS for the tests: throw-away keys, certificates, signed messages.

Written from the format's documentation and not from api.sns, so that the two can disagree:
https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
"""

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID

NOW = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)
TOPIC = "arn:aws:sns:us-east-1:123456789012:docproc"
HOST = "https://sns.us-east-1.amazonaws.com"
CERTIFICATE_URL = f"{HOST}/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem"
CERTIFICATE_NAME = "sns.amazonaws.com"
MESSAGE_ID = "165545c9-2a5c-472c-8df2-7ff2be2b3b1b"
TOKEN = "2336412f37fb687f5d51e6e241d09c805a5a57b30d712f794cc5f6a988666d92"

Message = dict[str, str]
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@cache
def rsa_key(bits: int = 2048, number: int = 0) -> rsa.RSAPrivateKey:
    """Return a throw-away key, the same for the same arguments."""
    del number  # tells keys of one size apart, through the cache
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


@cache
def ec_key() -> ec.EllipticCurvePrivateKey:
    """Return a throw-away key on a curve, as SNS never has."""
    return ec.generate_private_key(ec.SECP256R1())


@cache
def certificate(
    name: str = CERTIFICATE_NAME,
    key: PrivateKey | None = None,
    *,
    not_before: datetime = NOW - timedelta(days=100),
    not_after: datetime = NOW + timedelta(days=265),
    second_name: str = "",
) -> bytes:
    """Return a self-signed certificate in PEM."""
    key = key or rsa_key()
    names = [x509.NameAttribute(NameOID.COMMON_NAME, text) for text in (name, second_name) if text]
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name(names))
        .issuer_name(x509.Name(names))
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(not_before)
        .not_valid_after(not_after)
    )
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def der(pem_text: bytes) -> bytes:
    """Return the bytes inside the armor."""
    return base64.b64decode(b"".join(pem_text.splitlines()[1:-1]))


def pem(der_bytes: bytes) -> bytes:
    """Return the bytes in a certificate's armor."""
    armor = b"-----%s CERTIFICATE-----\n"
    return armor % b"BEGIN" + base64.encodebytes(der_bytes) + armor % b"END"


def timestamp(at: datetime) -> str:
    """Return the time as SNS writes it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def notification(text: str = "hello", *, at: datetime = NOW, **fields: str | None) -> Message:
    """Return an unsigned Notification; keywords replace or add fields, None takes one out."""
    message: dict[str, str] = {
        "Type": "Notification",
        "MessageId": MESSAGE_ID,
        "TopicArn": TOPIC,
        "Subject": "Amazon S3 Notification",
        "Message": text,
        "Timestamp": timestamp(at),
        "SigningCertURL": CERTIFICATE_URL,
        "UnsubscribeURL": f"{HOST}/?Action=Unsubscribe&SubscriptionArn={TOPIC}:0fe0bffc",
    }
    return _with(message, fields)


def confirmation(
    kind: str = "SubscriptionConfirmation", *, at: datetime = NOW, **fields: str | None
) -> Message:
    """Return an unsigned confirmation of one of the two kinds."""
    message: dict[str, str] = {
        "Type": kind,
        "MessageId": MESSAGE_ID,
        "Token": TOKEN,
        "TopicArn": TOPIC,
        "Message": f"You have chosen to subscribe to the topic {TOPIC}.\nTo confirm, visit the SubscribeURL.",
        "SubscribeURL": f"{HOST}/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token={TOKEN}",
        "Timestamp": timestamp(at),
        "SigningCertURL": CERTIFICATE_URL,
    }
    return _with(message, fields)


def signed_string(message: Message) -> bytes:
    """Return what SNS signs of a message."""
    if message["Type"] == "Notification":
        names = ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"]
    else:
        names = ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
    lines = [line for name in names if name in message for line in (name, message[name])]
    return ("\n".join(lines) + "\n").encode()


def sign(message: Message, *, version: str = "2", key: rsa.RSAPrivateKey | None = None) -> Message:
    """Return the message with a genuine signature of that version."""
    algorithm = {"1": hashes.SHA1(), "2": hashes.SHA256()}[version]  # noqa: S303 - SNS's version 1
    signature = (key or rsa_key()).sign(signed_string(message), padding.PKCS1v15(), algorithm)
    return message | {"SignatureVersion": version, "Signature": base64.b64encode(signature).decode()}


def body(message: Message) -> bytes:
    """Return the message as the POST's body."""
    return json.dumps(message, indent=2).encode()


def headers(message: Message) -> dict[str, str]:
    """Return the headers that SNS sends with the message."""
    return {
        "x-amz-sns-message-type": str(message.get("Type")),
        "x-amz-sns-message-id": str(message.get("MessageId")),
        "x-amz-sns-topic-arn": str(message.get("TopicArn")),
    }


class Fetch:
    """Stands for the network: answers URLs from a table and remembers each request."""

    def __init__(self, answer: Callable[[str], bytes] | bytes | None = None) -> None:
        self.answer = certificate() if answer is None else answer
        self.urls: list[str] = []

    def __call__(self, url: str) -> bytes:
        self.urls.append(url)
        return self.answer(url) if callable(self.answer) else self.answer


class Clock:
    """A clock that only a test moves; counts seconds."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


def _with(message: Message, fields: dict[str, str | None]) -> Message:
    return {name: value for name, value in (message | fields).items() if value is not None}
