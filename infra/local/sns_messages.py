r"""SNS messages as AWS posts them: built, signed for real, with the certificate to prove it. Pure.

The signed text is `Name\nValue\n` of some fields in the order of their names:
https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
"""

import base64
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

CERTIFICATE_NAME = "sns.localhost"
SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": (
        "Message",
        "MessageId",
        "SubscribeURL",
        "Timestamp",
        "Token",
        "TopicArn",
        "Type",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message as it goes over the wire, the same bytes at every attempt."""

    type: str
    message_id: str
    body: bytes
    headers: Mapping[str, str]


class Signer:
    """A key of our own and its certificate, valid for 30 days around `now`."""

    def __init__(self, now: datetime, name: str = CERTIFICATE_NAME) -> None:
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.certificate_path = f"/SimpleNotificationService-{secrets.token_hex(16)}.pem"
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(self._key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=29))
            .sign(self._key, hashes.SHA256())
        )
        self.certificate_pem = certificate.public_bytes(serialization.Encoding.PEM)

    def sign(self, text: str, version: str) -> str:
        """Return the signature in base64; version 1 is SHA-1, version 2 is SHA-256."""
        digest = hashes.SHA1() if version == "1" else hashes.SHA256()  # noqa: S303 - version 1 is SHA-1
        return base64.b64encode(self._key.sign(text.encode(), padding.PKCS1v15(), digest)).decode()


def build(
    fields: Mapping[str, str],
    *,
    signer: Signer,
    version: str,
    base_url: str,
    subscription_arn: str,
) -> Message:
    """Return the signed message; `fields` are those of its type but for what signing adds.

    `base_url` stands for the regional SNS host in the certificate's and the unsubscribe URL.
    """
    kind = fields["Type"]
    text = "".join(f"{name}\n{fields[name]}\n" for name in SIGNED[kind] if name in fields)
    body = {
        **fields,
        "SignatureVersion": version,
        "Signature": signer.sign(text, version),
        "SigningCertURL": base_url + signer.certificate_path,
    }
    headers = {
        "x-amz-sns-message-type": kind,
        "x-amz-sns-message-id": fields["MessageId"],
        "x-amz-sns-topic-arn": fields["TopicArn"],
        "Content-Type": "text/plain; charset=UTF-8",
        "User-Agent": "Amazon Simple Notification Service Agent",
    }
    if kind == "Notification":
        body["UnsubscribeURL"] = f"{base_url}/?Action=Unsubscribe&SubscriptionArn={subscription_arn}"
        headers["x-amz-sns-subscription-arn"] = subscription_arn
    return Message(
        type=kind,
        message_id=fields["MessageId"],
        body=json.dumps(body, indent=2, separators=(",", " : "), ensure_ascii=False).encode(),
        headers=headers,
    )
