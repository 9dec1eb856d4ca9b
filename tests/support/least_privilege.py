"""What the program asks of AWS against what its role may: nothing missing, nothing more.

python -m tests.support.least_privilege FILE        (of tests/support/recording)
"""

import json
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote, urlsplit

from tests.support.stack_contract import role_statements
from tests.support.template import CONFIGURATIONS, load, resolve

# Granted although no recorded request shows it, each with its reason. Reviewed by hand.
REVIEWED = {
    "athena:StopQueryExecution": "a query that is given up; the tests' moto plays it, if at all, by a stub",
    "cloudformation:SignalResource": "install.sh signals; shown by tests/infra/prove_instance.py",
    "dynamodb:ConditionCheckItem": "a condition within a transaction is an action of its own",
    "ec2:AssociateAddress": "install.sh claims; shown by tests/infra/prove_instance.py",
    "ec2:AttachVolume": "the same",
    "glue:CreateTable": "Athena asks Glue in our name: create_tables",
    "glue:DeleteTable": "the same: CREATE OR REPLACE VIEW",
    "glue:GetDatabase": "the same: every query",
    "glue:GetPartitions": "the same: every query",
    "glue:GetTable": "the same: every query",
    "glue:GetTables": "the same: every query",
    "glue:UpdateTable": "the same: compact commits to Iceberg and replaces a view",
    "kms:CreateGrant": "EC2 asks KMS in our name when the volume is attached; nothing here plays that",
    "kms:Decrypt": "S3, DynamoDB, SQS, SNS and Secrets Manager ask KMS in our name",
    "kms:GenerateDataKey": "the same, when they write",
    "logs:CreateLogStream": "docproc-logs.service; shown by tests/infra/prove_instance.py",
    "logs:PutLogEvents": "the same",
    "s3:AbortMultipartUpload": "Athena writes results and tables in our name",
    "s3:DeleteObject iceberg": "Athena's VACUUM in our name",
    "s3:GetBucketLocation": "Athena looks where its results go",
    "s3:GetObject releases": "the user data fetches the release with curl; shown by prove_instance.py",
    "s3:GetObject iceberg": "Athena reads tables in our name",
    "s3:GetObjectVersionTagging": "CopyObject reads tags, if a customer's object has some",
    "s3:ListMultipartUploadParts": "as AbortMultipartUpload",
    "s3:PutObject iceberg": "Athena writes tables and results in our name",
    "s3:PutObject source": "the upload form is signed with our credentials and posted by a browser",
    "s3:PutObjectTagging": "as GetObjectVersionTagging",
    "secretsmanager:GetSecretValue": "docproc-secrets.service; shown by tests/infra/prove_instance.py",
    "ssm:UpdateInstanceInformation": "the agent of Session Manager",
    "ssmmessages:CreateControlChannel": "the same",
    "ssmmessages:CreateDataChannel": "the same",
    "ssmmessages:OpenControlChannel": "the same",
    "ssmmessages:OpenDataChannel": "the same",
}
# Asked, and needing no permission or not the role's.
FREE = {
    "sts:GetCallerIdentity": "needs no permission",
    "s3:DeleteObjectVersion rejected": "erase, by who has EraserPolicy, for which the contract has a rule",
    "s3:GetObjectVersion": "tests read a bucket that has no versions; the template's is named source",
}
_S3_SUBRESOURCES = {
    "versioning": "s3:GetBucketVersioning",
    "lifecycle": "s3:GetLifecycleConfiguration",
    "notification": "s3:GetBucketNotification",
    "versions": "s3:ListBucketVersions",
}
_TRANSACTION = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
}


@dataclass(frozen=True, slots=True, order=True)
class Use:
    """An action, and which of the stack's parts it was on."""

    action: str
    part: str = ""

    def __str__(self) -> str:
        return f"{self.action} {self.part}".strip()


def uses(lines: Iterable[str]) -> set[Use]:
    """Return what the recorded requests did."""
    return {use for line in lines for use in _uses(json.loads(line))}


def grants() -> set[Use]:
    """Return what the role may, in any size."""
    template = load()
    found = set()
    for parameters in CONFIGURATIONS.values():
        found |= grants_of(role_statements(resolve(template, parameters)))
    return found


def grants_of(statements: Iterable[dict[str, Any]]) -> set[Use]:
    """Return what the statements of a policy allow."""
    found = set()
    for statement in statements:
        for action in _listed(statement["Action"]):
            found |= {Use(action, part) for r in _listed(statement["Resource"]) for part in _parts(action, r)}
    return found


def missing(used: set[Use], granted: set[Use]) -> list[Use]:
    """Return what was done and may not be done.

    An archive that `import` reads is one that its operator names, with the operator's credentials.
    """
    return sorted(use for use in used - granted if str(use) not in FREE and use.part != "archive")


def unused(used: set[Use], granted: set[Use]) -> list[Use]:
    """Return what may be done and neither was done nor is explained."""
    return sorted(use for use in granted - used if str(use) not in REVIEWED and use.action not in REVIEWED)


def idle(granted: set[Use]) -> list[str]:
    """Return the explanations that explain nothing, since nothing of the kind is granted."""
    explained = {str(use) for use in granted} | {use.action for use in granted}
    return sorted(name for name in REVIEWED if name not in explained)


def _parts(action: str, resource: str) -> Iterator[str]:
    """Yield the part of the stack that a granted resource is; only S3 and DynamoDB have several."""
    if action.startswith("dynamodb:"):
        yield "index" if "/index/" in resource else "table"
    elif action.startswith("s3:"):
        yield _s3_part(resource.removeprefix("arn:aws:s3:::"))
    else:
        yield ""


def _s3_part(path: str) -> str:
    bucket, _, key = path.partition("/")
    if "releases" in bucket:
        return "releases"
    if "source" in bucket:
        return "source"
    if "destination" not in bucket:
        return "archive"
    prefix = key.partition("/")[0]
    return {"csv": "csv", "rejected": "rejected", "iceberg": "iceberg", "athena-results": "iceberg"}.get(
        prefix, ""
    )


def _uses(request: dict[str, Any]) -> Iterator[Use]:
    service = request["service"]
    if service == "s3":
        yield from _s3_uses(request)
    elif service == "dynamodb":
        yield from _dynamodb_uses(request["target"].rpartition(".")[2], request["body"])
    elif request["target"]:
        yield Use(f"{service}:{request['target'].rpartition('.')[2]}")
    else:
        yield Use(f"{service}:{parse_qs(request['body'])['Action'][0]}")


def _dynamodb_uses(operation: str, body: str) -> Iterator[Use]:
    if operation == "TransactWriteItems":
        # The body may have been cut; the kinds of its operations stand at their beginnings.
        for kind in set(
            re.findall(
                r'[{]"(Put|Update|Delete|ConditionCheck)":', body.replace(": ", ":").replace("{ ", "{")
            )
        ):
            yield Use(f"dynamodb:{_TRANSACTION[kind]}", "table")
    else:
        yield Use(f"dynamodb:{operation}", "index" if '"IndexName"' in body else "table")


def _s3_uses(request: dict[str, Any]) -> Iterator[Use]:
    url = urlsplit(request["url"])
    host = url.netloc or request["host"]
    path = unquote(url.path).lstrip("/")
    if match := re.match(r"(.+)\.s3[.-]", host):
        path = f"{match[1]}/{path}"
    query = dict(parse_qsl(url.query, keep_blank_values=True))
    bucket, _, key = path.partition("/")
    part, method = _s3_part(path), request["method"]
    if not key:
        named = next((action for name, action in _S3_SUBRESOURCES.items() if name in query), "s3:ListBucket")
        yield Use(named, _s3_part(bucket))
    elif request["copies"]:
        source, _, version = unquote(request["copies"]).lstrip("/").partition("?versionId=")
        yield Use("s3:GetObjectVersion" if version else "s3:GetObject", _s3_part(source))
        yield Use("s3:PutObject", part)
    else:
        suffix = "Version" if "versionId" in query else ""
        verb = {"GET": "Get", "HEAD": "Get", "PUT": "Put", "DELETE": "Delete"}[method]
        yield Use(f"s3:{verb}Object{suffix}", part)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def main() -> int:
    """Compare and tell; 1 if anything is missing, unused or explained for nothing."""
    with Path(sys.argv[1]).open(encoding="utf-8") as file:
        used = uses(file)
    granted = grants()
    for title, found in (
        ("missing", missing(used, granted)),
        ("unused", unused(used, granted)),
        ("explained for nothing", idle(granted)),
    ):
        sys.stdout.write(f"{title}: {len(found)}\n" + "".join(f"  {one}\n" for one in found))
    sys.stdout.write(
        f"{len(used)} kinds of request, {len(granted)} grants, {len(REVIEWED)} of them reviewed\n"
    )
    return int(bool(missing(used, granted) or unused(used, granted) or idle(granted)))


if __name__ == "__main__":
    sys.exit(main())
