"""The signature, held against AWS's examples and against botocore's signer."""

from calendar import timegm
from time import strptime
from urllib.parse import quote

import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials, ReadOnlyCredentials
from hypothesis import given
from hypothesis import strategies as st

from api.sigv4 import Scope, signed

# https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
EXAMPLE = ReadOnlyCredentials("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", None)
EXAMPLE_AT = timegm((2013, 5, 24, 0, 0, 0))
HOST = "examplebucket.s3.amazonaws.com"
PUT_HEADERS = {"date": "Fri, 24 May 2013 00:00:00 GMT", "x-amz-storage-class": "REDUCED_REDUNDANCY"}


class TestSignature:
    @pytest.mark.parametrize(
        ("method", "path", "query", "headers", "body", "signature"),
        [
            (
                *("GET", "/test.txt", "", {"range": "bytes=0-9"}, b""),
                "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
            ),
            (
                *("PUT", "/test%24file.text", "", PUT_HEADERS, b"Welcome to Amazon S3."),
                "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
            ),
            (
                *("GET", "/", "lifecycle=", {}, b""),
                "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
            ),
            (
                *("GET", "/", "max-keys=2&prefix=J", {}, b""),
                "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
            ),
        ],
        ids=["get", "put", "lifecycle", "list"],
    )
    def test_is_that_of_the_documentation(
        self, method: str, path: str, query: str, headers: dict[str, str], body: bytes, signature: str
    ) -> None:
        found = signed(
            *(method, path, query, {"host": HOST, **headers}, body),
            scope=Scope("us-east-1", "s3"),
            credentials=EXAMPLE,
            at=EXAMPLE_AT,
        )

        assert found["authorization"].endswith(f"Signature={signature}")
        assert (
            "Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, " in found["authorization"]
        )

    @given(
        key=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40),
        version=st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=20),
        token=st.none() | st.text("abcABC019/+=", min_size=1, max_size=30),
        body=st.binary(max_size=200),
    )
    def test_to_s3_is_botocores(self, key: str, version: str, token: str | None, body: bytes) -> None:
        path = "/bucket/" + quote(key, safe="/~")
        query = f"versionId={quote(version, safe='')}" if version else ""
        headers = {"x-amz-checksum-mode": "ENABLED", "if-match": '"0123"'}
        request = AWSRequest("PUT", f"https://host{path}{'?' if query else ''}{query}", headers, body)
        request.context["payload_signing_enabled"] = True
        S3SigV4Auth(Credentials("ID", "secret", token), "s3", "eu-west-1").add_auth(request)

        assert ours("s3", request, path, query, headers, body, token) == request.headers["Authorization"]

    @given(token=st.none() | st.text("abcABC019/+=", min_size=1, max_size=30), body=st.binary(max_size=200))
    def test_to_dynamodb_is_botocores_but_for_the_hash_that_it_sends_too(
        self, token: str | None, body: bytes
    ) -> None:
        headers = {"x-amz-target": "DynamoDB_20120810.TransactWriteItems", "content-type": "application/json"}
        sent = headers | {"x-amz-content-sha256": signed_hash(body)}
        request = AWSRequest("POST", "https://host/", sent, body)
        SigV4Auth(Credentials("ID", "secret", token), "dynamodb", "eu-west-1").add_auth(request)

        assert ours("dynamodb", request, "/", "", headers, body, token) == request.headers["Authorization"]


def ours(
    service: str,
    request: AWSRequest,
    path: str,
    query: str,
    headers: dict[str, str],
    body: bytes,
    token: str | None,
) -> str:
    """Return our signature of what botocore has signed, at its time."""
    at = timegm(strptime(request.headers["X-Amz-Date"], "%Y%m%dT%H%M%SZ"))
    found = signed(
        *(str(request.method), path, query, {"host": "host", **headers}, body),
        scope=Scope("eu-west-1", service),
        credentials=ReadOnlyCredentials("ID", "secret", token),
        at=at,
    )
    return found["authorization"]


def signed_hash(body: bytes) -> str:
    """Return the hash that goes with the body."""
    given = signed(
        *("POST", "/", "", {"host": "host"}, body),
        scope=Scope("eu-west-1", "dynamodb"),
        credentials=EXAMPLE,
        at=0,
    )
    return given["x-amz-content-sha256"]
