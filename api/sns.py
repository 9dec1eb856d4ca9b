"""The gate: a POST's bytes and headers in, a message that SNS signed for one of our topics out. Pure.

Cheap checks come first, and nothing is fetched before the topic is known to be ours.
The format: https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html
What is signed: https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
"""

import re
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256

from api import strict_json
from api.regions import Signer

# SNS tries for an hour, and each of its 50 attempts may take another 15 s.
MAX_AGE = timedelta(hours=1, minutes=30)
MAX_AHEAD = timedelta(minutes=5)

_CONFIRMATION = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
_SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": _CONFIRMATION,
    "UnsubscribeConfirmation": _CONFIRMATION,
}
# Signed is `Name\nValue\n…` without any escaping: a newline in a value, were it allowed anywhere
# but in the first one (Message), would let one genuine signature cover several readings.
_LINE = r"[^\x00-\x1f\x7f]+"
MESSAGE_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_GRAMMAR = {
    "MessageId": MESSAGE_ID,
    "Subject": re.compile(_LINE),
    "SubscribeURL": re.compile(_LINE),
    "Timestamp": re.compile(r"[0-9]{4}(-[0-9]{2}){2}T[0-9]{2}(:[0-9]{2}){2}\.[0-9]{3}Z"),
    "Token": re.compile(r"[0-9A-Za-z_-]+"),
    "TopicArn": re.compile(_LINE),
    "SignatureVersion": re.compile(r"[12]"),
    # RSA of 2048, 3072 or 4096 bits: 256, 384 or 512 bytes.
    "Signature": re.compile(r"[0-9A-Za-z+/]{342}==|[0-9A-Za-z+/]{512}|[0-9A-Za-z+/]{683}="),
}
_HASHES = {"1": SHA1(), "2": SHA256()}  # noqa: S303 - version 1 means SHA-1, and a setting allows it
_PADDING = PKCS1v15()


class Refusal(Exception):  # noqa: N818 - its kinds name what is wrong
    """A message is not let in; `code` says which rule it breaks, the kind what that means."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class BadMessage(Refusal):
    """SNS never sends this."""


class UntrustedMessage(Refusal):
    """Nothing proves that SNS sent this for one of our topics, lately."""


class CertificateUnavailable(Refusal):
    """The signing certificate cannot be had now, so the message cannot be judged now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SnsMessage:
    """One message as SNS posts it. `text` is its field Message; only confirmations have a token and a URL."""

    type: str
    message_id: str
    topic_arn: str
    sent_at: datetime
    text: str = field(repr=False)
    token: str = field(repr=False)
    subscribe_url: str = field(repr=False)
    certificate_url: str = field(repr=False)
    signature_version: str
    signature: bytes = field(repr=False)
    signed: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """The public key of a certificate that bears the expected name, and when that is valid."""

    public_key: RSAPublicKey
    not_before: datetime
    not_after: datetime


class PublicKeys(Protocol):
    """Where the gate gets its keys."""

    def get(self, url: str, certificate_name: str) -> SigningKey:
        """Return the key; raise UntrustedMessage for a wrong certificate, or CertificateUnavailable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """Lets in what the topics' own signers signed; `signers` is the allow-list of topics."""

    signers: Mapping[str, Signer]
    keys: PublicKeys
    allow_sha1: bool = False

    def admit(self, body: bytes, headers: Mapping[str, str], now: datetime) -> SnsMessage:
        """Return the verified message. Headers are looked up by their lower-case names.

        Raises BadMessage, UntrustedMessage or CertificateUnavailable.
        """
        if "x-amz-sns-rawdelivery" in headers:  # the body is a bare event, without a signature
            raise UntrustedMessage("raw-delivery")
        message = parse(body)
        _compare_headers(message, headers)
        signer = self.signers.get(message.topic_arn)
        if signer is None:
            raise UntrustedMessage("topic")
        if not -MAX_AHEAD <= now - message.sent_at <= MAX_AGE:
            raise UntrustedMessage("age")
        if message.signature_version == "1" and not self.allow_sha1:
            raise UntrustedMessage("signature-version")
        key = self.keys.get(_certificate_url(message, signer), signer.certificate_name)
        _verify(message, key)
        if message.type != "Notification" and not message.subscribe_url.startswith(signer.origin):
            raise BadMessage("bad-SubscribeURL")
        return message


def parse(body: bytes) -> SnsMessage:
    """Return the message that the bytes are, not yet verified. Raises BadMessage."""
    envelope = _envelope(body)
    names = _SIGNED.get(_read(envelope, "Type"))
    if names is None:
        raise BadMessage("bad-Type")
    fields = {name: _read(envelope, name) for name in names if name != "Subject" or name in envelope}
    return SnsMessage(
        type=fields["Type"],
        message_id=fields["MessageId"],
        topic_arn=fields["TopicArn"],
        sent_at=_instant(fields["Timestamp"]),
        text=fields["Message"],
        token=fields.get("Token", ""),
        subscribe_url=fields.get("SubscribeURL", ""),
        certificate_url=_read(envelope, "SigningCertURL"),
        signature_version=_read(envelope, "SignatureVersion"),
        signature=_signature(_read(envelope, "Signature")),
        signed="".join(f"{name}\n{value}\n" for name, value in fields.items()).encode(),
    )


def _envelope(body: bytes) -> dict[str, object]:
    try:
        envelope = strict_json.loads(body)
    except strict_json.NotStrictJson as error:
        raise BadMessage("not-json") from error
    if not isinstance(envelope, dict):
        raise BadMessage("not-an-object")
    return envelope


def _read(envelope: dict[str, object], name: str) -> str:
    value = envelope.get(name)
    grammar = _GRAMMAR.get(name)
    if not isinstance(value, str) or (grammar and not grammar.fullmatch(value)):
        raise BadMessage(f"bad-{name}")
    return value


def _instant(timestamp: str) -> datetime:
    try:
        return datetime.fromisoformat(timestamp)
    except ValueError as error:  # the 30th of February
        raise BadMessage("bad-Timestamp") from error


def _signature(text: str) -> bytes:
    signature = b64decode(text)
    # The last digit has bits to spare: only one of its spellings is the signature's.
    if b64encode(signature) != text.encode():
        raise BadMessage("bad-Signature")
    return signature


def _compare_headers(message: SnsMessage, headers: Mapping[str, str]) -> None:
    said = tuple(headers.get(f"x-amz-sns-{name}") for name in ("message-type", "message-id", "topic-arn"))
    if said != (message.type, message.message_id, message.topic_arn):
        raise UntrustedMessage("headers")


def _certificate_url(message: SnsMessage, signer: Signer) -> str:
    """Return the URL, rebuilt from what we know; of the message's own only 32 digits are believed."""
    digits = message.certificate_url[-36:-4]
    url = f"{signer.base_url}/SimpleNotificationService-{digits}.pem"
    if not re.fullmatch(r"[0-9a-f]{32}", digits) or url != message.certificate_url:
        raise UntrustedMessage("certificate-url")
    return url


def _verify(message: SnsMessage, key: SigningKey) -> None:
    if not key.not_before <= message.sent_at <= key.not_after:
        raise UntrustedMessage("certificate-validity")
    try:
        key.public_key.verify(message.signature, message.signed, _PADDING, _HASHES[message.signature_version])
    except InvalidSignature as error:
        raise UntrustedMessage("signature") from error
