"""Deploy, roll back and tear down against CloudFormation's own service model: what is asked, in order."""

import io
import json
import tarfile
from collections.abc import Iterator
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber
from django.core.management import CommandError, call_command
from moto import mock_aws

from api.management.commands.deploy import PARAMETERS
from infra.deploy import release as releases
from infra.deploy.deployment import Aws, Deployed, Deployer
from infra.deploy.release import Release
from infra.deploy.stack import DeployFailed
from tests.support.template import load

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
BUCKET = "docproc-releases-123456789012-us-east-1"
RELEASE = Release(version="v1", data=b"release")
CHANGE_SET = "arn:aws:cloudformation:us-east-1:123456789012:changeSet/x/1"
MISSING = "Stack with id docproc does not exist"


class Fixture:
    """A stubbed CloudFormation and a bucket of releases on moto."""

    def __init__(self) -> None:
        self.cloudformation = boto3.client("cloudformation", region_name="us-east-1")
        self.stub = Stubber(self.cloudformation)
        self.s3 = boto3.client("s3", region_name="us-east-1")
        self.s3.create_bucket(Bucket=BUCKET)
        self.said: list[str] = []
        self.answers: list[bool] = []
        self.questions: list[str] = []

    def deployer(self, name: str = "docproc") -> Deployer:
        self.stub.activate()
        aws = Aws(cloudformation=self.cloudformation, s3=self.s3)
        return Deployer(aws=aws, name=name, say=self.said.append, agree=self._agree)

    def _agree(self, question: str) -> bool:
        self.questions.append(question)
        return self.answers.pop(0)

    def described(self, status: str, name: str = "docproc", **more: Any) -> None:
        stack = {"StackName": name, "StackStatus": status, "CreationTime": NOW, **more}
        self.stub.add_response("describe_stacks", {"Stacks": [stack]}, {"StackName": name})

    def missing(self) -> None:
        self.stub.add_client_error("describe_stacks", "ValidationError", MISSING)

    def releases_are_there(self) -> None:
        """Expect the proposal for the bucket of releases, which changes nothing."""
        self.described("CREATE_COMPLETE", "docproc-releases")
        self.stub.add_response("create_change_set", {"Id": CHANGE_SET})
        reason = "The submitted information didn't contain changes."
        self.stub.add_response("describe_change_set", {"Status": "FAILED", "StatusReason": reason})
        self.stub.add_response("delete_change_set", {}, {"ChangeSetName": CHANGE_SET})
        outputs = [{"OutputKey": "BucketName", "OutputValue": BUCKET}]
        self.described("CREATE_COMPLETE", "docproc-releases", Outputs=outputs)

    def proposed(self, kind: str, parameters: dict[str, str], template_key: str = "") -> None:
        """Expect a change set with one change."""
        expected = {
            "StackName": "docproc",
            "ChangeSetName": "deploy-20261121-120000",
            "ChangeSetType": kind,
            "Capabilities": ["CAPABILITY_IAM"],
            "TemplateURL": f"https://s3.amazonaws.com/{BUCKET}/{template_key}" if template_key else ANY,
            "Parameters": [{"ParameterKey": k, "ParameterValue": v} for k, v in sorted(parameters.items())],
        }
        self.stub.add_response("create_change_set", {"Id": CHANGE_SET}, expected)
        change = {
            "Action": "Modify",
            "LogicalResourceId": "Group",
            "ResourceType": "T",
            "Replacement": "True",
        }
        answer = {"Status": "CREATE_COMPLETE", "Changes": [{"Type": "Resource", "ResourceChange": change}]}
        self.stub.add_response("describe_change_set", answer)  # the waiter's
        self.stub.add_response("describe_change_set", answer)

    def carried_out(self, status: str, reason: str = "") -> None:
        """Expect the execution, one look at the events, and the outputs if it went well."""
        old, new = _event("1", "CREATE_COMPLETE"), _event("2", status, reason)
        self.stub.add_response("describe_stack_events", {"StackEvents": [old]})
        self.stub.add_response("execute_change_set", {}, {"ChangeSetName": CHANGE_SET})
        self.described(status)
        self.stub.add_response("describe_stack_events", {"StackEvents": [new, old]})
        if status.endswith("ATE_COMPLETE"):
            outputs = [{"OutputKey": "Endpoint", "OutputValue": "https://invoices.example.com/sns"}]
            self.described(status, Outputs=outputs)

    def keep(self, at: datetime, key: str) -> None:
        record = Deployed(at=at, template_key="templates/old.yaml", parameters={"ReleaseKey": key})
        self.s3.put_object(
            Bucket=BUCKET, Key=f"deployments/docproc/{at:%Y%m%dT%H%M%S}.json", Body=record.to_json()
        )


def _event(number: str, status: str, reason: str = "") -> dict[str, Any]:
    event = {
        "StackId": "s",
        "EventId": number,
        "StackName": "docproc",
        "Timestamp": NOW,
        "LogicalResourceId": "Group",
    }
    return {**event, "ResourceStatus": status, **({"ResourceStatusReason": reason} if reason else {})}


def _wanted(**more: str) -> dict[str, str]:
    return {"ReleaseBucket": BUCKET, "ReleaseKey": RELEASE.key, "ReleaseSha256": RELEASE.sha256, **more}


@pytest.fixture
def fixture() -> Iterator[Fixture]:
    with mock_aws():
        made = Fixture()
        yield made
        made.stub.assert_no_pending_responses()


class TestDeploy:
    def test_shows_the_changes_asks_and_tells_of_progress(self, fixture: Fixture) -> None:
        fixture.releases_are_there()
        fixture.missing()
        fixture.missing()
        fixture.proposed("CREATE", _wanted(Size="small"))
        fixture.carried_out("CREATE_COMPLETE")
        fixture.answers = [True]

        is_done = fixture.deployer().deploy(RELEASE, {"Size": "small"}, NOW)

        assert is_done
        assert fixture.questions == ["Carry these changes out?"]
        assert "  Modify   Group  T  REPLACED" in fixture.said
        assert "12:00:00  CREATE_COMPLETE              Group" in fixture.said
        assert "Endpoint               https://invoices.example.com/sns" in fixture.said

    def test_uploads_release_and_template_and_keeps_the_deployment(self, fixture: Fixture) -> None:
        fixture.releases_are_there()
        fixture.missing()
        fixture.missing()
        fixture.proposed("CREATE", _wanted())
        fixture.carried_out("CREATE_COMPLETE")
        fixture.answers = [True]

        fixture.deployer().deploy(RELEASE, {}, NOW)

        kept = fixture.s3.get_object(Bucket=BUCKET, Key="deployments/docproc/20261121T120000.json")
        assert json.loads(kept["Body"].read())["parameters"] == _wanted()
        assert fixture.s3.get_object(Bucket=BUCKET, Key=RELEASE.key)["Body"].read() == b"release"

    def test_keeps_the_parameters_that_are_not_given(self, fixture: Fixture) -> None:
        fixture.releases_are_there()
        before = [{"ParameterKey": "Size", "ParameterValue": "scaled"}]
        fixture.described("UPDATE_COMPLETE")
        fixture.described("UPDATE_COMPLETE", Parameters=before)
        fixture.described("UPDATE_COMPLETE")
        fixture.proposed("UPDATE", _wanted(Size="scaled", MaxInstances="9"))
        fixture.carried_out("UPDATE_COMPLETE")
        fixture.answers = [True]

        assert fixture.deployer().deploy(RELEASE, {"MaxInstances": "9"}, NOW)

    def test_changes_nothing_when_nobody_agrees(self, fixture: Fixture) -> None:
        fixture.releases_are_there()
        fixture.missing()
        fixture.missing()
        fixture.proposed("CREATE", _wanted())
        fixture.stub.add_response("delete_change_set", {}, {"ChangeSetName": CHANGE_SET})
        fixture.stub.add_response("delete_stack", {}, {"StackName": "docproc"})
        fixture.answers = [False]

        assert not fixture.deployer().deploy(RELEASE, {}, NOW)

    def test_does_nothing_the_second_time(self, fixture: Fixture) -> None:
        fixture.releases_are_there()
        for _ in range(3):
            fixture.described("UPDATE_COMPLETE")
        fixture.stub.add_response("create_change_set", {"Id": CHANGE_SET})
        reason = "The submitted information didn't contain changes."
        fixture.stub.add_response("describe_change_set", {"Status": "FAILED", "StatusReason": reason})
        fixture.stub.add_response("delete_change_set", {})

        assert not fixture.deployer().deploy(RELEASE, {}, NOW)
        assert fixture.said[-1] == "nothing to change"

    def test_fails_with_the_reason_when_aws_rolls_back(self, fixture: Fixture) -> None:
        fixture.releases_are_there()
        fixture.missing()
        fixture.missing()
        fixture.proposed("CREATE", _wanted())
        fixture.carried_out("ROLLBACK_COMPLETE", "no signal came")
        fixture.answers = [True]

        with pytest.raises(DeployFailed, match="ROLLBACK_COMPLETE"):
            fixture.deployer().deploy(RELEASE, {}, NOW)

        assert any("no signal came" in line for line in fixture.said)
        assert "Contents" not in fixture.s3.list_objects_v2(Bucket=BUCKET, Prefix="deployments/")

    def test_says_what_to_do_about_a_stack_that_never_came_up(self, fixture: Fixture) -> None:
        fixture.releases_are_there()
        fixture.described("ROLLBACK_COMPLETE")
        fixture.described("ROLLBACK_COMPLETE", Parameters=[])
        fixture.described("ROLLBACK_COMPLETE")

        with pytest.raises(DeployFailed, match=r"manage\.py teardown --name docproc"):
            fixture.deployer().deploy(RELEASE, {}, NOW)

    def test_refuses_a_name_that_buckets_cannot_have(self, fixture: Fixture) -> None:
        with pytest.raises(DeployFailed, match="too long"):
            fixture.deployer("an-invoice-service-of-ours").deploy(RELEASE, {}, NOW)


class TestRollBack:
    def test_deploys_what_was_deployed_before(self, fixture: Fixture) -> None:
        fixture.keep(datetime(2026, 11, 1, tzinfo=UTC), "releases/a")
        fixture.keep(datetime(2026, 11, 2, tzinfo=UTC), "releases/b")
        fixture.keep(datetime(2026, 11, 3, tzinfo=UTC), "releases/c")
        fixture.releases_are_there()
        fixture.described("UPDATE_COMPLETE")
        fixture.proposed("UPDATE", {"ReleaseKey": "releases/b"}, "templates/old.yaml")
        fixture.carried_out("UPDATE_COMPLETE")
        fixture.answers = [True]

        assert fixture.deployer().roll_back(NOW)

    def test_has_nowhere_to_go_after_the_first_deployment(self, fixture: Fixture) -> None:
        fixture.keep(datetime(2026, 11, 1, tzinfo=UTC), "releases/a")
        fixture.releases_are_there()

        with pytest.raises(DeployFailed, match="nothing to go back to"):
            fixture.deployer().roll_back(NOW)


class TestTearDown:
    def _listed(self, fixture: Fixture) -> None:
        fixture.described("UPDATE_COMPLETE")
        resources = [
            ("SourceBucket", "AWS::S3::Bucket", "docproc-source-1"),
            ("InvoiceTable", "AWS::DynamoDB::Table", "docproc-invoice"),
            ("Group", "AWS::AutoScaling::AutoScalingGroup", "docproc-group"),
        ]
        summaries = [
            {
                "LogicalResourceId": name,
                "ResourceType": kind,
                "PhysicalResourceId": physical,
                "LastUpdatedTimestamp": NOW,
                "ResourceStatus": "CREATE_COMPLETE",
            }
            for name, kind, physical in resources
        ]
        fixture.stub.add_response("list_stack_resources", {"StackResourceSummaries": summaries})

    def test_lists_what_stays_and_asks_first(self, fixture: Fixture) -> None:
        self._listed(fixture)
        fixture.answers = [False]

        is_done = fixture.deployer().tear_down()

        text = "\n".join(fixture.said)
        assert not is_done
        assert fixture.questions == ["Delete the stack docproc?"]
        assert "aws s3 rb s3://docproc-source-1" in text
        assert "AWS_REGION=us-east-1" in text
        assert "aws dynamodb delete-table --table-name docproc-invoice" in text
        assert "docproc-group" not in text

    def test_deletes_the_stack_when_somebody_agrees(self, fixture: Fixture) -> None:
        self._listed(fixture)
        fixture.stub.add_response("describe_stack_events", {"StackEvents": [_event("1", "UPDATE_COMPLETE")]})
        fixture.stub.add_response("delete_stack", {}, {"StackName": "docproc"})
        fixture.missing()
        fixture.stub.add_client_error("describe_stack_events", "ValidationError", MISSING)
        fixture.answers = [True]

        assert fixture.deployer().tear_down()


def test_everything_that_is_retained_is_listed_by_teardown() -> None:
    from infra.deploy.deployment import _KEPT, _REMOVERS  # noqa: PLC0415 - the tables that this test holds

    retained = {n: r["Type"] for n, r in load()["Resources"].items() if r.get("DeletionPolicy") == "Retain"}

    assert set(retained) == set(_KEPT)
    assert set(retained.values()) <= set(_REMOVERS)


def test_each_option_of_deploy_is_a_parameter_of_the_template() -> None:
    parameters = set(load()["Parameters"])

    assert set(PARAMETERS.values()) == parameters - {"ReleaseBucket", "ReleaseKey", "ReleaseSha256"}


class TestCommands:
    def test_deploy_refuses_a_checkout_with_changes(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(
            "api.management.commands.deploy.build", lambda: Release(version="v1-3-gabc-dirty", data=b"")
        )

        with pytest.raises(CommandError, match="commit them first"):
            call_command("deploy", "--region=us-east-1", stdout=StringIO())

    @pytest.mark.parametrize(
        ("arguments", "variables", "said"),
        [
            (
                ("--region=eu-west-1",),
                {"DOCPROC_AWS_REGION": "us-west-2", "AWS_REGION": "ap-south-1"},
                "stack docproc in eu-west-1 (--region)",
            ),
            (
                (),
                {"DOCPROC_AWS_REGION": "us-west-2", "AWS_REGION": "ap-south-1"},
                "stack docproc in us-west-2 (DOCPROC_AWS_REGION)",
            ),
            ((), {"AWS_REGION": "ap-south-1"}, "stack docproc in ap-south-1 (AWS_REGION)"),
            ((), {"AWS_DEFAULT_REGION": "eu-north-1"}, "stack docproc in eu-north-1 (AWS_DEFAULT_REGION)"),
        ],
        ids=["the option", "the setting", "AWS's variable", "AWS's older variable"],
    )
    @pytest.mark.parametrize("command", ["rollback", "teardown"])
    def test_one_region_is_used_and_told(
        self,
        monkeypatch: pytest.MonkeyPatch,
        command: str,
        arguments: tuple[str, ...],
        variables: dict[str, str],
        said: str,
    ) -> None:
        for name in ("DOCPROC_AWS_REGION", "AWS_REGION", "AWS_DEFAULT_REGION"):
            monkeypatch.delenv(name, raising=False)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        used: list[str] = []

        def note(deployer: Deployer, *_: object) -> bool:
            used.append(f"stack {deployer.name} in {deployer.aws.s3.meta.region_name}")
            return False

        monkeypatch.setattr(Deployer, "roll_back", note)
        monkeypatch.setattr(Deployer, "tear_down", note)
        out = StringIO()

        call_command(command, *arguments, stdout=out)

        assert out.getvalue() == f"{said}\n"
        assert used == [said.rpartition(" (")[0]]

    def test_a_missing_region_is_a_sentence(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("DOCPROC_AWS_REGION", "AWS_REGION", "AWS_DEFAULT_REGION"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")

        with pytest.raises(CommandError, match="--region"):
            call_command("teardown", stdout=StringIO())


class TestRelease:
    def test_is_the_same_for_the_same_files_whenever_it_is_made(self, tmp_path: Path) -> None:
        first, second = tmp_path / "a.py", tmp_path / "b.sh"
        first.write_text("x", encoding="utf-8")
        second.write_text("y", encoding="utf-8")
        second.chmod(0o755)
        members = [("a.py", first), ("b.sh", second)]
        before = releases._archive(members)
        first.touch()

        after = releases._archive(members)

        assert before == after
        with tarfile.open(fileobj=io.BytesIO(after)) as tar:
            assert [(m.name, m.mode, m.uid, m.mtime) for m in tar] == [
                ("a.py", 0o644, 0, 0),
                ("b.sh", 0o755, 0, 0),
            ]

    def test_is_named_by_its_version_and_hash(self) -> None:
        # printf release | sha256sum
        assert RELEASE.sha256.startswith("a4d451ec23463726")
        assert RELEASE.key == "releases/docproc-v1-a4d451ec23463726.tar.gz"

    def test_needs_a_git_checkout(self, tmp_path: Path) -> None:
        with pytest.raises(releases.ReleaseFailed, match="git describe"):
            releases.build(root=tmp_path)
