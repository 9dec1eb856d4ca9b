"""The system checks: what would be unsafe in production stops the start and says what to do."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import run_checks
from pytest_django import Settings

ROOT = Path(__file__).resolve().parents[2]


def ids() -> set[str]:
    """Return the ids of docproc's own findings."""
    return {str(each.id) for each in run_checks() if str(each.id).startswith("docproc.")}


class TestChecks:
    def test_find_nothing_in_a_safe_configuration(self) -> None:
        assert ids() == set()

    @pytest.mark.parametrize(
        ("name", "value", "expected"),
        [
            ("DOCPROC_TOPIC_ARNS", frozenset(), "docproc.E001"),
            ("DOCPROC_TOPIC_ARNS", frozenset({"arn:aws:sqs:us-east-1:123456789012:x"}), "docproc.E001"),
            ("DOCPROC_TOPIC_ARNS", frozenset({"arn:aws:sns:us-east-1:123456789012:*"}), "docproc.E001"),
            ("SECRET_KEY", "made-up-0123456789", "docproc.E002"),
            ("SECRET_KEY", "0123456789abcdef0123456789abcde", "docproc.E002"),
            ("DOCPROC_THREADS", 28, "docproc.W002"),
            ("DOCPROC_SOURCE_BUCKET", "", "docproc.E003"),
            ("DOCPROC_DESTINATION_BUCKET", "docproc-source", "docproc.E003"),
            ("DOCPROC_SNS_ALLOW_SHA1", True, "docproc.W001"),
        ],
    )
    def test_find_what_is_unsafe(self, settings: Settings, name: str, value: Any, expected: str) -> None:
        setattr(settings, name, value)

        assert ids() == {expected}

    @pytest.mark.parametrize(("users", "is_safe"), [("ledger", False), ("users", True)])
    def test_want_two_databases_for_ledger_and_users(
        self, tmp_path: Path, users: str, *, is_safe: bool
    ) -> None:
        databases = {
            "DOCPROC_LEDGER": f"sqlite:///{tmp_path}/ledger",
            "DOCPROC_DATABASE_URL": f"sqlite:///{tmp_path}/{users}",
        }

        done = python(
            "-m", "django", "check", environment=databases | {"DJANGO_SETTINGS_MODULE": "docproc.settings"}
        )

        assert ("docproc.E004" in done.stderr) is not is_safe


def python(*arguments: str, environment: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    """Run Python with these of docproc's settings and no others."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("DOCPROC_")}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=clean | environment,
        capture_output=True,
        text=True,
        check=False,
    )


class TestSettings:
    @pytest.mark.parametrize(
        ("environment", "sentence"),
        [
            ({"DOCPROC_DEBUG": "maybe"}, "DOCPROC_DEBUG is 'maybe'; write true or false."),
            ({"DOCPROC_LEDGER": "nosql"}, "DOCPROC_LEDGER is no database URL"),
            (
                {"DOCPROC_LEDGER": "postgres://u:p@db/n"},
                "DOCPROC_LEDGER is a database that docproc does not know",
            ),
            (
                {
                    "DOCPROC_SNS_CERTIFICATE_BASE_URL": "http://127.0.0.1:1",
                    "DOCPROC_SNS_CERTIFICATE_NAME": "x",
                },
                "set DOCPROC_AWS_ENDPOINT_URL too",
            ),
            ({"DOCPROC_AWS_ENDPOINT_URL": "http://169.254.169.254:80"}, "is for local mode only"),
            (
                {"DOCPROC_INVOICE_TABLE": "docproc-document"},
                "DOCPROC_DOCUMENT_TABLE and DOCPROC_INVOICE_TABLE are both 'docproc-document'",
            ),
            ({"DOCPROC_LEDGER": "mysql://u:s3cret/1@db/n"}, "DOCPROC_LEDGER is no database URL"),
            ({"DOCPROC_LEDGER": "mysql://"}, "DOCPROC_LEDGER names no host or no database; write it like"),
            (
                {"DOCPROC_LEDGER": "mysql://u:s3cret@db"},
                "DOCPROC_LEDGER names no host or no database; write it like",
            ),
            (
                {"DOCPROC_REJECTION_TOPIC_ARN": "foo"},
                "DOCPROC_REJECTION_TOPIC_ARN is 'foo'; write the ARN of an SNS topic",
            ),
            (
                {"DOCPROC_DEAD_LETTER_QUEUE_URL": "foo"},
                "DOCPROC_DEAD_LETTER_QUEUE_URL is 'foo'; write the queue's URL",
            ),
            (
                {"DOCPROC_ALLOWED_HOSTS": "a.example,http://x"},
                "DOCPROC_ALLOWED_HOSTS has 'http://x'; write hosts alone",
            ),
            ({"DOCPROC_ATHENA_DATABASE": "a;b"}, "DOCPROC_ATHENA_DATABASE is 'a;b'; write a database's name"),
            (
                {"DOCPROC_SOURCE_BUCKET": "Bad_Bucket"},
                "DOCPROC_SOURCE_BUCKET is 'Bad_Bucket'; write a bucket",
            ),
            ({"DOCPROC_DESTINATION_BUCKET": "a..b"}, "DOCPROC_DESTINATION_BUCKET is 'a..b'; write a bucket"),
            ({"DOCPROC_AWS_REGION": "mars-1"}, "DOCPROC_AWS_REGION is 'mars-1'; write a region"),
        ],
    )
    def test_stop_the_start_and_name_themselves(self, environment: dict[str, str], sentence: str) -> None:
        done = python("-c", "import docproc.settings", environment=environment)

        assert done.returncode == 1
        assert sentence in done.stderr
        assert "s3cret" not in done.stderr

    def test_do_not_let_the_server_start_while_nobody_is_trusted(self) -> None:
        environment = {"DJANGO_SETTINGS_MODULE": "docproc.settings"}

        done = python("-c", "import docproc.wsgi", environment=environment)

        assert done.returncode == 1
        assert "docproc.E001" in done.stderr
