"""Local mode as a whole: embedded AWS, provisioned, and the service, subscribed to its topic."""

import os
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from api.stores.dynamodb_schema import table_definitions
from infra.local.credentials import PLACEHOLDERS
from infra.local.embedded_aws import REGION, EmbeddedAws
from infra.local.provision import (
    DESTINATION_BUCKET,
    DOCUMENT_TABLE,
    INVOICE_TABLE,
    SOURCE_BUCKET,
    Provisioned,
    provision,
    subscribe,
)
from infra.local.service import Service, ServiceFailed, free_port
from infra.local.sns_messages import CERTIFICATE_NAME

LedgerKind: TypeAlias = Literal["dynamodb", "sqlite"]
CONFIRM_SECONDS = 30.0
_FOREIGN = ("AWS_", "DJANGO_", "DOCPROC_", "GUNICORN_")


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalSystem:
    """What runs; `settings` are the service's, for commands beside it."""

    aws: EmbeddedAws
    service: Service
    ledger: LedgerKind
    settings: dict[str, str]
    provisioned: Provisioned


@contextmanager
def running(
    state: Path,
    *,
    ledger: LedgerKind = "dynamodb",
    port: int = 0,
    say: Callable[[str, str], None] = lambda _name, _fact: None,
) -> Iterator[LocalSystem]:
    """Yield the system once the service has confirmed its subscription; stop it all afterwards.

    `state` is a folder for the service's files, `port` the service's (0 is any free one), `say`
    hears of each part that is there. Raises RealCredentials, PortTaken or ServiceFailed.
    """
    with EmbeddedAws() as aws:
        provisioned = provision(aws, table_definitions(DOCUMENT_TABLE, INVOICE_TABLE))
        say("embedded AWS", f"{aws.endpoint_url}  S3, SNS, SQS, DynamoDB")
        settings = _settings(aws, provisioned, state, ledger)
        environ = inherited(os.environ) | settings
        service = Service(environ, port=free_port(port), log_path=state / "service.log")
        service.start()
        try:
            service.manage("migrate", "--verbosity=0")
            if ledger == "sqlite":
                service.manage("migrate", "--verbosity=0", "--database=ledger")
            service.wait_ready()
            say("the service", f"{service.url}  gunicorn, as in production")
            subscribe(aws, provisioned, f"{service.url}/sns")
            _wait_confirmed(aws, service)
            say("subscription", "confirmed by the service; nothing is delivered before")
            yield LocalSystem(
                aws=aws, service=service, ledger=ledger, settings=settings, provisioned=provisioned
            )
        finally:
            service.stop()


def inherited(shell: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without what could lead the service elsewhere."""
    return {
        name: value
        for name, value in shell.items()
        if not name.startswith(_FOREIGN) and not name.lower().endswith("_proxy")
    }


def _settings(aws: EmbeddedAws, provisioned: Provisioned, state: Path, ledger: LedgerKind) -> dict[str, str]:
    return {
        **PLACEHOLDERS,
        "DJANGO_SETTINGS_MODULE": "docproc.settings",
        "DOCPROC_SECRET_KEY": secrets.token_urlsafe(50),
        "DOCPROC_ALLOWED_HOSTS": "127.0.0.1,localhost",
        "DOCPROC_DATABASE_URL": f"sqlite:///{state / 'accounts.sqlite3'}",
        "DOCPROC_TOPIC_ARNS": provisioned.topic_arn,
        "DOCPROC_SOURCE_BUCKET": SOURCE_BUCKET,
        "DOCPROC_DESTINATION_BUCKET": DESTINATION_BUCKET,
        "DOCPROC_DEAD_LETTER_QUEUE_URL": provisioned.dead_letter_queue_url,
        "DOCPROC_AWS_REGION": REGION,
        "DOCPROC_AWS_ENDPOINT_URL": aws.endpoint_url,
        "DOCPROC_LEDGER": "dynamodb" if ledger == "dynamodb" else f"sqlite:///{state / 'ledger.sqlite3'}",
        "DOCPROC_DOCUMENT_TABLE": DOCUMENT_TABLE,
        "DOCPROC_INVOICE_TABLE": INVOICE_TABLE,
        "DOCPROC_SNS_CERTIFICATE_BASE_URL": aws.endpoint_url,
        "DOCPROC_SNS_CERTIFICATE_NAME": CERTIFICATE_NAME,
        "DOCPROC_REPORTS": "duckdb",
        "DOCPROC_DUCKDB_PATH": str(state / "reports.duckdb"),
        "DOCPROC_WORKERS": "2",
        # As in production, more threads than documents in flight.
        "DOCPROC_THREADS": "8",
        "DOCPROC_MAX_IN_FLIGHT": "6",
    }


def _wait_confirmed(aws: EmbeddedAws, service: Service) -> None:
    deadline = time.monotonic() + CONFIRM_SECONDS
    while not aws.sns.is_confirmed:
        if time.monotonic() > deadline or not service.is_alive:
            raise ServiceFailed(
                f"the service did not confirm its subscription; its log:\n{service.log_tail()}"
            )
        time.sleep(0.02)
