"""Deploy, roll back, tear down: what the commands of these names do."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3

from infra.deploy.release import Release
from infra.deploy.stack import ChangeSet, DeployFailed, Stack

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

HERE = Path(__file__).resolve().parents[1]
RELEASES_STACK = "docproc-releases"
# S3's names have 63 characters at most, and the longest is NAME-destination-ACCOUNT-REGION.
MAX_NAME = 18


@dataclass(frozen=True, slots=True, kw_only=True)
class Aws:
    """The clients for one region."""

    cloudformation: Any
    s3: "S3Client"

    @property
    def region(self) -> str:
        """Return the region's name."""
        return str(self.cloudformation.meta.region_name)

    @classmethod
    def of(cls, region: str | None) -> "Aws":
        """Return the clients, with the credentials that the environment has, and None: its region."""
        session = boto3.session.Session(region_name=region)
        return cls(cloudformation=session.client("cloudformation"), s3=session.client("s3"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployed:
    """A deployment that was proposed, kept beside the releases so that it can be gone back to."""

    at: datetime
    template_key: str
    parameters: Mapping[str, str]

    def to_json(self) -> bytes:
        """Return it as it is kept."""
        record = {"template_key": self.template_key, "parameters": dict(self.parameters)}
        return json.dumps({"at": self.at.isoformat(), **record}, indent=2).encode()

    @classmethod
    def from_json(cls, data: bytes) -> "Deployed":
        """Return what was kept."""
        found = json.loads(data)
        at = datetime.fromisoformat(found["at"])
        return cls(at=at, template_key=found["template_key"], parameters=found["parameters"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployer:
    """Deploys one stack. `say` tells of progress, `agree` asks whether to go on."""

    aws: Aws
    name: str
    say: Callable[[str], None]
    agree: Callable[[str], bool]

    @property
    def stack(self) -> Stack:
        """Return the stack."""
        return Stack(client=self.aws.cloudformation, name=self.name)

    def deploy(self, release: Release, parameters: Mapping[str, str], now: datetime) -> bool:
        """Deploy the release; False when nothing was to be done or nobody agreed. Safe to repeat.

        Parameters that are not given stay as they are. Raises DeployFailed.
        """
        if len(self.name) > MAX_NAME:
            raise DeployFailed(f"the name {self.name!r} is too long for S3: {MAX_NAME} characters at most")
        bucket = self._releases()
        self._upload(bucket, release.key, release.data)
        template = (HERE / "template.yaml").read_bytes()
        template_key = f"templates/{release.version}-{release.sha256[:16]}.yaml"
        self._upload(bucket, template_key, template)
        kept = {} if self.stack.status() in {"", "REVIEW_IN_PROGRESS"} else self.stack.parameters()
        wanted = {
            **kept,
            **parameters,
            "ReleaseBucket": bucket,
            "ReleaseKey": release.key,
            "ReleaseSha256": release.sha256,
        }
        return self._go(Deployed(at=now, template_key=template_key, parameters=wanted), bucket)

    def roll_back(self, now: datetime) -> bool:
        """Deploy what was deployed before; False when nobody agreed. Raises DeployFailed."""
        bucket = self._releases()
        history = self._history(bucket)
        if len(history) < 2:  # noqa: PLR2004 - the present one, and one before it
            raise DeployFailed(f"{self.name} was deployed once only: there is nothing to go back to")
        before = history[-2]
        self.say(f"going back to {before.parameters['ReleaseKey']}, deployed at {before.at:%Y-%m-%d %H:%M}")
        wanted = Deployed(at=now, template_key=before.template_key, parameters=before.parameters)
        return self._go(wanted, bucket)

    def left_behind(self) -> tuple[tuple[str, str, str], ...]:
        """Return (type, name, command that removes it) of what outlives the stack by intent."""
        found = self.stack.resources()
        return tuple(
            (kind, physical, _REMOVERS[kind].format(physical))
            for name, (kind, physical) in found.items()
            if name in _KEPT and physical and kind in _REMOVERS
        )

    def tear_down(self) -> bool:
        """Delete the stack; False when nobody agreed. Raises DeployFailed."""
        if not self.stack.status():
            raise DeployFailed(f"there is no stack {self.name}")
        left = self.left_behind()
        region = f"AWS_REGION={self.aws.region} AWS_DEFAULT_REGION={self.aws.region}"
        self.say(f"These hold data and stay; to remove them as well, run afterwards (export {region}):")
        for kind, physical, command in left:
            self.say(f"  {kind}  {physical}\n      {command}")
        self.say("Users and sessions leave a snapshot of their disk or database.")
        if not self.agree(f"Delete the stack {self.name}?"):
            return False
        self.stack.remove(self.say)
        return True

    def _go(self, wanted: Deployed, bucket: str) -> bool:
        url = f"{self.aws.s3.meta.endpoint_url}/{bucket}/{wanted.template_key}"
        label = f"deploy-{wanted.at:%Y%m%d-%H%M%S}"
        proposed = self.stack.propose({"TemplateURL": url}, wanted.parameters, label)
        if not proposed.arn:
            self.say("nothing to change")
            return False
        self._show(proposed)
        if not self.agree("Carry these changes out?"):
            self.stack.discard(proposed)
            return False
        self.stack.carry_out(proposed, self.say)
        key = f"deployments/{self.name}/{wanted.at:%Y%m%dT%H%M%S}.json"
        self.aws.s3.put_object(Bucket=bucket, Key=key, Body=wanted.to_json())
        for output, value in sorted(self.stack.outputs().items()):
            self.say(f"{output:22} {value}")
        return True

    def _show(self, proposed: ChangeSet) -> None:
        verb = "makes" if proposed.is_new else "changes"
        self.say(f"The change set {verb} {len(proposed.changes)} resources of {self.name}:")
        for change in proposed.changes:
            self.say(f"  {change}")

    def _releases(self) -> str:
        """Make sure of the bucket of releases; its name."""
        stack = Stack(client=self.aws.cloudformation, name=RELEASES_STACK)
        body = (HERE / "releases.yaml").read_text(encoding="utf-8")
        proposed = stack.propose({"TemplateBody": body}, {}, "docproc-releases")
        if proposed.arn:
            stack.carry_out(proposed, self.say)
        return stack.outputs()["BucketName"]

    def _upload(self, bucket: str, key: str, data: bytes) -> None:
        self.say(f"uploading {key} ({len(data) / 1e6:.1f} MB)")
        self.aws.s3.put_object(Bucket=bucket, Key=key, Body=data)

    def _history(self, bucket: str) -> list[Deployed]:
        pages = self.aws.s3.get_paginator("list_objects_v2").paginate(
            Bucket=bucket, Prefix=f"deployments/{self.name}/"
        )
        keys = sorted(found["Key"] for page in pages for found in page.get("Contents", ()))
        return [
            Deployed.from_json(self.aws.s3.get_object(Bucket=bucket, Key=key)["Body"].read())
            for key in keys[-2:]
        ]


_KEPT = frozenset(
    {
        "SourceBucket",
        "DestinationBucket",
        "LogBucket",
        "Key",
        "DeadLetterQueue",
        "DocumentTable",
        "InvoiceTable",
        "LogGroup",
    }
)
_REMOVERS = {
    "AWS::S3::Bucket": "empty it, all versions too (the console's Empty does), then: aws s3 rb s3://{}",
    "AWS::KMS::Key": "last of all: aws kms schedule-key-deletion --key-id {} --pending-window-in-days 30",
    "AWS::SQS::Queue": "aws sqs delete-queue --queue-url {}",
    "AWS::DynamoDB::Table": (
        "aws dynamodb update-table --table-name {0} --no-deletion-protection-enabled"
        " && aws dynamodb delete-table --table-name {0}"
    ),
    "AWS::Logs::LogGroup": "aws logs delete-log-group --log-group-name {}",
}
