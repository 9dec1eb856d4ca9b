"""What the gate must refuse, and a little of what it must not: one table for two suites.

tests/unit/test_sns.py asks the gate for the code of each row, and
tests/integration/test_sns_endpoint.py asks the real view for the status, and that nothing happened.
"""

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta

from api.sns import CertificateUnavailable
from tests.support import sns_signing as sns
from tests.support.sns_signing import CERTIFICATE_URL, HOST, MESSAGE_ID, NOW, TOPIC, Message

Post = tuple[bytes, dict[str, str]]

OTHER_TOPIC = "arn:aws:sns:us-east-1:123456789012:docproc-second"
CHINA_TOPIC = "arn:aws-cn:sns:cn-north-1:123456789012:docproc"
TOPICS = (TOPIC, OTHER_TOPIC, CHINA_TOPIC)
DIGITS = "0123456789abcdef0123456789abcdef"
FILE = f"SimpleNotificationService-{DIGITS}.pem"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One row: a POST (made for a signature version), what the certificate's host says, the answer."""

    name: str
    make: Callable[[str], Post] = field(repr=False)
    status: int
    code: str = ""
    fetches: int = 0
    host: Callable[[str], bytes] | bytes | None = field(default=None, repr=False)


def post(message: Message) -> Post:
    """Return the POST that SNS would make of the message."""
    return sns.body(message), sns.headers(message)


def signed(message: Message) -> Callable[[str], Post]:
    """Return a maker of the message's POST, signed as it is."""
    return lambda version: post(sns.sign(message, version=version))


def edited(message: Message, **fields: object) -> Callable[[str], Post]:
    """Return a maker of the POST whose body's fields are replaced after signing (... takes one out)."""

    def make(version: str) -> Post:
        genuine = sns.sign(message, version=version)
        changed = {name: value for name, value in (genuine | fields).items() if value is not ...}
        return json.dumps(changed).encode(), sns.headers(genuine)

    return make


def tampered(message: Message, **fields: str | None) -> Callable[[str], Post]:
    """Return a maker of the POST whose fields, and the headers with them, are changed after signing."""

    def make(version: str) -> Post:
        changed = sns.sign(message, version=version) | fields
        return post({name: value for name, value in changed.items() if value is not None})

    return make


def raw(body: bytes) -> Callable[[str], Post]:
    """Return a maker of a POST with that body and a genuine message's headers."""
    return lambda _: (body, sns.headers(sns.notification()))


def _rewritten(change: Callable[[bytes], bytes]) -> Callable[[str], Post]:
    def make(version: str) -> Post:
        message = sns.sign(sns.notification(), version=version)
        return change(sns.body(message)), sns.headers(message)

    return make


def _strong(bits: int) -> Case:
    def make(version: str) -> Post:
        return post(sns.sign(sns.notification(), version=version, key=sns.rsa_key(bits)))

    def host(_: str) -> bytes:  # made when asked for: a large key takes a second
        return sns.certificate(key=sns.rsa_key(bits))

    return Case(name=f"RSA-{bits}", make=make, status=200, fetches=1, host=host)


def _with_headers(**headers: str | None) -> Callable[[str], Post]:
    def make(version: str) -> Post:
        message = sns.sign(sns.notification(), version=version)
        changed = sns.headers(message) | {f"x-amz-sns-{k.replace('_', '-')}": v for k, v in headers.items()}
        return sns.body(message), {name: value for name, value in changed.items() if value is not None}

    return make


def accepted() -> Iterator[Case]:
    """Yield what must pass, or the rest would prove nothing."""
    for name, message in {
        "notification": sns.notification(),
        "without subject": sns.notification(Subject=None),
        "newline in the text": sns.notification("a\nMessageId\nb\n"),
        "text beyond ASCII": sns.notification("₹ 7,650 \U0001f9fe", Subject="Grüße"),
        "unsigned extra field": sns.notification(MessageAttributes="{}"),
        "59 min old": sns.notification(at=NOW - timedelta(minutes=59)),
        "89 min old": sns.notification(at=NOW - timedelta(minutes=89)),
        "90 min old": sns.notification(at=NOW - timedelta(minutes=90)),
        "30 s ahead": sns.notification(at=NOW + timedelta(seconds=30)),
        "5 min ahead": sns.notification(at=NOW + timedelta(minutes=5)),
        "other topic of ours": sns.notification(TopicArn=OTHER_TOPIC),
        "subscription": sns.confirmation(),
        "unsubscription": sns.confirmation("UnsubscribeConfirmation"),
    }.items():
        yield Case(name=name, make=signed(message), status=200, fetches=1)
    yield Case(
        name="every kind of digit in the token",
        make=signed(sns.confirmation(Token="0189abyzABYZ_-")),
        status=200,
        fetches=1,
    )
    for name, certificate in {
        "first second of the certificate": sns.certificate(not_before=NOW),
        "last second of the certificate": sns.certificate(not_after=NOW),
    }.items():
        yield Case(name=name, make=signed(sns.notification()), status=200, fetches=1, host=certificate)
    yield _strong(3072)
    yield _strong(4096)
    yield Case(
        name="China",
        make=signed(
            sns.notification(
                TopicArn=CHINA_TOPIC, SigningCertURL=f"https://sns.cn-north-1.amazonaws.com.cn/{FILE}"
            )
        ),
        status=200,
        fetches=1,
        host=sns.certificate("sns-cn-north-1.amazonaws.com.cn"),
    )


def shape() -> Iterator[Case]:
    """Yield bodies that SNS never sends."""
    bodies = {
        "empty": (b"", "not-json"),
        "blank": (b" \n", "not-json"),
        "not JSON": (b"Type=Notification", "not-json"),
        "bad UTF-8": (b'{"Type": "\xff"}', "not-json"),
        "overlong UTF-8": (b'{"Type": "\xc0\xaf"}', "not-json"),
        "surrogate in UTF-8": (b'{"Type": "\xed\xa0\x80"}', "not-json"),
        "array": (b"[]", "not-an-object"),
        "null": (b"null", "not-an-object"),
        "string": (b'"Notification"', "not-an-object"),
        "number": (b"1", "not-an-object"),
        "true": (b"true", "not-an-object"),
        "empty object": (b"{}", "bad-Type"),
        "deep arrays": (b"[" * 100_000 + b"]" * 100_000, "not-json"),
        "deep objects": (b'{"a":' * 80_000 + b"1" + b"}" * 80_000, "not-json"),
        "deep and open": (b"[" * 500_000, "not-json"),
    }
    for name, (body, code) in bodies.items():
        yield Case(name=name, make=raw(body), status=400, code=code)
    changes: dict[str, Callable[[bytes], bytes]] = {
        "UTF-16": lambda body: body.decode().encode("utf-16"),
        "UTF-16 without BOM": lambda body: body.decode().encode("utf-16-le"),
        "UTF-32": lambda body: body.decode().encode("utf-32"),
        "BOM": lambda body: b"\xef\xbb\xbf" + body,
        "trailing garbage": lambda body: body + b"x",
        "trailing comma": lambda body: body.rstrip(b"}\n") + b",}",
        "two objects": lambda body: body + body,
        "cut off": lambda body: body[:-2],
        "single quotes": lambda body: body.replace(b'"', b"'"),
        "comment": lambda body: b"/* */" + body,
        "NaN": lambda body: b'{"x": NaN,' + body[1:],
        "Infinity": lambda body: b'{"x": -Infinity,' + body[1:],
        "20 digits": lambda body: b'{"x": 12345678901234567890,' + body[1:],
        "5,000 digits": lambda body: b'{"x": ' + b"9" * 5000 + b"," + body[1:],
        "duplicate key, same": lambda body: b'{"Type": "Notification",' + body[1:],
        "duplicate key, other": lambda body: b'{"MessageId": "x",' + body[1:],
        "duplicate key, escaped": lambda body: b'{"\\u0054ype": "Notification",' + body[1:],
        "duplicate key, deep": lambda body: b'{"x": [{"a": 1, "a": 1}],' + body[1:],
        "control character": lambda body: body.replace(b"hello", b"hel\nlo"),
        "lone surrogate in a key": lambda body: b'{"\\udc00": 1,' + body[1:],
        "lone surrogate in an unused field": lambda body: b'{"x": "\\uD83d.",' + body[1:],
    }
    for name, change in changes.items():
        yield Case(name=name, make=_rewritten(change), status=400, code="not-json")


def fields() -> Iterator[Case]:
    """Yield each needed field missing or of another type, or against its grammar."""
    kinds = {"notification": sns.notification(), "confirmation": sns.confirmation()}
    wrong: dict[str, object] = {
        "missing": ...,
        "null": None,
        "int": 7,
        "list": ["x"],
        "bool": True,
        "object": {"x": "y"},
    }
    for kind, message in kinds.items():
        for name in (*message, "SignatureVersion", "Signature"):
            if name == "UnsubscribeURL":
                continue  # neither signed nor used
            for how, value in wrong.items():
                if (name, how) != ("Subject", "missing"):
                    yield Case(
                        name=f"{kind}'s {name} {how}",
                        make=edited(message, **{name: value}),
                        status=400,
                        code=f"bad-{name}",
                    )
    grammar = {
        "Type": (
            "",
            "notification",
            "Notification ",
            " Notification",
            "Notification\n",
            "Unknown",
            "__class__",
        ),
        "SignatureVersion": ("", "0", "3", "01", "1 ", "1\n", "2.0", "\u0661"),
        "MessageId": (
            "",
            "x",
            MESSAGE_ID.upper(),
            MESSAGE_ID.replace("-", ""),
            f"{{{MESSAGE_ID}}}",
            f"{MESSAGE_ID}\n",
            f" {MESSAGE_ID}",
            MESSAGE_ID[:-1],
            f"{MESSAGE_ID}0",
            f"{MESSAGE_ID[:-1]}g",
            f"{MESSAGE_ID[:-1]}\u0663",
        ),
        "Timestamp": (
            "",
            "2026-11-21T12:00:00Z",
            "2026-11-21T12:00:00.00Z",
            "2026-11-21T12:00:00.000000Z",
            "2026-11-21T12:00:00.000+00:00",
            "2026-11-21T12:00:00.000",
            "2026-11-21T12:00:00.000z",
            "2026-11-21 12:00:00.000Z",
            "2026-11-21T12:00:00.000Z\n",
            "2026-11-21T12:00:00,000Z",
            "20261121T120000.000Z",
            "2026-W47-6T12:00:00.000Z",
            "2026-13-01T12:00:00.000Z",
            "2026-02-30T12:00:00.000Z",
            "2026-11-21T24:00:01.000Z",
            "2026-11-21T12:00:60.000Z",
            "0000-11-21T12:00:00.000Z",
            "12026-11-21T12:00:00.000Z",
            "\u0968\u0966\u0968\u096c-11-21T12:00:00.000Z",
            "1795262400000",
        ),
    }
    for name, values in grammar.items():
        for text in values:
            yield Case(
                name=f"{name} {text!r}",
                make=edited(sns.notification(), **{name: text}),
                status=400,
                code=f"bad-{name}",
            )
    for name in ("Message", "Subject", "TopicArn", "SigningCertURL"):
        yield Case(
            name=f"lone surrogate in {name}",
            make=edited(sns.notification(), **{name: "\ud800"}),
            status=400,
            code="not-json",
        )


def signature_shape() -> Iterator[Case]:
    """Yield signatures that no RSA key of SNS can have made, or that are spelled otherwise."""
    genuine = sns.sign(sns.notification())["Signature"]
    digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    respelled = genuine[:-3] + digits[digits.index(genuine[-3]) + 1] + "=="
    spellings = {
        "empty": "",
        "not base64": "!" * 344,
        "beyond ASCII": "é" * 344,
        "one byte short": base64.b64encode(bytes(255)).decode(),
        "one byte long": base64.b64encode(bytes(257)).decode(),
        "128 bytes": base64.b64encode(bytes(128)).decode(),
        "1,024 bytes": base64.b64encode(bytes(1024)).decode(),
        "without padding": genuine.rstrip("="),
        "too much padding": genuine + "=",
        "newline": genuine + "\n",
        "space": " " + genuine,
        "folded": genuine[:76] + "\n" + genuine[76:],
        "URL alphabet": "-_" + genuine[2:],
        "spare bits set": respelled,
    }
    for name, spelling in spellings.items():
        yield Case(
            name=f"Signature {name}",
            make=edited(sns.notification(), Signature=spelling),
            status=400,
            code="bad-Signature",
        )


def recut() -> Iterator[Case]:
    """Yield readings of genuinely signed bytes that SNS did not mean."""
    folded = f"{MESSAGE_ID}\nSubject\nAmazon S3 Notification"
    yield Case(
        name="Subject folded into MessageId",
        make=tampered(sns.notification(), MessageId=folded, Subject=None),
        status=400,
        code="bad-MessageId",
    )
    lines = {
        "Subject": "a\nTimestamp\nb",
        "TopicArn": f"{TOPIC}\n",
        "Timestamp": f"{sns.timestamp(NOW)}\nTopicArn\n{TOPIC}",
        "MessageId": f"{MESSAGE_ID}\n",
    }
    for name, value in lines.items():
        yield Case(
            name=f"newline in {name}, signed so",
            make=signed(sns.notification() | {name: value}),
            status=400,
            code=f"bad-{name}",
        )
    for name, value in {"SubscribeURL": f"{HOST}/\nTimestamp\nx", "Token": "a\nTopicArn\nb"}.items():
        yield Case(
            name=f"newline in {name}, signed so",
            make=signed(sns.confirmation() | {name: value}),
            status=400,
            code=f"bad-{name}",
        )
    for control in ("\r", "\t", "\x00", "\x1f", "\x7f"):
        yield Case(
            name=f"{control!r} in Subject, signed so",
            make=signed(sns.notification(Subject=f"a{control}b")),
            status=400,
            code="bad-Subject",
        )
    for token in ("", "a&x=", "a b", "a%0a", "a+b", "ä", ":", "@", "[", "`", "."):
        yield Case(
            name=f"Token {token!r}, signed so",
            make=signed(sns.confirmation(Token=token)),
            status=400,
            code="bad-Token",
        )


def headers() -> Iterator[Case]:
    """Yield headers that are not the body's."""
    for name in ("message_type", "message_id", "topic_arn"):
        for how, value in {"missing": None, "empty": "", "other": "x"}.items():
            yield Case(
                name=f"header {name} {how}", make=_with_headers(**{name: value}), status=403, code="headers"
            )
    for name, value in {
        "message_id": "165545c9-2a5c-472c-8df2-7ff2be2b3b1c",
        "message_type": "SubscriptionConfirmation",
        "topic_arn": OTHER_TOPIC,
    }.items():
        yield Case(
            name=f"header {name} of another message",
            make=_with_headers(**{name: value}),
            status=403,
            code="headers",
        )
    yield Case(
        name="header twice",
        make=_with_headers(message_id=f"{MESSAGE_ID},{MESSAGE_ID}"),
        status=403,
        code="headers",
    )
    for value in ("true", "false"):
        yield Case(
            name=f"raw delivery {value}",
            make=_with_headers(rawdelivery=value),
            status=403,
            code="raw-delivery",
        )
    yield Case(
        name="raw delivery of a bare event",
        make=lambda _: (b'{"Records": []}', {"x-amz-sns-rawdelivery": "true", "x-amz-sns-topic-arn": TOPIC}),
        status=403,
        code="raw-delivery",
    )


def topics() -> Iterator[Case]:
    """Yield genuine messages of topics that are not ours."""
    for foreign in (
        "arn:aws:sns:us-east-1:999999999999:docproc",
        "arn:aws:sns:eu-west-1:123456789012:docproc",
        f"{TOPIC}-evil",
        TOPIC[:-1],
        f"{TOPIC} ",
        TOPIC.upper(),
        f"{TOPIC}:0fe0bffc-6470-4502-9414-d5e3d9fdd71e",
        "docproc",
        "*",
        f"{TOPIC},{OTHER_TOPIC}",
    ):
        yield Case(
            name=f"topic {foreign!r}",
            make=signed(sns.notification(TopicArn=foreign)),
            status=403,
            code="topic",
        )
        yield Case(
            name=f"subscription to {foreign!r}",
            make=signed(sns.confirmation(TopicArn=foreign)),
            status=403,
            code="topic",
        )

    def only_in_the_header(version: str) -> Post:
        message = sns.sign(sns.notification(TopicArn="arn:aws:sns:us-east-1:999999999999:x"), version=version)
        return sns.body(message), sns.headers(message) | {"x-amz-sns-topic-arn": TOPIC}

    yield Case(name="topic only in the header", make=only_in_the_header, status=403, code="headers")


def ages() -> Iterator[Case]:
    """Yield genuine messages of another time."""
    millisecond = timedelta(milliseconds=1)
    for name, at in {
        "90 min and 1 ms old": NOW - timedelta(minutes=90) - millisecond,
        "a day old": NOW - timedelta(days=1),
        "of the year 1": NOW.replace(year=1),
        "5 min and 1 ms ahead": NOW + timedelta(minutes=5) + millisecond,
        "a day ahead": NOW + timedelta(days=1),
        "of the year 9999": NOW.replace(year=9999),
    }.items():
        stamp = f"{at.year:04d}" + sns.timestamp(at.replace(year=2000))[4:]
        yield Case(name=name, make=signed(sns.notification(Timestamp=stamp)), status=403, code="age")


CERTIFICATE_URLS = {
    "empty": "",
    "other host": f"https://example.com/{FILE}",
    "suffix host": f"https://sns.us-east-1.amazonaws.com.example.com/{FILE}",
    "prefix host": f"https://evil-sns.us-east-1.amazonaws.com/{FILE}",
    "host within host": f"https://sns.us-east-1.amazonaws.com-example.com/{FILE}",
    "http": f"http://sns.us-east-1.amazonaws.com/{FILE}",
    "upper-case scheme": f"HTTPS://sns.us-east-1.amazonaws.com/{FILE}",
    "no scheme": f"//sns.us-east-1.amazonaws.com/{FILE}",
    "file": f"file:///tmp/{FILE}",
    "file with host": f"file://sns.us-east-1.amazonaws.com/{FILE}",
    "data": f"data:application/x-pem-file,{FILE}",
    "ftp": f"ftp://sns.us-east-1.amazonaws.com/{FILE}",
    "userinfo": f"https://sns.us-east-1.amazonaws.com@example.com/{FILE}",
    "userinfo before the host": f"https://user:pass@sns.us-east-1.amazonaws.com/{FILE}",
    "empty userinfo": f"https://@sns.us-east-1.amazonaws.com/{FILE}",
    "backslash at": f"https://example.com\\@sns.us-east-1.amazonaws.com/{FILE}",
    "backslash at, reversed": f"https://sns.us-east-1.amazonaws.com\\@example.com/{FILE}",
    "backslash for slash": f"https://sns.us-east-1.amazonaws.com\\{FILE}",
    "port 443": f"https://sns.us-east-1.amazonaws.com:443/{FILE}",
    "port 80": f"https://sns.us-east-1.amazonaws.com:80/{FILE}",
    "empty port": f"https://sns.us-east-1.amazonaws.com:/{FILE}",
    "query": f"{CERTIFICATE_URL}?x=1",
    "empty query": f"{CERTIFICATE_URL}?",
    "query before": f"https://sns.us-east-1.amazonaws.com/?/{FILE}",
    "fragment": f"{CERTIFICATE_URL}#x",
    "fragment before": f"https://sns.us-east-1.amazonaws.com/#/{FILE}",
    "parameter": f"{CERTIFICATE_URL};x",
    "other region": f"https://sns.eu-west-1.amazonaws.com/{FILE}",
    "unknown region": f"https://sns.xx-nowhere-1.amazonaws.com/{FILE}",
    "no region": f"https://sns.amazonaws.com/{FILE}",
    "China": f"https://sns.us-east-1.amazonaws.com.cn/{FILE}",
    "China's own": f"https://sns.cn-north-1.amazonaws.com.cn/{FILE}",
    "bucket sns, virtual": f"https://sns.s3.amazonaws.com/{FILE}",
    "bucket sns, regional": f"https://sns.s3.us-east-1.amazonaws.com/{FILE}",
    "bucket sns, dashed": f"https://sns.s3-us-east-1.amazonaws.com/{FILE}",
    "bucket sns, dual stack": f"https://sns.s3.dualstack.us-east-1.amazonaws.com/{FILE}",
    "bucket in the path": f"https://s3.us-east-1.amazonaws.com/sns/{FILE}",
    "bucket in the global path": f"https://s3.amazonaws.com/sns/{FILE}",
    "other service": f"https://sqs.us-east-1.amazonaws.com/{FILE}",
    "dots": f"https://sns.us-east-1.amazonaws.com/x/../{FILE}",
    "dot": f"https://sns.us-east-1.amazonaws.com/./{FILE}",
    "two slashes": f"https://sns.us-east-1.amazonaws.com//{FILE}",
    "folder": f"https://sns.us-east-1.amazonaws.com/evil/{FILE}",
    "encoded slash": f"https://sns.us-east-1.amazonaws.com%2F{FILE}",
    "upper-case host": f"https://SNS.us-east-1.amazonaws.com/{FILE}",
    "upper-case hex": f"{HOST}/SimpleNotificationService-{DIGITS.upper()}.pem",
    "upper-case extension": CERTIFICATE_URL[:-4] + ".PEM",
    "other extension": CERTIFICATE_URL[:-4] + ".crt",
    "lower-case name": f"{HOST}/simplenotificationservice-{DIGITS}.pem",
    "trailing dot": f"https://sns.us-east-1.amazonaws.com./{FILE}",
    "newline at the end": f"{CERTIFICATE_URL}\n",
    "newline at the start": f"\n{CERTIFICATE_URL}",
    "newline within": f"https://sns.us-east-1\n.amazonaws.com/{FILE}",
    "return": f"{CERTIFICATE_URL}\r",
    "tab": f"https://sns.us-east-1.amazonaws\t.com/{FILE}",
    "space before": f" {CERTIFICATE_URL}",
    "space after": f"{CERTIFICATE_URL} ",
    "space within": f"https://sns.us-east-1.amazonaws.com /{FILE}",
    "NUL": f"{CERTIFICATE_URL}\x00",
    "percent in the host": f"https://sns%2Eus-east-1.amazonaws.com/{FILE}",
    "Unicode dot": f"https://sns\u3002us-east-1.amazonaws.com/{FILE}",
    "Unicode letter": f"https://\u0455ns.us-east-1.amazonaws.com/{FILE}",
    "Unicode slash": f"https://sns.us-east-1.amazonaws.com\u2044{FILE}",
    "Unicode digit": f"{HOST}/SimpleNotificationService-{DIGITS[:-1]}\u0663.pem",
    "punycode": f"https://xn--ns-hmc.us-east-1.amazonaws.com/{FILE}",
    "loopback": f"https://127.0.0.1/{FILE}",
    "loopback, http": f"http://127.0.0.1:5000/{FILE}",
    "localhost": f"https://localhost/{FILE}",
    "link-local": f"http://169.254.169.254/{FILE}",
    "link-local path": "http://169.254.169.254/latest/meta-data/iam/security-credentials/",
    "loopback, IPv6": f"https://[::1]/{FILE}",
    "broken IPv6": f"https://[::1/{FILE}",
    "broken IPv6, reversed": f"https://::1]/{FILE}",
    "number for a host": f"https://2130706433/{FILE}",
    "short hex": f"{HOST}/SimpleNotificationService-{DIGITS[:-1]}.pem",
    "long hex": f"{HOST}/SimpleNotificationService-{DIGITS}0.pem",
    "no hex": f"{HOST}/SimpleNotificationService-.pem",
    "not hex": f"{HOST}/SimpleNotificationService-{DIGITS[:-1]}g.pem",
    "traversal for hex": f"{HOST}/SimpleNotificationService-{'../' * 10}ab.pem",
    "only a scheme": "https://",
    "only hex": f"{DIGITS}.pem",
    "very long": f"{CERTIFICATE_URL}?" + "a" * 100_000,
}


def certificate_urls() -> Iterator[Case]:
    """Yield genuine messages whose certificate URL (which is not signed) leads elsewhere."""
    for name, url in CERTIFICATE_URLS.items():
        yield Case(
            name=f"certificate URL: {name}",
            make=edited(sns.notification(), SigningCertURL=url),
            status=403,
            code="certificate-url",
        )
    yield Case(
        name="certificate URL: amazonaws.com for China",
        make=signed(sns.notification(TopicArn=CHINA_TOPIC)),
        status=403,
        code="certificate-url",
    )


def certificates() -> Iterator[Case]:
    """Yield genuine signatures under certificates that SNS does not have, and hosts in trouble."""
    genuine = signed(sns.notification())
    day = timedelta(days=1)
    wrong = {
        "wrong name": (sns.certificate("sns.example.com"), "certificate-name"),
        "name of another region": (
            sns.certificate("sns-signing.af-south-1.amazonaws.com"),
            "certificate-name",
        ),
        "name in upper case": (sns.certificate("SNS.amazonaws.com"), "certificate-name"),
        "wildcard name": (sns.certificate("*.amazonaws.com"), "certificate-name"),
        "no name": (sns.certificate(""), "certificate-name"),
        "two names": (
            sns.certificate(second_name="sns.example.com"),
            "certificate-name",
        ),
        "not yet valid": (sns.certificate(not_before=NOW + day), "certificate-validity"),
        "no longer valid": (
            sns.certificate(not_before=NOW - 9 * day, not_after=NOW - day),
            "certificate-validity",
        ),
        "other key": (sns.certificate(key=sns.rsa_key(2048, 1)), "signature"),
        "RSA-1024": (sns.certificate(key=sns.rsa_key(1024)), "certificate-key"),
        "EC": (sns.certificate(key=sns.ec_key()), "certificate-key"),
    }
    for name, (pem, code) in wrong.items():
        yield Case(name=f"certificate: {name}", make=genuine, status=403, code=code, fetches=1, host=pem)

    def down(_: str) -> bytes:
        raise CertificateUnavailable("certificate-unreachable")

    yield Case(
        name="certificate: down",
        make=genuine,
        status=503,
        code="certificate-unreachable",
        fetches=1,
        host=down,
    )
    pem = sns.certificate()
    unreadable = {
        "HTML": b"<!DOCTYPE html><title>503</title>",
        "empty": b"",
        "truncated": pem[: len(pem) // 2],
        "truncated inside": pem[:400] + b"\n-----END CERTIFICATE-----\n",
        "DER": sns.der(pem),
        "a bare key": pem.replace(b"CERTIFICATE", b"PUBLIC KEY"),
        "noise": bytes(range(256)) * 16,
    }
    for name, answer in unreadable.items():
        yield Case(
            name=f"certificate: {name}",
            make=genuine,
            status=503,
            code="certificate-unreadable",
            fetches=1,
            host=answer,
        )


def tampering() -> Iterator[Case]:
    """Yield genuine messages of which one signed field was changed, the headers with it."""
    notified, confirmed = sns.notification(), sns.confirmation()
    changes: list[tuple[Message, dict[str, str | None]]] = [
        (notified, {"Message": "hellO"}),
        (notified, {"Message": "hello\n"}),
        (notified, {"Message": ""}),
        (notified, {"MessageId": "165545c9-2a5c-472c-8df2-7ff2be2b3b1c"}),
        (notified, {"Subject": "Amazon S3 notification"}),
        (notified, {"Subject": None}),
        (sns.notification(Subject=None), {"Subject": "x"}),
        (notified, {"Timestamp": sns.timestamp(NOW + timedelta(milliseconds=1))}),
        (notified, {"TopicArn": OTHER_TOPIC}),
        (notified, {"Type": "UnsubscribeConfirmation", "Token": "x", "SubscribeURL": f"{HOST}/"}),
        (confirmed, {"Message": "x"}),
        (confirmed, {"MessageId": "165545c9-2a5c-472c-8df2-7ff2be2b3b1c"}),
        (confirmed, {"SubscribeURL": f"{HOST}/?Action=ConfirmSubscription"}),
        (confirmed, {"SubscribeURL": "https://example.com/"}),
        (confirmed, {"Timestamp": sns.timestamp(NOW - timedelta(minutes=1))}),
        (confirmed, {"Token": "2336412f37fb687f5d51e6e241d09c805a5a57b30d712f794cc5f6a988666d93"}),
        (confirmed, {"TopicArn": OTHER_TOPIC}),
        (confirmed, {"Type": "UnsubscribeConfirmation"}),
        (confirmed, {"Type": "Notification"}),
    ]
    for message, change in changes:
        yield Case(
            name=f"{message['Type']} with {change}",
            make=tampered(message, **change),
            status=403,
            code="signature",
            fetches=1,
        )
    for name, signature in {
        "of zeros": bytes(256),
        "of another length": bytes(384),
        "over the modulus": b"\xff" * 256,
        "of one": bytes(255) + b"\x01",
    }.items():
        yield Case(
            name=f"signature {name}",
            make=edited(notified, Signature=base64.b64encode(signature).decode()),
            status=403,
            code="signature",
            fetches=1,
        )
    yield Case(
        name="relabelled to the other version",
        make=lambda version: edited(notified, SignatureVersion="21"[int(version) - 1])(version),
        status=403,
        code="signature",
        fetches=1,
    )
    yield Case(
        name="signed by another key",
        make=lambda version: post(sns.sign(notified, version=version, key=sns.rsa_key(2048, 1))),
        status=403,
        code="signature",
        fetches=1,
    )


def subscribe_urls() -> Iterator[Case]:
    """Yield confirmations with a genuine signature whose SubscribeURL leads elsewhere."""
    for url in (
        "https://example.com/?Action=ConfirmSubscription",
        "https://sns.us-east-1.amazonaws.com.example.com/?Action=ConfirmSubscription",
        "https://sns.us-east-1.amazonaws.com@example.com/",
        "http://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription",
        "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription",
        "https://sns.us-east-1.amazonaws.com:443/",
        "https://sns.us-east-1.amazonaws.com",
        "x",
    ):
        for kind in ("SubscriptionConfirmation", "UnsubscribeConfirmation"):
            yield Case(
                name=f"{kind} by {url}",
                make=signed(sns.confirmation(kind, SubscribeURL=url)),
                status=400,
                code="bad-SubscribeURL",
                fetches=1,
            )


REFUSED = (
    *shape(),
    *fields(),
    *signature_shape(),
    *recut(),
    *headers(),
    *topics(),
    *ages(),
    *certificate_urls(),
    *certificates(),
    *tampering(),
    *subscribe_urls(),
)
ACCEPTED = tuple(accepted())
