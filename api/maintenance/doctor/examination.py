"""What every check of the doctor's has at hand, and what it may say."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from botocore.exceptions import BotoCoreError, ClientError

from api.aws import CONFIGURATION_FAULTS
from api.ports import TemporaryFailure


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong, and what mends it: a command, or a sentence where there is none."""

    what: str
    mend: str


@dataclass(frozen=True, slots=True)
class Unchecked:
    """What could not be looked at here, and why."""

    what: str


Findings: TypeAlias = Iterator[Finding | Unchecked]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """The names that the settings give; `tables` is empty when the ledger is in SQL.

    `is_local` is embedded AWS, which does not tell all that AWS does.
    """

    topic_arn: str
    source_bucket: str
    destination_bucket: str
    dead_letter_queue_url: str
    tables: tuple[str, ...]
    certificate_url: str
    workgroups: tuple[str, ...] = ()
    is_local: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """One deployment and what it takes to look at it.

    `make` makes an AWS client, `fetch` downloads a certificate (raises CertificateUnavailable),
    `databases` tells what is wrong with each database that Django knows, as (what, mend).
    """

    deployment: Deployment
    make: Callable[[str], Any]
    fetch: Callable[[str], bytes]
    databases: Callable[[], Iterator[tuple[str, str]]]
    clock: Callable[[], datetime]


class Unhealthy(Exception):  # noqa: N818 - it names what is wrong
    """A check stops here."""

    def __init__(self, what: str, mend: str) -> None:
        super().__init__(what)
        self.finding = Finding(what, mend)


@contextmanager
def asking(what: str, mend: str) -> Iterator[None]:
    """Stop the check with the fault when AWS does not answer the question."""
    try:
        yield
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        raise Unhealthy(f"{what} ({code})", CONFIGURATION_FAULTS.get(code, mend)) from error
    except (BotoCoreError, TemporaryFailure) as error:
        raise Unhealthy(f"{what} ({error})", mend) from error


def lets(policy: str, service: str, action: str) -> bool:
    """Tell whether a resource's policy lets the service do it; whoever else it lets is no matter here."""
    return any(
        statement.get("Effect") == "Allow"
        and service in str(statement.get("Principal"))
        and action.lower() in str(statement.get("Action")).lower()
        for statement in json.loads(policy).get("Statement", ())
    )
