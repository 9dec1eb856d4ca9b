"""Embedded AWS takes a browser's form as S3 does: what the policy allows, and nothing else."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
import requests
from botocore.config import Config

from infra.local.credentials import PLACEHOLDERS
from infra.local.embedded_aws import EmbeddedAws

TEXT = b"Inv-ID: 1\n"


@pytest.fixture(scope="module")
def aws() -> Iterator[EmbeddedAws]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
            patch.setenv(name, "embedded")
        with EmbeddedAws() as made:
            made.client("s3").create_bucket(Bucket="docproc-source")
            yield made


def form(aws: EmbeddedAws, seconds: int = 60, redirect: str = "") -> tuple[str, dict[str, str]]:
    """Return a signed form for up to 100 bytes under in/."""
    client: Any = boto3.client(
        "s3",
        endpoint_url=aws.endpoint_url,
        region_name="us-east-1",
        aws_access_key_id=PLACEHOLDERS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=PLACEHOLDERS["AWS_SECRET_ACCESS_KEY"],
        config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
    )
    fields = {"success_action_redirect": redirect} if redirect else {}
    signed = client.generate_presigned_post(
        Bucket="docproc-source",
        Key="in/${filename}",
        Fields=dict(fields),
        Conditions=[["content-length-range", 1, 100], *({name: value} for name, value in fields.items())],
        ExpiresIn=seconds,
    )
    return signed["url"], signed["fields"]


def post(url: str, fields: dict[str, str], data: bytes = TEXT, name: str = "a b.txt") -> requests.Response:
    return requests.post(
        url, data=fields, files={"file": (name, data)}, allow_redirects=False, timeout=5, proxies={"http": ""}
    )


def keys(aws: EmbeddedAws) -> dict[str, bytes]:
    s3 = aws.client("s3")
    found = s3.list_objects_v2(Bucket="docproc-source").get("Contents", [])
    return {
        each["Key"]: s3.get_object(Bucket="docproc-source", Key=each["Key"])["Body"].read() for each in found
    }


@pytest.fixture(autouse=True)
def empty(aws: EmbeddedAws) -> None:
    for key in keys(aws):
        aws.client("s3").delete_object(Bucket="docproc-source", Key=key)


class TestFormUpload:
    def test_puts_the_file_under_its_own_name(self, aws: EmbeddedAws) -> None:
        answer = post(*form(aws))

        assert answer.status_code == 204
        assert keys(aws) == {"in/a b.txt": TEXT}

    def test_leads_back_with_key_and_bucket(self, aws: EmbeddedAws) -> None:
        answer = post(*form(aws, redirect="http://127.0.0.1:8000/upload?batch=1"))

        assert answer.status_code == 303
        assert answer.headers["Location"].startswith(
            "http://127.0.0.1:8000/upload?batch=1&bucket=docproc-source&key=in%2Fa+b.txt&etag="
        )

    def test_takes_a_text_field_for_a_file(self, aws: EmbeddedAws) -> None:
        url, fields = form(aws)
        parts = {name: (None, value) for name, value in (fields | {"file": "pasted"}).items()}

        answer = requests.post(url, files=parts, timeout=5, proxies={"http": ""})

        assert answer.status_code == 204
        assert keys(aws) == {"in/": b"pasted"}

    @pytest.mark.parametrize(
        ("change", "status", "code"),
        [
            ({"key": "elsewhere/${filename}"}, 403, "AccessDenied"),
            ({"policy": "e30="}, 403, "SignatureDoesNotMatch"),
            ({"x-amz-signature": "0" * 64}, 403, "SignatureDoesNotMatch"),
            ({"x-amz-meta-extra": "1"}, 403, "AccessDenied"),
        ],
    )
    def test_refuses_what_was_not_signed(
        self, aws: EmbeddedAws, change: dict[str, str], status: int, code: str
    ) -> None:
        url, fields = form(aws)

        answer = post(url, fields | change)

        assert (answer.status_code, f"<Code>{code}</Code>" in answer.text) == (status, True)
        assert keys(aws) == {}

    @pytest.mark.parametrize(("data", "code"), [(b"", "EntityTooSmall"), (b"x" * 101, "EntityTooLarge")])
    def test_refuses_another_size(self, aws: EmbeddedAws, data: bytes, code: str) -> None:
        answer = post(*form(aws), data=data)

        assert (answer.status_code, f"<Code>{code}</Code>" in answer.text) == (400, True)
        assert keys(aws) == {}

    def test_refuses_an_old_form(self, aws: EmbeddedAws) -> None:
        answer = post(*form(aws, seconds=-1))

        assert answer.status_code == 403
        assert "Policy expired" in answer.text
        assert keys(aws) == {}
