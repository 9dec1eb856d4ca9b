"""What the whole gate costs beside the bare RSA verification: at most three times as much.

One process, one thread, CPU time; the two are measured in turns, so that a busy machine slows both.
Run by hand: `python tests/bench/bench_verify.py`; exits 1 over the limit.
"""

import json
import sys
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import process_time

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA1, SHA256

from api.certificates import KeyCache
from api.regions import signers_of
from api.sns import Gate
from tests.support import sns_signing as signing
from tests.support.sns_signing import NOW, TOPIC, Clock, Fetch

LIMIT = 3.0
ROUNDS, TIMES = 30, 500
# An event as S3 sends it, of 700 bytes.
RECORD = {
    "eventVersion": "2.1",
    "eventSource": "aws:s3",
    "awsRegion": "us-east-1",
    "eventTime": "2026-11-21T11:59:58.762Z",
    "eventName": "ObjectCreated:Put",
    "userIdentity": {"principalId": "AWS:AIDAI4BQDXNYYEOF4QKQA"},
    "requestParameters": {"sourceIPAddress": "192.0.2.7"},
    "responseElements": {"x-amz-request-id": "GT9JC1YSS57PYTZ9", "x-amz-id-2": "tHStzdZk2PBgDB3F" * 5},
    "s3": {
        "s3SchemaVersion": "1.0",
        "configurationId": "docproc",
        "bucket": {"name": "docproc-source", "arn": "arn:aws:s3:::docproc-source"},
        "object": {"key": "inbox/invoice.txt", "size": 572, "eTag": "2fafdc4705f330664733b544dbcabc43"},
    },
}


def cpu_seconds(call: Callable[[], object]) -> float:
    """Return the CPU seconds of one call, over many."""
    began = process_time()
    for _ in range(TIMES):
        call()
    return (process_time() - began) / TIMES


def measure(version: str) -> float:
    """Print both rates and return how many times the bare verification the gate takes."""
    message = signing.sign(signing.notification(json.dumps({"Records": [RECORD]})), version=version)
    body, headers = signing.body(message), signing.headers(message)
    gate = Gate(signers=signers_of([TOPIC]), keys=KeyCache(Fetch(), Clock()), allow_sha1=True)
    key, signature = signing.rsa_key().public_key(), b64decode(message["Signature"])
    signed, padding = signing.signed_string(message), PKCS1v15()
    algorithm = SHA1() if version == "1" else SHA256()  # noqa: S303 - what version 1 is

    bare, whole = [], []
    for _ in range(ROUNDS):
        bare.append(cpu_seconds(lambda: key.verify(signature, signed, padding, algorithm)))
        whole.append(cpu_seconds(lambda: gate.admit(body, headers, NOW)))
    ratio = median(each / other for each, other in zip(whole, bare, strict=True))
    print(
        f"version {version}, {len(body)} bytes: bare {1 / median(bare):,.0f}/s, "
        f"whole gate {1 / median(whole):,.0f}/s, {ratio:.2f} times the bare one"
    )
    return ratio


if __name__ == "__main__":
    worst = max(measure(version) for version in ("1", "2"))
    sys.exit(f"over the limit of {LIMIT} times" if worst > LIMIT else 0)
