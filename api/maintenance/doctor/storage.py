"""The doctor looks at what keeps data: the two buckets, the ledger's tables, Athena's workgroups."""

import json
from typing import Any

from botocore.exceptions import ClientError

from api.maintenance.doctor.examination import Examination, Finding, Findings, Unhealthy, asking

_EVERY_UPLOAD = "s3:ObjectCreated:*"


def source_bucket(examination: Examination) -> Findings:
    """Look whether documents are versions, and expire."""
    s3, bucket = examination.make("s3"), examination.deployment.source_bucket
    with asking(f"the bucket {bucket} cannot be looked at", "check DOCPROC_SOURCE_BUCKET"):
        versioning = s3.get_bucket_versioning(Bucket=bucket).get("Status")
    if versioning != "Enabled":
        yield Finding(
            f"{bucket} keeps no versions: what is overwritten before it was read is lost, and when A, B and"
            " A come under one key, the second A is taken for a repetition of the first, so B stands",
            (f"aws s3api put-bucket-versioning --bucket {bucket} --versioning-configuration Status=Enabled"),
        )
    rules = _lifecycle(s3, bucket)
    expires = any(rule["Status"] == "Enabled" and rule.get("Expiration", {}).get("Days") for rule in rules)
    forgets = any(rule["Status"] == "Enabled" and rule.get("NoncurrentVersionExpiration") for rule in rules)
    if not (expires and forgets):
        yield Finding(
            f"documents in {bucket} never expire, so each sweep lists more of them",
            "manage.py deploy (the template has the life cycle: a day, and one more for old versions)",
        )


def notification(examination: Examination) -> Findings:
    """Look whether every upload is notified to our topic."""
    bucket, topic = examination.deployment.source_bucket, examination.deployment.topic_arn
    setting = {"TopicConfigurations": [{"TopicArn": topic, "Events": [_EVERY_UPLOAD]}]}
    mend = (
        f"aws s3api put-bucket-notification-configuration --bucket {bucket} "
        f"--notification-configuration '{json.dumps(setting)}'"
    )
    with asking(f"the notifications of {bucket} cannot be looked at", "check DOCPROC_SOURCE_BUCKET"):
        found = examination.make("s3").get_bucket_notification_configuration(Bucket=bucket)
    ours = [entry for entry in found.get("TopicConfigurations", ()) if entry["TopicArn"] == topic]
    if not ours:
        yield Finding(f"{bucket} does not notify {topic}", mend)
    elif not any(_EVERY_UPLOAD in entry["Events"] for entry in ours):
        yield Finding(f"{bucket} notifies only some uploads: {ours[0]['Events']}", mend)
    elif all(entry.get("Filter", {}).get("Key", {}).get("FilterRules") for entry in ours):
        yield Finding(f"{bucket} notifies only uploads that pass a filter", mend)


def destination_bucket(examination: Examination) -> Findings:
    """Look whether there is somewhere to write to."""
    with asking(
        f"the bucket {examination.deployment.destination_bucket} cannot be reached",
        "check DOCPROC_DESTINATION_BUCKET",
    ):
        examination.make("s3").head_bucket(Bucket=examination.deployment.destination_bucket)
    yield from ()


def tables(examination: Examination) -> Findings:
    """Look whether the ledger's tables are there."""
    for table in examination.deployment.tables:
        with asking(f"the table {table} cannot be looked at", "check its name, or manage.py deploy"):
            found = examination.make("dynamodb").describe_table(TableName=table)["Table"]
        if found["TableStatus"] not in {"ACTIVE", "UPDATING"}:
            yield Finding(
                f"the table {table} is {found['TableStatus']}",
                f"aws dynamodb wait table-exists --table-name {table}",
            )
        if not found.get("GlobalSecondaryIndexes"):
            yield Finding(
                f"the table {table} has no index, so listings fail",
                "manage.py deploy (the template has them)",
            )


def workgroups(examination: Examination) -> Findings:
    """Look whether Athena has the workgroups that reports and compaction run in."""
    for name in examination.deployment.workgroups:
        with asking(f"the workgroup {name} cannot be looked at", "manage.py deploy, or check its name"):
            found = examination.make("athena").get_work_group(WorkGroup=name).get("WorkGroup")
        if not found:
            yield Finding(f"there is no workgroup {name}", "manage.py deploy, or check its name")
        elif found.get("State") == "DISABLED":
            yield Finding(
                f"the workgroup {name} is disabled",
                f"aws athena update-work-group --work-group {name} --state ENABLED",
            )


def _lifecycle(s3: Any, bucket: str) -> list[dict[str, Any]]:  # noqa: ANN401 - boto3's
    try:
        rules: list[dict[str, Any]] = s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchLifecycleConfiguration":
            return []
        raise Unhealthy(f"the life cycle of {bucket} cannot be looked at", "check the role") from error
    return rules
