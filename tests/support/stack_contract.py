"""What must hold of the stack, in every size; scanners know none of it. Each rule is a sentence."""

import json
from collections.abc import Callable, Iterator
from typing import Any

from tests.support.template import ACCOUNT, Stack

Rule = Callable[[Stack], bool]
RULES: dict[str, Rule] = {}

SOURCE_ARN = "arn:aws:s3:::docproc-source-123456789012-us-east-1"
TOPIC_ARN = "arn:aws:sns:us-east-1:123456789012:docproc"
QUEUE_ARN = "arn:aws:sqs:us-east-1:123456789012:docproc-dead-letters"
BUCKETS = ("SourceBucket", "DestinationBucket", "LogBucket")
_OURS = (
    ":key/Key",
    "volume/DataVolume",
    "Address.AllocationId",
    ":secret:SessionSecret",
    ":secret:DatabaseSecret",
    ":catalog",
)
_BY_TAG = {"OnInstancesOfThisStack", "ClaimAddress", "RegisterWithSsm"}
KEPT = (*BUCKETS, "Key", "DeadLetterQueue", "DocumentTable", "InvoiceTable", "LogGroup")


def rule(sentence: str) -> Callable[[Rule], Rule]:
    """Register a rule under its sentence."""

    def register(function: Rule) -> Rule:
        RULES[sentence] = function
        return function

    return register


def broken(stack: Stack) -> list[str]:
    """Return the sentences that do not hold; a part that is not there at all breaks its rule."""
    return [sentence for sentence, holds in RULES.items() if not _holds(holds, stack)]


def _holds(holds: Rule, stack: Stack) -> bool:
    try:
        return holds(stack)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError):
        return False


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _statements(stack: Stack, name: str) -> list[dict[str, Any]]:
    properties = stack.properties(name)
    document = properties.get("PolicyDocument") or properties["KeyPolicy"]
    statements: list[dict[str, Any]] = document["Statement"]
    return statements


def _allowing(stack: Stack, name: str, action: str) -> list[dict[str, Any]]:
    return [
        statement
        for statement in _statements(stack, name)
        if statement["Effect"] == "Allow" and action in _listed(statement["Action"])
    ]


def _tls_only(stack: Stack, name: str, actions: str, resources: set[str]) -> bool:
    return any(
        statement["Effect"] == "Deny"
        and statement["Principal"] == "*"
        and statement["Action"] == actions
        and set(_listed(statement["Resource"])) >= resources
        and statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        for statement in _statements(stack, name)
    )


def role_statements(stack: Stack) -> Iterator[dict[str, Any]]:
    """Yield each statement that the instances' role has, inline or attached."""
    for policy in stack.properties("InstanceRole").get("Policies", ()):
        yield from policy["PolicyDocument"]["Statement"]
    for properties in stack.of("AWS::IAM::Policy").values():
        if "InstanceRole" in properties["Roles"]:
            yield from properties["PolicyDocument"]["Statement"]


def _lifecycle(stack: Stack, bucket: str) -> list[dict[str, Any]]:
    rules = stack.properties(bucket)["LifecycleConfiguration"]["Rules"]
    return [rule for rule in rules if rule["Status"] == "Enabled"]


def _for_all(rules: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what the rules without a prefix say together."""
    return {key: value for rule in rules if "Prefix" not in rule for key, value in rule.items()}


def _inbound(stack: Stack) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, properties in stack.of("AWS::EC2::SecurityGroup").items():
        for entry in properties.get("SecurityGroupIngress", ()):
            yield name, entry
    for name, entry in stack.of("AWS::EC2::SecurityGroupIngress").items():
        yield name, entry


def _is_small(stack: Stack) -> bool:
    return "LoadBalancer" not in stack.resources


def _launch(stack: Stack) -> dict[str, Any]:
    data: dict[str, Any] = stack.properties("LaunchTemplate")["LaunchTemplateData"]
    return data


# --- buckets ---------------------------------------------------------------------------------------


@rule("every bucket blocks public access in all four ways")
def _(stack: Stack) -> bool:
    return set(stack.of("AWS::S3::Bucket")) == set(BUCKETS) and all(
        list(bucket["PublicAccessBlockConfiguration"].values()) == [True] * 4
        for bucket in stack.of("AWS::S3::Bucket").values()
    )


@rule("every bucket is encrypted")
def _(stack: Stack) -> bool:
    return all(
        bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"][0]["ServerSideEncryptionByDefault"][
            "SSEAlgorithm"
        ]
        in {"AES256", "aws:kms"}
        for bucket in stack.of("AWS::S3::Bucket").values()
    )


@rule("rows are encrypted with our key, and a bucket key spares the calls to KMS")
def _(stack: Stack) -> bool:
    [entry] = stack.properties("DestinationBucket")["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    default = entry["ServerSideEncryptionByDefault"]
    return (
        default["SSEAlgorithm"] == "aws:kms"
        and "Key" in default["KMSMasterKeyID"]
        and entry["BucketKeyEnabled"]
    )


@rule("nobody but the bucket's owner owns objects")
def _(stack: Stack) -> bool:
    return all(
        bucket["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
        for bucket in stack.of("AWS::S3::Bucket").values()
    )


@rule("every bucket keeps versions")
def _(stack: Stack) -> bool:
    return all(
        bucket["VersioningConfiguration"]["Status"] == "Enabled"
        for bucket in stack.of("AWS::S3::Bucket").values()
    )


@rule("every bucket is reached over TLS only")
def _(stack: Stack) -> bool:
    return all(
        _tls_only(
            stack,
            f"{name}Policy",
            "s3:*",
            {f"arn:aws:s3:::{b['BucketName']}", f"arn:aws:s3:::{b['BucketName']}/*"},
        )
        for name, b in stack.of("AWS::S3::Bucket").items()
    )


@rule("no bucket policy allows anybody but services, and those for this account only")
def _(stack: Stack) -> bool:
    return all(
        "Service" in statement["Principal"]
        and ACCOUNT in json.dumps([statement.get("Condition"), statement["Resource"]])
        for name in stack.of("AWS::S3::BucketPolicy")
        for statement in _statements(stack, name)
        if statement["Effect"] == "Allow"
    )


@rule("a document expires after a day")
def _(stack: Stack) -> bool:
    return bool(_for_all(_lifecycle(stack, "SourceBucket"))["ExpirationInDays"] == 1)


@rule("an overwritten document expires a day later")
def _(stack: Stack) -> bool:
    return bool(
        _for_all(_lifecycle(stack, "SourceBucket"))["NoncurrentVersionExpiration"] == {"NoncurrentDays": 1}
    )


@rule("no upload that broke off stays for longer than a day")
def _(stack: Stack) -> bool:
    return all(
        _for_all(_lifecycle(stack, bucket))["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 1}
        for bucket in BUCKETS
    )


@rule("markers without versions are removed, or listings of the source bucket would grow for ever")
def _(stack: Stack) -> bool:
    return bool(_for_all(_lifecycle(stack, "SourceBucket"))["ExpiredObjectDeleteMarker"])


@rule("query results are forgotten after a week")
def _(stack: Stack) -> bool:
    return [
        rule["ExpirationInDays"]
        for rule in _lifecycle(stack, "DestinationBucket")
        if rule.get("Prefix") == "athena-results/"
    ] == [7]


@rule("rows never expire")
def _(stack: Stack) -> bool:
    prefixes = [
        r.get("Prefix", "") for r in _lifecycle(stack, "DestinationBucket") if "ExpirationInDays" in r
    ]
    return set(prefixes) <= {"athena-results/", "rejected/"}


def _kept_texts_days(stack: Stack) -> int:
    """Return what the instances are told; 0 is for ever."""
    return int(_launch(stack)["UserData"].split("DOCPROC_KEEP_TEXTS_DAYS=")[1].split()[0])


@rule("copies of rejected documents are kept exactly as long as the ledger keeps texts")
def _(stack: Stack) -> bool:
    rules = [r for r in _lifecycle(stack, "DestinationBucket") if r.get("Prefix") == "rejected/"]
    days = _kept_texts_days(stack)
    return [int(rule["ExpirationInDays"]) for rule in rules] == ([days] if days else [])


@rule("a copy that has expired has no earlier version for longer than a day")
def _(stack: Stack) -> bool:
    rules = [r for r in _lifecycle(stack, "DestinationBucket") if r.get("Prefix") == "rejected/"]
    return all(rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": 1} for rule in rules)


@rule("what was erased is gone for good within a week")
def _(stack: Stack) -> bool:
    days: int = _for_all(_lifecycle(stack, "DestinationBucket"))["NoncurrentVersionExpiration"][
        "NoncurrentDays"
    ]
    return days <= 7


@rule("every upload is notified, to the topic")
def _(stack: Stack) -> bool:
    configuration = stack.properties("SourceBucket")["NotificationConfiguration"]
    return bool(
        configuration == {"TopicConfigurations": [{"Topic": TOPIC_ARN, "Event": "s3:ObjectCreated:*"}]}
    )


@rule("the notification is set when the topic takes it")
def _(stack: Stack) -> bool:
    return "TopicPolicy" in _listed(stack.resources["SourceBucket"]["DependsOn"])


@rule("browsers may post uploads from our pages only")
def _(stack: Stack) -> bool:
    [entry] = stack.properties("SourceBucket")["CorsConfiguration"]["CorsRules"]
    return entry["AllowedMethods"] == ["POST"] and entry["AllowedOrigins"] in (
        ["https://invoices.example.com"],
        ["http://127.0.0.1:8000"],
    )


@rule("buckets say who read them, each in another")
def _(stack: Stack) -> bool:
    logs = {name: stack.properties(name)["LoggingConfiguration"]["DestinationBucketName"] for name in BUCKETS}
    kept = "docproc-logs-123456789012-us-east-1"
    return logs == {"SourceBucket": kept, "DestinationBucket": kept, "LogBucket": "docproc-releases"}


@rule("what holds data stays when the stack goes or replaces it")
def _(stack: Stack) -> bool:
    kept = [name for name in KEPT if name in stack.resources]
    return len(kept) >= 6 and all(
        stack.resources[name]["DeletionPolicy"] == stack.resources[name]["UpdateReplacePolicy"] == "Retain"
        for name in kept
    )


# --- key and topic ---------------------------------------------------------------------------------


@rule("the key is our own and rotates")
def _(stack: Stack) -> bool:
    return bool(stack.properties("Key")["EnableKeyRotation"])


@rule("S3 may use the key for the topic, from our bucket and account only")
def _(stack: Stack) -> bool:
    return any(
        statement["Principal"] == {"Service": "s3.amazonaws.com"}
        and "kms:Decrypt" in statement["Action"]
        and statement["Condition"]["StringEquals"]["aws:SourceAccount"] == ACCOUNT
        and statement["Condition"]["ArnLike"]["aws:SourceArn"] == SOURCE_ARN
        for statement in _allowing(stack, "Key", "kms:GenerateDataKey")
    )


@rule("SNS may use the key for dead letters, and CloudWatch for alarms")
def _(stack: Stack) -> bool:
    services = {
        statement["Principal"].get("Service")
        for statement in _allowing(stack, "Key", "kms:GenerateDataKey")
        if statement["Condition"].get("StringEquals", {}).get("aws:SourceAccount") == ACCOUNT
    }
    return services >= {"sns.amazonaws.com", "cloudwatch.amazonaws.com"}


@rule("the key's policy names its users: the account's IAM, and services")
def _(stack: Stack) -> bool:
    return all(
        statement["Principal"] == {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
        or (set(statement["Principal"]) == {"Service"} and "kms:*" not in _listed(statement["Action"]))
        for statement in _statements(stack, "Key")
    )


@rule("every topic is encrypted with our key, not with aws/sns, which S3 may not use")
def _(stack: Stack) -> bool:
    return all(topic["KmsMasterKeyId"] == "Key" for topic in stack.of("AWS::SNS::Topic").values())


@rule("messages are signed with SHA-256")
def _(stack: Stack) -> bool:
    return bool(stack.properties("Topic")["SignatureVersion"] == "2")


@rule("only S3 publishes to the topic, for our bucket and our account")
def _(stack: Stack) -> bool:
    allowed = [s for s in _statements(stack, "TopicPolicy") if s["Effect"] == "Allow"]
    return len(allowed) == 1 and (
        allowed[0]["Principal"] == {"Service": "s3.amazonaws.com"}
        and allowed[0]["Action"] == "sns:Publish"
        and allowed[0]["Condition"]["StringEquals"] == {"aws:SourceAccount": ACCOUNT}
        and allowed[0]["Condition"]["ArnLike"] == {"aws:SourceArn": SOURCE_ARN}
        and stack.properties("TopicPolicy")["Topics"] == [TOPIC_ARN]
    )


@rule("the topic is reached over TLS only")
def _(stack: Stack) -> bool:
    return _tls_only(stack, "TopicPolicy", "sns:Publish", {TOPIC_ARN})


@rule("failed deliveries are logged with their cause")
def _(stack: Stack) -> bool:
    [entry] = stack.properties("Topic")["DeliveryStatusLogging"]
    return entry["Protocol"] == "http/s" and bool(entry["FailureFeedbackRoleArn"])


# --- subscription and dead letters -------------------------------------------------------------------


@rule("SNS posts over https unless the parameter says http")
def _(stack: Stack) -> bool:
    subscription = stack.properties("Subscription")
    named = ("https", "https://invoices.example.com/sns")
    has_name = "Certificate" in stack.resources or "NameOfInstance" in stack.resources
    expected = named if has_name else ("http", "http://203.0.113.10/sns")
    return (subscription["Protocol"], subscription["Endpoint"]) == expected


@rule("the subscription is made after the group's instance has signalled")
def _(stack: Stack) -> bool:
    signal = stack.resources["Group"]["CreationPolicy"]["ResourceSignal"]
    return "Group" in stack.resources["Subscription"]["DependsOn"] and signal["Count"] >= 1


@rule("messages come signed, not raw")
def _(stack: Stack) -> bool:
    return stack.properties("Subscription")["RawMessageDelivery"] is False


@rule("SNS tries about fifty times within an hour")
def _(stack: Stack) -> bool:
    policy = stack.properties("Subscription")["DeliveryPolicy"]["healthyRetryPolicy"]
    tries, at_once, soon = policy["numRetries"], policy["numNoDelayRetries"], policy["numMinDelayRetries"]
    # No wait is longer than maxDelayTarget, so this bounds the sum from above.
    longest = soon * policy["minDelayTarget"] + (tries - at_once - soon) * policy["maxDelayTarget"]
    return bool(45 <= tries <= 100 and 3000 <= longest <= 3600)


@rule("what SNS gives up on goes to the dead-letter queue")
def _(stack: Stack) -> bool:
    return bool(stack.properties("Subscription")["RedrivePolicy"] == {"deadLetterTargetArn": QUEUE_ARN})


@rule("the queue accepts dead letters before there are any")
def _(stack: Stack) -> bool:
    return "DeadLetterQueuePolicy" in stack.resources["Subscription"]["DependsOn"]


@rule("dead letters are kept for 14 days")
def _(stack: Stack) -> bool:
    return bool(stack.properties("DeadLetterQueue")["MessageRetentionPeriod"] == 1209600)


@rule("dead letters are encrypted with our key")
def _(stack: Stack) -> bool:
    return "Key" in stack.properties("DeadLetterQueue")["KmsMasterKeyId"]


@rule("a dead letter in work is hidden for long enough to finish ten")
def _(stack: Stack) -> bool:
    return bool(stack.properties("DeadLetterQueue")["VisibilityTimeout"] >= 150)


@rule("only our topic writes dead letters, which redrive trusts unsigned")
def _(stack: Stack) -> bool:
    [allowed] = [s for s in _statements(stack, "DeadLetterQueuePolicy") if s["Effect"] == "Allow"]
    denied = [
        s
        for s in _statements(stack, "DeadLetterQueuePolicy")
        if s["Effect"] == "Deny" and s.get("Condition") == {"ArnNotEquals": {"aws:SourceArn": TOPIC_ARN}}
    ]
    return (
        allowed["Principal"] == {"Service": "sns.amazonaws.com"}
        and allowed["Action"] == "sqs:SendMessage"
        and allowed["Condition"] == {"ArnEquals": {"aws:SourceArn": TOPIC_ARN}}
        and len(denied) == 1
        and denied[0]["Principal"] == "*"
        and denied[0]["Action"] == "sqs:SendMessage"
    )


@rule("the queue is reached over TLS only")
def _(stack: Stack) -> bool:
    return _tls_only(stack, "DeadLetterQueuePolicy", "sqs:*", {QUEUE_ARN})


# --- ledger and secrets ----------------------------------------------------------------------------------


@rule("tables cost by the request, can go back in time, are encrypted with our key and cannot be deleted")
def _(stack: Stack) -> bool:
    return all(
        table["BillingMode"] == "PAY_PER_REQUEST"
        and table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"]
        and table["DeletionProtectionEnabled"]
        and table["SSESpecification"]["SSEType"] == "KMS"
        and "Key" in table["SSESpecification"]["KMSMasterKeyId"]
        for table in stack.of("AWS::DynamoDB::Table").values()
    )


@rule("there is a ledger: both tables, or the database")
def _(stack: Stack) -> bool:
    return len(stack.of("AWS::DynamoDB::Table")) == 2 or "Database" in stack.resources


@rule("several instances share their users in the database")
def _(stack: Stack) -> bool:
    return _is_small(stack) or "Database" in stack.resources


@rule("the database is private, encrypted, backed up, in two zones and cannot be deleted")
def _(stack: Stack) -> bool:
    return all(
        not database["PubliclyAccessible"]
        and database["StorageEncrypted"]
        and "Key" in database["KmsKeyId"]
        and database["MultiAZ"]
        and database["DeletionProtection"]
        and database["BackupRetentionPeriod"] >= 7
        for database in stack.of("AWS::RDS::DBInstance").values()
    )


@rule("a database leaves a snapshot")
def _(stack: Stack) -> bool:
    return all(
        resource["DeletionPolicy"] == resource["UpdateReplacePolicy"] == "Snapshot"
        for resource in stack.resources.values()
        if resource["Type"] in {"AWS::RDS::DBInstance", "AWS::EC2::Volume"}
    )


@rule("the database's password comes from Secrets Manager and is in no template")
def _(stack: Stack) -> bool:
    return all(
        database["MasterUserPassword"].startswith("{{resolve:secretsmanager:")
        for database in stack.of("AWS::RDS::DBInstance").values()
    ) and all("SecretString" not in secret for secret in stack.of("AWS::SecretsManager::Secret").values())


@rule("the database takes TLS only, and tells INV-1 from inv-1")
def _(stack: Stack) -> bool:
    return all(
        group["Parameters"]["require_secure_transport"] == "1"
        and group["Parameters"]["collation_server"] == "utf8mb4_bin"
        for group in stack.of("AWS::RDS::DBParameterGroup").values()
    )


@rule("only the instances reach the database")
def _(stack: Stack) -> bool:
    return all(
        entry.get("SourceSecurityGroupId") == "InstanceSecurityGroup"
        for name, entry in _inbound(stack)
        if entry["FromPort"] == 3306
    )


@rule("secrets are encrypted with our key")
def _(stack: Stack) -> bool:
    return "SessionSecret" in stack.resources and all(
        "Key" in secret["KmsKeyId"] for secret in stack.of("AWS::SecretsManager::Secret").values()
    )


# --- instances ----------------------------------------------------------------------------------------------


@rule("the world reaches ports 443 and, of a single instance, 80; nothing else")
def _(stack: Stack) -> bool:
    ports = {
        (entry["FromPort"], entry["ToPort"])
        for _, entry in _inbound(stack)
        if "SourceSecurityGroupId" not in entry
    }
    return ports <= ({(443, 443), (80, 80)} if _is_small(stack) else {(443, 443)}) and bool(ports)


@rule("instances of a fleet are reached through the load balancer only")
def _(stack: Stack) -> bool:
    return _is_small(stack) or all(
        entry["SourceSecurityGroupId"] == "LoadBalancerSecurityGroup"
        for name, entry in _inbound(stack)
        if entry.get("GroupId") == "InstanceSecurityGroup"
    )


@rule("there is no key pair, since shells come through SSM")
def _(stack: Stack) -> bool:
    return "KeyName" not in _launch(stack)


@rule("an instance's credentials are one hop and one token away")
def _(stack: Stack) -> bool:
    options = _launch(stack)["MetadataOptions"]
    return options["HttpTokens"] == "required" and bool(options["HttpPutResponseHopLimit"] == 1)


@rule("every disk is encrypted")
def _(stack: Stack) -> bool:
    mappings = _launch(stack)["BlockDeviceMappings"]
    volumes = [mapping["Ebs"] for mapping in mappings] + list(stack.of("AWS::EC2::Volume").values())
    return bool(mappings) and all(volume["Encrypted"] and volume["VolumeType"] == "gp3" for volume in volumes)


@rule("the root disk is the image's own")
def _(stack: Stack) -> bool:
    [mapping] = _launch(stack)["BlockDeviceMappings"]
    is_amazon_linux = "al2023" in _launch(stack)["ImageId"]
    return bool(mapping["DeviceName"] == ("/dev/xvda" if is_amazon_linux else "/dev/sda1"))


@rule("an instance runs only the release whose hash the stack names")
def _(stack: Stack) -> bool:
    user_data = _launch(stack)["UserData"]
    return (
        f"echo '{'0' * 64}' \"$archive\" | sha256sum --check" in user_data
        and "set -euo pipefail" in user_data
    )


@rule("no secret is in the user data")
def _(stack: Stack) -> bool:
    return "{{resolve:" not in _launch(stack)["UserData"]


@rule("the group starts new instances by the newest template, and waits for their signal")
def _(stack: Stack) -> bool:
    update = stack.resources["Group"]["UpdatePolicy"]["AutoScalingRollingUpdate"]
    version = stack.properties("Group")["LaunchTemplate"]["Version"]
    return version == "LaunchTemplate.LatestVersionNumber" and update["WaitOnResourceSignals"] is True


@rule("a fleet is updated one by one; a single instance goes before its successor takes the volume")
def _(stack: Stack) -> bool:
    update = stack.resources["Group"]["UpdatePolicy"]["AutoScalingRollingUpdate"]
    remaining = update["MinInstancesInService"]
    return update["MaxBatchSize"] == 1 and (remaining == 0 if _is_small(stack) else int(remaining) >= 1)


@rule("a single instance is single, beside its volume")
def _(stack: Stack) -> bool:
    group = stack.properties("Group")
    return not _is_small(stack) or (group["MinSize"], group["MaxSize"], group["VPCZoneIdentifier"]) == (
        "1",
        "1",
        ["SubnetA"],
    )


@rule("instances are replaced on /healthz, never on /readyz")
def _(stack: Stack) -> bool:
    return _is_small(stack) or (
        stack.properties("TargetGroup")["HealthCheckPath"] == "/healthz"
        and stack.properties("Group")["HealthCheckType"] == "ELB"
        and stack.properties("Group")["TargetGroupARNs"] == ["TargetGroup"]
    )


@rule("the load balancer speaks TLS 1.2 and 1.3 only")
def _(stack: Stack) -> bool:
    listeners = stack.of("AWS::ElasticLoadBalancingV2::Listener").values()
    return _is_small(stack) or (
        [(entry["Protocol"], entry["SslPolicy"]) for entry in listeners]
        == [("HTTPS", "ELBSecurityPolicy-TLS13-1-2-2021-06")]
    )


@rule("the load balancer drops malformed headers, logs, and cannot be deleted by mistake")
def _(stack: Stack) -> bool:
    if _is_small(stack):
        return True
    attributes = {a["Key"]: a["Value"] for a in stack.properties("LoadBalancer")["LoadBalancerAttributes"]}
    names = (
        "routing.http.drop_invalid_header_fields.enabled",
        "access_logs.s3.enabled",
        "deletion_protection.enabled",
    )
    return all(attributes[name] == "true" for name in names)


# --- the role --------------------------------------------------------------------------------------


@rule("the role has no managed policies and no wildcard in an action")
def _(stack: Stack) -> bool:
    statements = list(role_statements(stack))
    return (
        "ManagedPolicyArns" not in stack.properties("InstanceRole")
        and len(statements) > 10
        and not any("*" in action for statement in statements for action in _listed(statement["Action"]))
    )


@rule("the role names its resources; only Session Manager's four actions have none")
def _(stack: Stack) -> bool:
    return all(
        statement["Sid"] == "OpenChannels"
        or all(
            resource.startswith("arn:aws:") or resource in {"SessionSecret", "DatabaseSecret"}
            for resource in _listed(statement["Resource"])
        )
        for statement in role_statements(stack)
    )


@rule("the role reaches only what belongs to the stack and the release")
def _(stack: Stack) -> bool:
    return all(
        "docproc" in resource
        or resource.endswith(_OURS)
        or (":ec2:" in resource and statement["Sid"] in _BY_TAG)
        for statement in role_statements(stack)
        if statement["Sid"] != "OpenChannels"
        for resource in _listed(statement["Resource"])
    )


@rule("an address and a volume may be claimed for instances of this stack only")
def _(stack: Stack) -> bool:
    tagged = {"StringEquals": {"aws:ResourceTag/docproc:stack": "docproc"}}
    claims = [
        s
        for s in role_statements(stack)
        if ":instance/*" in str(s["Resource"]) and s["Sid"] != "RegisterWithSsm"
    ]
    return all(statement["Condition"] == tagged for statement in claims) and len(claims) == (
        1 if _is_small(stack) else 0
    )


@rule("who attaches the volume may let EC2 decrypt it, and nobody may hand on the key in any other way")
def _(stack: Stack) -> bool:
    grants = [s for s in role_statements(stack) if "kms:CreateGrant" in _listed(s["Action"])]
    if not _is_small(stack):
        return not grants
    [grant] = grants
    through_ec2 = {
        "Bool": {"kms:GrantIsForAWSResource": "true"},
        "StringEquals": {"kms:ViaService": "ec2.us-east-1.amazonaws.com"},
    }
    return bool(
        grant["Action"] == "kms:CreateGrant"
        and grant["Resource"] == stack.properties("DataVolume")["KmsKeyId"]
        and grant["Condition"] == through_ec2
    )


@rule("documents are never deleted or changed by the service; rows go by an erasure only")
def _(stack: Stack) -> bool:
    deleting = [
        (statement["Sid"], action, resource)
        for statement in role_statements(stack)
        for action in _listed(statement["Action"])
        if action.startswith(("s3:Delete", "s3:PutBucket", "s3:PutLifecycle"))
        for resource in _listed(statement["Resource"])
    ]
    return {(sid, action, resource.split("us-east-1/")[1]) for sid, action, resource in deleting} == {
        ("KeepTablesAndResults", "s3:DeleteObject", "iceberg/*"),
        ("KeepTablesAndResults", "s3:DeleteObject", "athena-results/*"),
        ("RemoveErasedRows", "s3:DeleteObjectVersion", "csv/*"),
    }


@rule("the policy to erase is everything that an erasure needs, and nothing else")
def _(stack: Stack) -> bool:
    allowed = {
        (action, resource.rpartition("us-east-1")[2].split(":")[-1])
        for statement in _statements(stack, "EraserPolicy")
        if statement["Effect"] == "Allow"
        for action in _listed(statement["Action"])
        for resource in _listed(statement["Resource"])
    }
    records = (
        "BatchGetItem",
        "ConditionCheckItem",
        "DeleteItem",
        "GetItem",
        "PutItem",
        "Query",
        "UpdateItem",
    )
    tables = ("docproc-document", "docproc-document/index/*", "docproc-invoice")
    return allowed == {
        ("s3:GetObject", "/csv/*"),
        ("s3:PutObject", "/csv/*"),
        ("s3:DeleteObjectVersion", "/csv/*"),
        ("s3:DeleteObjectVersion", "/rejected/*"),
        ("s3:ListBucket", ""),
        ("s3:ListBucketVersions", ""),
        ("kms:Decrypt", "key/Key"),
        ("kms:GenerateDataKey", "key/Key"),
        *((f"dynamodb:{action}", f"table/{table}") for action in records for table in tables),
    }


@rule("nobody has the policy to erase until somebody attaches it")
def _(stack: Stack) -> bool:
    policies = stack.of("AWS::IAM::ManagedPolicy")
    return set(policies) == {"EraserPolicy"} and not {"Roles", "Users", "Groups"} & set(
        policies["EraserPolicy"]
    )


@rule("only EC2 takes the instances' role")
def _(stack: Stack) -> bool:
    [statement] = stack.properties("InstanceRole")["AssumeRolePolicyDocument"]["Statement"]
    return bool(
        statement["Principal"] == {"Service": "ec2.amazonaws.com"} and statement["Action"] == "sts:AssumeRole"
    )


# --- Athena, logs, alarms ---------------------------------------------------------------------------------


@rule("people's queries are held to their workgroup, and to a scan limit")
def _(stack: Stack) -> bool:
    configuration = stack.properties("PeopleWorkGroup")["WorkGroupConfiguration"]
    return (
        configuration["EnforceWorkGroupConfiguration"] is True
        and int(configuration["BytesScannedCutoffPerQuery"]) > 0
    )


@rule("compaction has a workgroup of its own, without a scan limit")
def _(stack: Stack) -> bool:
    configuration = stack.properties("CompactWorkGroup")["WorkGroupConfiguration"]
    return (
        configuration["EnforceWorkGroupConfiguration"] is True
        and "BytesScannedCutoffPerQuery" not in configuration
    )


@rule("query results are encrypted with our key, where they are forgotten")
def _(stack: Stack) -> bool:
    results = [
        group["WorkGroupConfiguration"]["ResultConfiguration"]
        for group in stack.of("AWS::Athena::WorkGroup").values()
    ]
    return len(results) == 2 and all(
        result["EncryptionConfiguration"]["EncryptionOption"] == "SSE_KMS"
        and "/athena-results/" in result["OutputLocation"]
        for result in results
    )


@rule("a raw row is read with U+0001 as escape, by the hour of its key")
def _(stack: Stack) -> bool:
    table = stack.properties("InvoicesRaw")["TableInput"]
    serde = table["StorageDescriptor"]["SerdeInfo"]
    return (
        serde["SerializationLibrary"].endswith(".OpenCSVSerde")
        and serde["Parameters"] == {"separatorChar": ",", "quoteChar": '"', "escapeChar": "\x01"}
        and table["Parameters"]["storage.location.template"].endswith("/csv/v1/ingest=${ingest}/")
        and table["PartitionKeys"] == [{"Name": "ingest", "Type": "string"}]
        and {column["Type"] for column in table["StorageDescriptor"]["Columns"]} == {"string"}
    )


@rule("logs are kept for a while and encrypted with our key")
def _(stack: Stack) -> bool:
    return all(
        int(group["RetentionInDays"]) >= 30 and "Key" in group["KmsKeyId"]
        for group in stack.of("AWS::Logs::LogGroup").values()
    ) and bool(stack.of("AWS::Logs::LogGroup"))


# Namespace, metric and code of what must not go unnoticed.
ALARMS = {
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible", ""),
    ("AWS/SNS", "NumberOfNotificationsFailed", ""),
    ("AWS/SNS", "NumberOfNotificationsFailedToRedriveToDlq", ""),
    ("AWS/AutoScaling", "GroupInServiceInstances", ""),
    ("docproc", "answers_5xx", ""),
    ("docproc", "oldest_pending_seconds", ""),
    ("docproc", "compaction_age_seconds", ""),
    ("docproc", "rejections", ""),
    ("docproc", "rejections", "conflicting-invoice"),
    ("docproc", "rejections", "internal-error"),
}
FLEET_ALARMS = {
    ("AWS/ApplicationELB", "HTTPCode_ELB_5XX_Count", ""),
    ("AWS/ApplicationELB", "HealthyHostCount", ""),
}


def watched(stack: Stack) -> Iterator[tuple[str, str, str]]:
    """Yield (namespace, metric, code) of each alarm."""
    for alarm in stack.of("AWS::CloudWatch::Alarm").values():
        metrics = [m["MetricStat"]["Metric"] for m in alarm.get("Metrics", ()) if "MetricStat" in m] or [
            alarm
        ]
        for metric in metrics:
            codes = [d["Value"] for d in metric["Dimensions"] if d["Name"] == "reason"]
            yield metric["Namespace"], metric["MetricName"], "".join(codes)


@rule("nothing that must be known goes without an alarm")
def _(stack: Stack) -> bool:
    return set(watched(stack)) >= ALARMS | (set() if _is_small(stack) else FLEET_ALARMS)


@rule("every alarm tells somebody")
def _(stack: Stack) -> bool:
    alarms = list(stack.of("AWS::CloudWatch::Alarm").values())
    return bool(alarms) and all(
        alarm["AlarmActions"] == ["arn:aws:sns:us-east-1:123456789012:docproc-alarms"]
        and alarm.get("ActionsEnabled", True) is True
        for alarm in alarms
    )


@rule("alarms on silence take silence for the fault")
def _(stack: Stack) -> bool:
    alarms = stack.of("AWS::CloudWatch::Alarm")
    silent = {"OldestPendingAlarm", "CompactionAgeAlarm", "NoInstanceAlarm", "NoHealthyHostAlarm"} & set(
        alarms
    )
    return len(silent) >= 3 and all(alarms[name]["TreatMissingData"] == "breaching" for name in silent)


@rule("the oldest version is missed long before it expires")
def _(stack: Stack) -> bool:
    alarm = stack.properties("OldestPendingAlarm")
    return bool(alarm["Threshold"] + alarm["Period"] * alarm["EvaluationPeriods"] <= 6 * 3600)


@rule("one dead letter, one conflict, one internal error is enough for an alarm")
def _(stack: Stack) -> bool:
    names = (
        "DeadLettersAlarm",
        "DeadLettersLostAlarm",
        "NotificationsFailedAlarm",
        "ConflictingInvoiceAlarm",
        "InternalErrorAlarm",
    )
    return all(
        stack.properties(name)["Threshold"] == 1
        and stack.properties(name)["ComparisonOperator"] == "GreaterThanOrEqualToThreshold"
        for name in names
    )


@rule("only alarms publish to the topic of alarms")
def _(stack: Stack) -> bool:
    [statement] = _statements(stack, "AlarmTopicPolicy")
    from_us = {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
    return bool(
        statement["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
        and statement["Condition"] == from_us
    )


@rule("people who asked are told")
def _(stack: Stack) -> bool:
    emails = {s["Endpoint"] for s in stack.of("AWS::SNS::Subscription").values() if s["Protocol"] == "email"}
    topics = {t.get("TopicName") for t in stack.of("AWS::SNS::Topic").values()}
    return ("ap@example.com" in emails) == ("docproc-rejections" in topics) and len(emails) <= 2


@rule("the dashboard is JSON that CloudWatch can read, and shows each metric of ours")
def _(stack: Stack) -> bool:
    body = stack.properties("Dashboard")["DashboardBody"]
    metrics = {m[1] for w in json.loads(body)["widgets"] for m in w["properties"].get("metrics", ())}
    return metrics >= {
        "outcomes",
        "upload_to_row_seconds",
        "pending",
        "oldest_pending_seconds",
        "compaction_age_seconds",
        "answers_5xx",
    }
