"""Genuine messages, damaged in thousands of ways: none passes as another message, none breaks the gate.

Damage hits a byte of a chosen class (the name or the value of each field, structure, white
space) or a field as a whole; the headers follow the damaged body, as an attacker's would.
Damage to what is not signed (white space, UnsubscribeURL, another spelling of the same JSON)
may pass, if the message that comes out is the genuine one in every field.
"""

import json
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from api.certificates import KeyCache
from api.regions import signers_of
from api.s3_event import NotAnEvent, parse
from api.sns import Gate, Refusal, SnsMessage
from tests.support import sns_matrix as matrix
from tests.support import sns_signing as signing
from tests.support.sns_signing import NOW, Clock, Fetch, Message

EVENT = json.dumps(
    {
        "Records": [
            {
                "eventVersion": "2.1",
                "eventName": "ObjectCreated:Put",
                "s3": {
                    "bucket": {"name": "docproc-source"},
                    "object": {"key": "a+b%2Fc.txt", "size": 572, "eTag": "2faf", "sequencer": "0055AE"},
                },
            }
        ]
    }
)
SIGNED = ("Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
UNSIGNED = ("SigningCertURL", "SignatureVersion", "Signature")
ODD = "\n\r\t\0\"\\/ '&=%+\x7f\u0085\u00a0\u00e9\u0130\u0661\u2028\u3002\ufeff\ud800\udc00\U0001d7d9"

Random = random.Random


@dataclass(frozen=True)
class Genuine:
    """A signed message, and its body as pieces: what each is, and its bytes."""

    message: Message
    pieces: tuple[tuple[str, bytes], ...]

    @property
    def classes(self) -> list[str]:
        return sorted({kind for kind, _ in self.pieces})


def genuine(message: Message, version: str) -> Genuine:
    signed = signing.sign(message, version=version)
    pieces = [("structure", b"{")]
    for number, (name, value) in enumerate(signed.items()):
        pieces += [("structure", b",")] if number else []
        pieces += [
            ("space", b"\n  "),
            (f"name of {name}", json.dumps(name).encode()),
            ("structure", b":"),
            ("space", b" "),
            (f"value of {name}", json.dumps(value).encode()),
        ]
    return Genuine(signed, (*pieces, ("space", b"\n"), ("structure", b"}")))


def flip(rng: Random, data: bytes) -> bytes:
    at = rng.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :]


def replace(rng: Random, data: bytes) -> bytes:
    at = rng.randrange(len(data))
    return data[:at] + rng.choice(ODD).encode(errors="surrogatepass") + data[at + 1 :]


def insert(rng: Random, data: bytes) -> bytes:
    at = rng.randrange(len(data) + 1)
    new: str = rng.choice([*ODD, "\\n", "\\u000a", "\\ud800", "0", "a"])
    return data[:at] + new.encode(errors="surrogatepass") + data[at:]


def delete(rng: Random, data: bytes) -> bytes:
    at = rng.randrange(len(data))
    return data[:at] + data[at + rng.randint(1, 3) :]


def double(rng: Random, data: bytes) -> bytes:
    at = rng.randrange(len(data))
    return data[:at] + data[at : at + rng.randint(1, 40)] + data[at:]


def swap_case(rng: Random, data: bytes) -> bytes:
    at = rng.randrange(len(data))
    return data[:at] + data[at : at + 1].swapcase() + data[at + 1 :]


OPERATORS: tuple[Callable[[Random, bytes], bytes], ...] = (flip, replace, insert, delete, double, swap_case)


def damaged_bytes(rng: Random, base: Genuine) -> tuple[str, bytes]:
    """Return what was hit, and the body with one piece of that class damaged."""
    kind = rng.choice(base.classes)
    hit = rng.choice([number for number, piece in enumerate(base.pieces) if piece[0] == kind])
    operator = rng.choice(OPERATORS)
    pieces = [operator(rng, data) if number == hit else data for number, (_, data) in enumerate(base.pieces)]
    return f"{kind}, {operator.__name__}", b"".join(pieces)


def damaged_field(rng: Random, base: Genuine) -> tuple[str, bytes]:
    """Return what was done, and the body with one field exchanged, re-cut, emptied, retyped or taken out."""
    name = rng.choice([name for name in (*SIGNED, *UNSIGNED) if name in base.message])
    value, other = base.message[name], rng.choice(SIGNED)
    how, new = rng.choice(
        [
            ("exchanged", base.message.get(other, "x")),
            ("takes in the next", f"{value}\n{other}\n{base.message.get(other, '')}"),
            ("cut short", value[: rng.randrange(len(value))]),
            ("blank around", rng.choice([" ", "\n", "\t"]) + value),
            ("odd character", value + rng.choice(ODD)),
            ("in a list", [value]),
            ("retyped", rng.choice([None, True, 0, 1.5, {}, [], {"Type": value}])),
            ("taken out", ...),
        ]
    )
    message: dict[str, object] = base.message | {name: new}
    if how == "takes in the next" or rng.random() < 0.2:
        message.pop(other, None)
    text = json.dumps({key: given for key, given in message.items() if given is not ...})
    return f"{name}, {how}", text.encode()


def headers_of(body: bytes, base: Genuine) -> dict[str, str]:
    """Return the headers that fit the damaged body, if it can be read at all."""
    try:
        message = json.loads(body)
    except (ValueError, RecursionError):
        message = None
    return signing.headers(message if isinstance(message, dict) else base.message)


def is_genuine(message: SnsMessage, base: Genuine) -> bool:
    said = {
        "Type": message.type,
        "MessageId": message.message_id,
        "TopicArn": message.topic_arn,
        "Message": message.text,
        "Timestamp": signing.timestamp(message.sent_at),
    }
    if message.type != "Notification":
        said |= {"Token": message.token, "SubscribeURL": message.subscribe_url}
    return said.items() <= base.message.items() and message.signed == signing.signed_string(base.message)


def torture(number: int, seed: int) -> tuple[Counter[str], Counter[str]]:
    """Try so many damaged messages; return how often each class was hit and each answer given."""
    rng = Random(seed)
    gate = Gate(signers=signers_of(matrix.TOPICS), keys=KeyCache(Fetch(), Clock()), allow_sha1=True)
    bases = [
        genuine(message, version)
        for version in ("1", "2")
        for message in (
            signing.notification(EVENT),
            signing.notification(EVENT, Subject=None),
            signing.notification(EVENT, TopicArn=matrix.OTHER_TOPIC),
            signing.confirmation(),
            signing.confirmation("UnsubscribeConfirmation"),
        )
    ]
    tried: Counter[str] = Counter()
    answers: Counter[str] = Counter()
    for _ in range(number):
        base = rng.choice(bases)
        what, body = rng.choice((damaged_bytes, damaged_bytes, damaged_field))(rng, base)
        try:
            message = gate.admit(body, headers_of(body, base), NOW)
        except Refusal as refusal:
            answers[refusal.code] += 1
        else:
            assert is_genuine(message, base), f"false accept, seed {seed}: {what}: {body!r}"
            answers["the genuine message"] += 1
        tried[what.split(",")[0]] += 1
    return tried, answers


def torture_events(number: int, seed: int) -> Counter[str]:
    """Damage the event's text so many times; return how often it was which."""
    rng = Random(seed)
    answers: Counter[str] = Counter()
    for _ in range(number):
        text = rng.choice(OPERATORS)(rng, EVENT.encode()).decode(errors="replace")
        try:
            event = parse(text)
        except NotAnEvent as refusal:
            answers[refusal.code] += 1
        else:
            assert len(event.objects) + len(event.ignored) + len(event.problems) == 1, text
            answers["object" if event.objects else "ignored" if event.ignored else "problem"] += 1
    return answers


def check(tried: Counter[str], answers: Counter[str], number: int) -> None:
    """Make sure that the run was no walkover: every class was hit, and every line of defense met."""
    least = number // 200
    assert all(tried[f"value of {name}"] > least for name in (*SIGNED, *UNSIGNED))
    assert all(tried[f"name of {name}"] > least for name in (*SIGNED, *UNSIGNED))
    assert tried["structure"] > least
    assert tried["space"] > least
    met = {
        "signature",
        "not-json",
        "bad-MessageId",
        "topic",
        "certificate-url",
        "bad-Type",
        "the genuine message",
    }
    assert met <= answers.keys()
    assert sum(tried.values()) == sum(answers.values()) == number


class TestGate:
    def test_takes_no_damaged_message_for_another(self) -> None:
        tried, answers = torture(2400, seed=20261121)

        check(tried, answers, 2400)

    @pytest.mark.slow
    def test_takes_no_damaged_message_for_another_in_the_long_run(self) -> None:
        seed, number = random.SystemRandom().randrange(2**32), 200_000

        tried, answers = torture(number, seed)

        print(f"\n{number} damaged messages, seed {seed}: no false accept, no unhandled exception")
        print("hit:     ", ", ".join(f"{what} {count}" for what, count in tried.most_common()))
        print("answered:", ", ".join(f"{what} {count}" for what, count in answers.most_common()))
        check(tried, answers, number)


class TestS3Event:
    def test_accounts_for_every_damaged_record(self) -> None:
        answers = torture_events(1000, seed=20261121)

        assert {"object", "problem", "message-not-json"} <= answers.keys()

    @pytest.mark.slow
    def test_accounts_for_every_damaged_record_in_the_long_run(self) -> None:
        seed, number = random.SystemRandom().randrange(2**32), 50_000

        answers = torture_events(number, seed)

        print(f"\n{number} damaged events, seed {seed}: {dict(answers)}")
        assert sum(answers.values()) == number
