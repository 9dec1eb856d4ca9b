"""An instance's web server and pools under slow clients, restarts and reloads, on any machine.

The small form of test_instance.py, which boots a machine of its own for it.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from api.stores.dynamodb_schema import table_definitions
from infra.local.credentials import PLACEHOLDERS
from infra.local.embedded_aws import EmbeddedAws
from infra.local.provision import (
    DESTINATION_BUCKET,
    DOCUMENT_TABLE,
    INVOICE_TABLE,
    SOURCE_BUCKET,
    provision,
    subscribe,
)
from infra.local.service import free_port
from infra.local.sns_messages import CERTIFICATE_NAME
from tests.support.instance_load import seconds_to_row, slow_clients, under_load, wait
from tests.support.pools import ROOT, environment_of_user_data, running

pytestmark = [
    pytest.mark.proof,
    pytest.mark.xdist_group("pools"),  # one installation for all of them
    pytest.mark.skipif(not shutil.which("nginx"), reason="nginx is not installed; CI has it"),
    pytest.mark.skipif(os.geteuid() != 0, reason="the configuration's account wants root; CI is root"),
]


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """Return what was seen of one web server with its pools."""
    folder = tmp_path_factory.mktemp("instance")
    port = free_port(0)
    with EmbeddedAws() as aws:
        provisioned = provision(aws, table_definitions(DOCUMENT_TABLE, INVOICE_TABLE))
        environ = {
            "PATH": os.environ["PATH"],
            **environment_of_user_data(),
            **PLACEHOLDERS,
            # What the user data cannot know of embedded AWS, and what install.sh adds without a certificate.
            "DOCPROC_AWS_ENDPOINT_URL": aws.endpoint_url,
            "DOCPROC_SNS_CERTIFICATE_BASE_URL": aws.endpoint_url,
            "DOCPROC_SNS_CERTIFICATE_NAME": CERTIFICATE_NAME,
            "DOCPROC_SOURCE_BUCKET": SOURCE_BUCKET,
            "DOCPROC_DESTINATION_BUCKET": DESTINATION_BUCKET,
            "DOCPROC_DEAD_LETTER_QUEUE_URL": provisioned.dead_letter_queue_url,
            "DOCPROC_SECRET_KEY": "s" * 64,
            "DOCPROC_DATABASE_URL": f"sqlite:///{folder / 'users.sqlite3'}",
            "DOCPROC_HTTPS": "false",
        }
        subprocess.run((sys.executable, "manage.py", "migrate", "-v0"), cwd=ROOT, env=environ, check=True)
        with running(folder, environ, port) as (pool, server):
            subscribe(aws, provisioned, f"http://127.0.0.1:{port}/sns")
            wait(lambda: aws.sns.is_confirmed, "the confirmation")
            yield {
                "topic": environ["DOCPROC_TOPIC_ARNS"],
                "pages": requests.get(f"http://127.0.0.1:{port}/", timeout=20).status_code,
                "too_large": requests.post(
                    f"http://127.0.0.1:{port}/sns", data=b"x" * 600_000, timeout=20
                ).status_code,
                "first_seconds": seconds_to_row(aws, "first"),
                "slow": slow_clients(aws, port),
                "restart": under_load(aws, "restart", pool.restart),
                "reload": under_load(aws, "reload", server.reload),
            }


class TestPools:
    def test_trust_the_topic_of_the_user_data(self, seen: dict[str, Any]) -> None:
        assert seen["topic"] == "arn:aws:sns:us-east-1:123456789012:docproc"

    def test_show_no_pages_to_the_world_and_take_no_large_body(self, seen: dict[str, Any]) -> None:
        assert (seen["pages"], seen["too_large"]) == (404, 413)

    def test_are_not_delayed_by_150_half_sent_requests(self, seen: dict[str, Any]) -> None:
        assert seen["slow"]["clients"] == 150
        # Had they held the workers, it would have waited until they are cut off, after ten seconds.
        assert seen["slow"]["seconds"] < 8

    def test_cut_off_slow_clients(self, seen: dict[str, Any]) -> None:
        assert seen["slow"]["cut_off_after"] < 20

    @pytest.mark.parametrize("disturbance", ["restart", "reload"])
    def test_lose_nothing_and_answer_no_error(self, seen: dict[str, Any], disturbance: str) -> None:
        told = seen[disturbance]

        assert told["documents"] == 120
        # None is no answer within SNS's 15 s, after which it sends again: a busy machine, no fault of ours.
        assert set(told["failed"]) <= {None}
        if told["longest_seconds"] < 10:
            assert told["failed"] == []
