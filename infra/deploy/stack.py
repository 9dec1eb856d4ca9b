"""A CloudFormation stack: its change sets, shown before they are carried out, and its progress.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-changesets.html
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError, WaiterError

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

CAPABILITIES = ("CAPABILITY_IAM",)
POLL_SECONDS = 3.0
_BUSY = "_IN_PROGRESS"
_NEVER_MADE = "REVIEW_IN_PROGRESS"
_NOTHING = ("didn't contain changes", "No updates are to be performed")


class DeployFailed(Exception):  # noqa: N818 - it names what is wrong
    """AWS did not do it; the message says what and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StackChange:
    """One line of a change set; `replacement` is True, False or Conditional, as AWS says it."""

    action: str
    logical_id: str
    kind: str
    replacement: str

    def __str__(self) -> str:
        warning = {"True": "  REPLACED", "Conditional": "  perhaps replaced"}.get(self.replacement, "")
        return f"{self.action:8} {self.logical_id}  {self.kind}{warning}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeSet:
    """What an update would do; `arn` is empty when it would do nothing."""

    arn: str
    is_new: bool
    changes: tuple[StackChange, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """One stack by its name. Every method raises DeployFailed."""

    client: "CloudFormationClient"
    name: str
    sleep: Callable[[float], None] = time.sleep

    def status(self) -> str:
        """Return its status, empty when there is no such stack."""
        return str(self._described().get("StackStatus", ""))

    def outputs(self) -> dict[str, str]:
        """Return its outputs."""
        return {out["OutputKey"]: out["OutputValue"] for out in self._described().get("Outputs", ())}

    def parameters(self) -> dict[str, str]:
        """Return its parameters."""
        found = self._described().get("Parameters", ())
        return {parameter["ParameterKey"]: parameter["ParameterValue"] for parameter in found}

    def propose(self, template: Mapping[str, str], parameters: Mapping[str, str], label: str) -> ChangeSet:
        """Make a change set; `template` is TemplateURL or TemplateBody."""
        status = self.status()
        is_new = status in {"", _NEVER_MADE}
        if status.endswith(_BUSY) and not is_new:
            raise DeployFailed(f"the stack {self.name} is {status}; wait until it is done")
        if status in {"ROLLBACK_COMPLETE", "ROLLBACK_FAILED"}:
            raise DeployFailed(
                f"the stack {self.name} failed when it was first made and can only be removed: "
                f"manage.py teardown --name {self.name}, then deploy again"
            )
        arguments: dict[str, Any] = {
            **template,
            "StackName": self.name,
            "ChangeSetName": label,
            "ChangeSetType": "CREATE" if is_new else "UPDATE",
            "Capabilities": list(CAPABILITIES),
            "Parameters": [{"ParameterKey": k, "ParameterValue": v} for k, v in sorted(parameters.items())],
        }
        with _translated():
            arn = self.client.create_change_set(**arguments)["Id"]
            return self._reviewed(arn, is_new=is_new)

    def discard(self, change_set: ChangeSet) -> None:
        """Forget a change set that nobody wants; a stack that was never made goes with it."""
        with _translated():
            self.client.delete_change_set(ChangeSetName=change_set.arn)
            if change_set.is_new:
                self.client.delete_stack(StackName=self.name)

    def carry_out(self, change_set: ChangeSet, say: Callable[[str], None]) -> None:
        """Carry it out and tell of each step. Raises DeployFailed when AWS rolled it back."""
        last = self._last_event_id()
        with _translated():
            self.client.execute_change_set(ChangeSetName=change_set.arn)
        status = self._follow(last, say)
        if status not in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}:
            raise DeployFailed(f"the stack {self.name} is {status}; the first FAILED line above says why")

    def remove(self, say: Callable[[str], None]) -> None:
        """Delete the stack and tell of each step."""
        last = self._last_event_id()
        with _translated():
            self.client.delete_stack(StackName=self.name)
        status = self._follow(last, say)
        if status not in {"", "DELETE_COMPLETE"}:
            raise DeployFailed(f"the stack {self.name} is {status}; the first FAILED line above says why")

    def resources(self) -> dict[str, tuple[str, str]]:
        """Return logical id -> (type, physical id)."""
        with _translated():
            pages = self.client.get_paginator("list_stack_resources").paginate(StackName=self.name)
            return {
                found["LogicalResourceId"]: (found["ResourceType"], found.get("PhysicalResourceId", ""))
                for page in pages
                for found in page["StackResourceSummaries"]
            }

    def _reviewed(self, arn: str, *, is_new: bool) -> ChangeSet:
        try:
            self.client.get_waiter("change_set_create_complete").wait(ChangeSetName=arn)
        except WaiterError as error:
            reason = str(error.last_response.get("StatusReason", error))
            if any(words in reason for words in _NOTHING):
                self.client.delete_change_set(ChangeSetName=arn)
                return ChangeSet(arn="", is_new=is_new, changes=())
            raise DeployFailed(f"the change set cannot be made: {reason}") from error
        pages = self.client.get_paginator("describe_change_set").paginate(ChangeSetName=arn)
        changes = tuple(
            StackChange(
                action=change["Action"],
                logical_id=change["LogicalResourceId"],
                kind=change["ResourceType"],
                replacement=change.get("Replacement", ""),
            )
            for page in pages
            for change in (entry["ResourceChange"] for entry in page["Changes"])
        )
        return ChangeSet(arn=arn, is_new=is_new, changes=changes)

    def _described(self) -> dict[str, Any]:
        try:
            return dict(self.client.describe_stacks(StackName=self.name)["Stacks"][0])
        except ClientError as error:
            if "does not exist" in str(error):
                return {}
            raise DeployFailed(str(error)) from error

    def _follow(self, last: str, say: Callable[[str], None]) -> str:
        """Tell of the events after `last` until the stack rests; its status then."""
        while True:
            status = self.status()
            for event in self._events_after(last):
                last = event["EventId"]
                reason = f"  {event['ResourceStatusReason']}" if event.get("ResourceStatusReason") else ""
                at: datetime = event["Timestamp"]
                say(f"{at:%H:%M:%S}  {event['ResourceStatus']:28} {event['LogicalResourceId']}{reason}")
            if not status.endswith(_BUSY):
                return status
            self.sleep(POLL_SECONDS)

    def _last_event_id(self) -> str:
        try:
            events = self.client.describe_stack_events(StackName=self.name)["StackEvents"]
        except ClientError:
            return ""
        return events[0]["EventId"] if events else ""

    def _events_after(self, last: str) -> Iterator[Any]:
        """Yield the events after `last`, oldest first; none when the stack is gone."""
        new: list[Any] = []
        try:
            for page in self.client.get_paginator("describe_stack_events").paginate(StackName=self.name):
                for event in page["StackEvents"]:  # newest first
                    if event["EventId"] == last:
                        return iter(reversed(new))
                    new.append(event)
        except ClientError as error:
            if "does not exist" not in str(error):
                raise DeployFailed(str(error)) from error
        return iter(reversed(new))


class _translated:  # noqa: N801 - reads as a word in `with`
    """Turns AWS's errors into DeployFailed."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, ClientError):
            raise DeployFailed(error.response["Error"].get("Message", str(error))) from error
