# ruff: noqa: FBT003 - a template's values, no flags
"""Faulty templates, each made of the good one by a single fault, named by what it would do."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

Template = dict[str, Any]
_GONE = object()
_EVERYONE = {"AWS": "*"}


def _at(path: str, value: Any) -> Callable[[Template], None]:
    """Return the fault that puts another value at the path (below Resources, if it names no
    other part), or takes what is there away."""

    def change(template: Template) -> None:
        *parents, last = [int(part) if part.isdigit() else part for part in path.split("/")]
        node: Any = template if parents[:1] == ["Conditions"] else template["Resources"]
        for part in parents:
            node = node[part]
        if value is _GONE:
            node.pop(last)
        elif isinstance(node, list) and last == len(node):
            node.append(value)
        else:
            node[last] = value

    return change


_RULES = "Properties/LifecycleConfiguration/Rules"
_DEFAULT = "Properties/BucketEncryption/ServerSideEncryptionConfiguration/0/ServerSideEncryptionByDefault"
_STATEMENT = "Properties/PolicyDocument/Statement"
_CLAIM = "InstanceRole/Properties/Policies/0/Fn::If/1/PolicyDocument/Statement"
_LAUNCH = "LaunchTemplate/Properties/LaunchTemplateData"
_SUBSCRIPTION = "Subscription/Properties"
_ANY = {"Sid": "Any", "Effect": "Allow", "Resource": "*"}

FAULTS: dict[str, Callable[[Template], None]] = {
    # Buckets.
    "documents never expire": _at(f"SourceBucket/{_RULES}/0/ExpirationInDays", _GONE),
    "documents expire after a month": _at(f"SourceBucket/{_RULES}/0/ExpirationInDays", 30),
    "expiry is switched off": _at(f"SourceBucket/{_RULES}/0/Status", "Disabled"),
    "overwritten documents stay": _at(f"SourceBucket/{_RULES}/0/NoncurrentVersionExpiration", _GONE),
    "broken uploads stay": _at(f"SourceBucket/{_RULES}/0/AbortIncompleteMultipartUpload", _GONE),
    "broken uploads of rows stay": _at(f"DestinationBucket/{_RULES}/1/AbortIncompleteMultipartUpload", _GONE),
    "delete markers stay": _at(f"SourceBucket/{_RULES}/1", _GONE),
    "rows expire": _at(f"DestinationBucket/{_RULES}/0/Prefix", "csv/"),
    "everything in the destination expires": _at(f"DestinationBucket/{_RULES}/0/Prefix", _GONE),
    "query results stay": _at(f"DestinationBucket/{_RULES}/0/Status", "Disabled"),
    "erased rows stay readable": _at(f"DestinationBucket/{_RULES}/1/NoncurrentVersionExpiration", _GONE),
    "copies of rejections outlive the texts": _at(f"DestinationBucket/{_RULES}/3", _GONE),
    "copies of rejections go before the texts": _at(
        f"DestinationBucket/{_RULES}/3/Fn::If/1/ExpirationInDays", 1
    ),
    "copies go although texts are kept for ever": _at(
        "Conditions/DropsTexts", {"Fn::Equals": ["yes", "yes"]}
    ),
    "a copy that has gone stays as a version": _at(
        f"DestinationBucket/{_RULES}/3/Fn::If/1/NoncurrentVersionExpiration", _GONE
    ),
    "no versions of documents": _at("SourceBucket/Properties/VersioningConfiguration", _GONE),
    "versions suspended": _at("DestinationBucket/Properties/VersioningConfiguration/Status", "Suspended"),
    "no notification": _at("SourceBucket/Properties/NotificationConfiguration", _GONE),
    "only PutObject is notified": _at(
        "SourceBucket/Properties/NotificationConfiguration/TopicConfigurations/0/Event",
        "s3:ObjectCreated:Put",
    ),
    "removals are notified instead": _at(
        "SourceBucket/Properties/NotificationConfiguration/TopicConfigurations/0/Event", "s3:ObjectRemoved:*"
    ),
    "the bucket is made before the topic lets it publish": _at("SourceBucket/DependsOn", _GONE),
    "any page may post uploads": _at(
        "SourceBucket/Properties/CorsConfiguration/CorsRules/0/AllowedOrigins", ["*"]
    ),
    "public access is open": _at("DestinationBucket/Properties/PublicAccessBlockConfiguration", _GONE),
    "public policies are allowed": _at(
        "SourceBucket/Properties/PublicAccessBlockConfiguration/BlockPublicPolicy", False
    ),
    "uploaders own their objects": _at(
        "SourceBucket/Properties/OwnershipControls/Rules/0/ObjectOwnership", "ObjectWriter"
    ),
    "rows are not encrypted with our key": _at(f"DestinationBucket/{_DEFAULT}", {"SSEAlgorithm": "AES256"}),
    "a call to KMS for each row": _at(
        "DestinationBucket/Properties/BucketEncryption/ServerSideEncryptionConfiguration/0/BucketKeyEnabled",
        False,
    ),
    "documents are not encrypted": _at("SourceBucket/Properties/BucketEncryption", _GONE),
    "documents may travel in the clear": _at(f"SourceBucketPolicy/{_STATEMENT}/0/Effect", "Allow"),
    "everyone may read rows": _at(
        f"DestinationBucketPolicy/{_STATEMENT}/1",
        {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"},
    ),
    "the source bucket goes with the stack": _at("SourceBucket/DeletionPolicy", "Delete"),
    "the rows go with the stack": _at("DestinationBucket/DeletionPolicy", _GONE),
    "a renamed bucket loses its rows": _at("DestinationBucket/UpdateReplacePolicy", "Delete"),
    "nobody knows who read rows": _at("DestinationBucket/Properties/LoggingConfiguration", _GONE),
    # Key and topic.
    "the key never rotates": _at("Key/Properties/EnableKeyRotation", False),
    "the key goes with the stack": _at("Key/DeletionPolicy", "Delete"),
    "S3 may not use the key, so notifications are lost": _at("Key/Properties/KeyPolicy/Statement/1", _GONE),
    "the wrong service may use the key": _at(
        "Key/Properties/KeyPolicy/Statement/1/Principal/Service", "s3-outposts.amazonaws.com"
    ),
    "everyone may use the key": _at("Key/Properties/KeyPolicy/Statement/0/Principal", _EVERYONE),
    "any account's bucket may use the key": _at("Key/Properties/KeyPolicy/Statement/1/Condition", _GONE),
    "dead letters cannot be encrypted": _at("Key/Properties/KeyPolicy/Statement/2", _GONE),
    "alarms cannot be encrypted": _at("Key/Properties/KeyPolicy/Statement/3", _GONE),
    "the topic has the key aws/sns": _at("Topic/Properties/KmsMasterKeyId", "alias/aws/sns"),
    "the topic is not encrypted": _at("Topic/Properties/KmsMasterKeyId", _GONE),
    "messages are signed with SHA-1": _at("Topic/Properties/SignatureVersion", "1"),
    "the signature's version is left to AWS": _at("Topic/Properties/SignatureVersion", _GONE),
    "everyone publishes to the topic": _at(f"TopicPolicy/{_STATEMENT}/0/Principal", "*"),
    "any bucket publishes to the topic": _at(f"TopicPolicy/{_STATEMENT}/0/Condition/ArnLike", _GONE),
    "a bucket of the same name elsewhere publishes": _at(
        f"TopicPolicy/{_STATEMENT}/0/Condition/StringEquals", _GONE
    ),
    "the topic may be used in the clear": _at(f"TopicPolicy/{_STATEMENT}/1", _GONE),
    "the topic's policy is another topic's": _at("TopicPolicy/Properties/Topics", [{"Ref": "AlarmTopic"}]),
    "nobody knows why deliveries fail": _at("Topic/Properties/DeliveryStatusLogging", _GONE),
    # Subscription and dead letters.
    "SNS posts in the clear": _at(f"{_SUBSCRIPTION}/Protocol", "http"),
    "SNS posts to another path": _at(f"{_SUBSCRIPTION}/Endpoint", "https://invoices.example.com/"),
    "messages come raw": _at(f"{_SUBSCRIPTION}/RawMessageDelivery", True),
    "SNS tries three times": _at(f"{_SUBSCRIPTION}/DeliveryPolicy", _GONE),
    "SNS gives up within minutes": _at(
        f"{_SUBSCRIPTION}/DeliveryPolicy/healthyRetryPolicy/maxDelayTarget", 5
    ),
    "SNS refuses the retry policy": _at(
        f"{_SUBSCRIPTION}/DeliveryPolicy/healthyRetryPolicy/maxDelayTarget", 600
    ),
    "no dead-letter queue": _at(f"{_SUBSCRIPTION}/RedrivePolicy", _GONE),
    "SNS asks before anybody answers": _at("Subscription/DependsOn", ["DeadLetterQueuePolicy"]),
    "the first message may be lost to the queue's policy": _at("Subscription/DependsOn", ["Group"]),
    "the group does not wait for its instance": _at("Group/CreationPolicy", _GONE),
    "dead letters stay for four hours": _at("DeadLetterQueue/Properties/MessageRetentionPeriod", 14400),
    "dead letters stay for four days": _at("DeadLetterQueue/Properties/MessageRetentionPeriod", _GONE),
    "dead letters are not encrypted": _at("DeadLetterQueue/Properties/KmsMasterKeyId", _GONE),
    "dead letters reappear while they are worked on": _at("DeadLetterQueue/Properties/VisibilityTimeout", 30),
    "any topic writes dead letters": _at(f"DeadLetterQueuePolicy/{_STATEMENT}/0/Condition", _GONE),
    "everyone writes dead letters": _at(f"DeadLetterQueuePolicy/{_STATEMENT}/0/Principal", "*"),
    "our own account's roles write dead letters": _at(f"DeadLetterQueuePolicy/{_STATEMENT}/1", _GONE),
    "dead letters go with the stack": _at("DeadLetterQueue/DeletionPolicy", "Delete"),
    # Ledger and secrets.
    "the ledger cannot go back in time": _at(
        "DocumentTable/Properties/PointInTimeRecoverySpecification", _GONE
    ),
    "the ledger can be deleted": _at("InvoiceTable/Properties/DeletionProtectionEnabled", False),
    "the ledger goes with the stack": _at("InvoiceTable/DeletionPolicy", "Delete"),
    "the ledger has AWS's key": _at("DocumentTable/Properties/SSESpecification", _GONE),
    "the ledger has a fixed capacity": _at("DocumentTable/Properties/BillingMode", "PROVISIONED"),
    "the database is public": _at("Database/Properties/PubliclyAccessible", True),
    "the database is not encrypted": _at("Database/Properties/StorageEncrypted", False),
    "the database is not backed up": _at("Database/Properties/BackupRetentionPeriod", 0),
    "the database goes without a snapshot": _at("Database/DeletionPolicy", "Delete"),
    "the database's password is in the template": _at(
        "Database/Properties/MasterUserPassword", "docproc-docproc"
    ),
    "the database talks in the clear": _at(
        "DatabaseParameters/Properties/Parameters/require_secure_transport", "0"
    ),
    "INV-1 and inv-1 are one invoice": _at(
        "DatabaseParameters/Properties/Parameters/collation_server", "utf8mb4_0900_ai_ci"
    ),
    "the world reaches the database": _at(
        "DatabaseSecurityGroup/Properties/SecurityGroupIngress/0",
        {"IpProtocol": "tcp", "FromPort": 3306, "ToPort": 3306, "CidrIp": "0.0.0.0/0", "Description": "all"},
    ),
    # Instances.
    "port 22 is open": _at(
        "InstanceSecurityGroup/Properties/SecurityGroupIngress",
        [{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "CidrIp": "0.0.0.0/0", "Description": "ssh"}],
    ),
    "every port is open": _at("HttpsFromWorld/Properties/FromPort", 0),
    "there is a key pair": _at(f"{_LAUNCH}/KeyName", "ops"),
    "credentials without a token": _at(f"{_LAUNCH}/MetadataOptions/HttpTokens", "optional"),
    "credentials two hops away": _at(f"{_LAUNCH}/MetadataOptions/HttpPutResponseHopLimit", 2),
    "the root disk is not encrypted": _at(f"{_LAUNCH}/BlockDeviceMappings/0/Ebs/Encrypted", False),
    "the wrong disk is encrypted": _at(f"{_LAUNCH}/BlockDeviceMappings/0/DeviceName", "/dev/sdb"),
    "users are on a disk that is not encrypted": _at("DataVolume/Properties/Encrypted", False),
    "users go with the stack": _at("DataVolume/DeletionPolicy", "Delete"),
    "any release is installed": _at(
        f"{_LAUNCH}/UserData", {"Fn::Base64": "#!/bin/bash\ncurl https://example.com | bash"}
    ),
    "a new release never starts": _at("Group/Properties/LaunchTemplate/Version", "1"),
    "a broken release replaces a good one": _at(
        "Group/UpdatePolicy/AutoScalingRollingUpdate/WaitOnResourceSignals", False
    ),
    "the whole fleet is updated at once": _at("Group/UpdatePolicy/AutoScalingRollingUpdate/MaxBatchSize", 6),
    "a single instance runs where its volume is not": _at(
        "Group/Properties/VPCZoneIdentifier", [{"Ref": "SubnetA"}, {"Ref": "SubnetB"}]
    ),
    "an outage of DynamoDB kills the fleet": _at("TargetGroup/Properties/HealthCheckPath", "/readyz"),
    "a hung instance stays": _at("Group/Properties/HealthCheckType", "EC2"),
    "the load balancer speaks TLS 1.0": _at("Listener/Properties/SslPolicy", "ELBSecurityPolicy-2016-08"),
    "the load balancer does not log": _at("LoadBalancer/Properties/LoadBalancerAttributes/1/Value", "false"),
    # The role.
    "the role may do anything in S3": _at(f"InstancePolicy/{_STATEMENT}/0/Action", "s3:*"),
    "the role reads every bucket": _at(f"InstancePolicy/{_STATEMENT}/0/Resource", "*"),
    "the role may do anything": _at(f"InstancePolicy/{_STATEMENT}/0", {**_ANY, "Action": "*"}),
    "the role deletes documents": _at(
        f"InstancePolicy/{_STATEMENT}/0/Action", ["s3:GetObject", "s3:GetObjectVersion", "s3:DeleteObject"]
    ),
    "the role has a full-access policy": _at(
        "InstanceRole/Properties/ManagedPolicyArns", ["arn:aws:iam::aws:policy/AmazonS3FullAccess"]
    ),
    "the role uses any key": _at(
        f"InstancePolicy/{_STATEMENT}/14/Resource", "arn:aws:kms:us-east-1:123456789012:key/*"
    ),
    "everyone in the account takes the role": _at(
        "InstanceRole/Properties/AssumeRolePolicyDocument/Statement/0/Principal", {"AWS": "123456789012"}
    ),
    # Athena, logs, alarms.
    "analysts choose their own settings": _at(
        "PeopleWorkGroup/Properties/WorkGroupConfiguration/EnforceWorkGroupConfiguration", False
    ),
    "a query may scan everything": _at(
        "PeopleWorkGroup/Properties/WorkGroupConfiguration/BytesScannedCutoffPerQuery", _GONE
    ),
    "compaction hits a scan limit": _at(
        "CompactWorkGroup/Properties/WorkGroupConfiguration/BytesScannedCutoffPerQuery", 10485760
    ),
    "query results are not encrypted": _at(
        "PeopleWorkGroup/Properties/WorkGroupConfiguration/ResultConfiguration/EncryptionConfiguration", _GONE
    ),
    "query results stay for ever": _at(
        "PeopleWorkGroup/Properties/WorkGroupConfiguration/ResultConfiguration/OutputLocation",
        "s3://elsewhere/",
    ),
    "a backslash damages a row": _at(
        "InvoicesRaw/Properties/TableInput/StorageDescriptor/SerdeInfo/Parameters/escapeChar", "\\"
    ),
    "amounts are read as doubles": _at(
        "InvoicesRaw/Properties/TableInput/StorageDescriptor/Columns/5/Type", "double"
    ),
    "logs stay for ever": _at("LogGroup/Properties/RetentionInDays", _GONE),
    "logs are not encrypted": _at("LogGroup/Properties/KmsKeyId", _GONE),
    "no alarm on dead letters": _at("DeadLettersAlarm", _GONE),
    "no alarm on failed deliveries": _at("NotificationsFailedAlarm", _GONE),
    "no alarm on lost dead letters": _at("DeadLettersLostAlarm", _GONE),
    "no alarm on 5xx": _at("ServerErrorsAlarm", _GONE),
    "no alarm on an empty fleet": _at("NoHealthyHostAlarm", _GONE),
    "no alarm on pending documents": _at("OldestPendingAlarm", _GONE),
    "no alarm on rejections": _at("RejectionRateAlarm", _GONE),
    "no alarm on conflicts": _at(
        "ConflictingInvoiceAlarm/Properties/Dimensions/1/Value", "duplicate-invoice"
    ),
    "no alarm on internal errors": _at("InternalErrorAlarm", _GONE),
    "no alarm on compaction": _at("CompactionAgeAlarm/Properties/MetricName", "compaction_age"),
    "an alarm that tells nobody": _at("InternalErrorAlarm/Properties/AlarmActions", []),
    "an alarm that is switched off": _at("DeadLettersAlarm/Properties/ActionsEnabled", False),
    "a dead timer goes unnoticed": _at("OldestPendingAlarm/Properties/TreatMissingData", "notBreaching"),
    "compaction that never succeeds goes unnoticed": _at(
        "CompactionAgeAlarm/Properties/TreatMissingData", "notBreaching"
    ),
    "pending documents are missed after they expired": _at("OldestPendingAlarm/Properties/Threshold", 90000),
    "nine conflicts go unnoticed": _at("ConflictingInvoiceAlarm/Properties/Threshold", 10),
    "alarms cannot be published": _at(
        f"AlarmTopicPolicy/{_STATEMENT}/0/Principal/Service", "events.amazonaws.com"
    ),
    "secrets have AWS's key": _at("SessionSecret/Properties/KmsKeyId", _GONE),
    "the queue may be used in the clear": _at(f"DeadLetterQueuePolicy/{_STATEMENT}/2", _GONE),
    "there is no ledger": _at("Conditions/KeepsLedgerInDynamoDB", {"Fn::Equals": ["yes", "no"]}),
    "a fleet has no shared users": _at("Conditions/HasDatabase", {"Condition": "KeepsLedgerInMySQL"}),
    "a secret is in the user data": _at(
        f"{_LAUNCH}/UserData/Fn::Base64/Fn::Sub/1/Host", "{{resolve:secretsmanager:docproc}}"
    ),
    "the service may erase rejections": _at(
        f"InstancePolicy/{_STATEMENT}/6/Resource", [{"Fn::Sub": "${DestinationBucket.Arn}/rejected/*"}]
    ),
    "the service may erase everything": _at("EraserPolicy/Properties/Roles", [{"Ref": "InstanceRole"}]),
    "an erasure leaves the copies": _at(f"EraserPolicy/{_STATEMENT}/1", _GONE),
    "who erases may delete documents": _at(
        f"EraserPolicy/{_STATEMENT}/1/Resource", {"Fn::Sub": "${SourceBucket.Arn}/*"}
    ),
    "volumes of any instance are taken": _at(f"{_CLAIM}/1/Condition", _GONE),
    "the volume cannot be attached, since EC2 may not decrypt it": _at(f"{_CLAIM}/2", _GONE),
    "the role hands the key on to anybody": _at(f"{_CLAIM}/2/Condition", _GONE),
    "the role hands the key on by a request of its own": _at(f"{_CLAIM}/2/Condition/Bool", _GONE),
    "the role hands the key on through any service": _at(f"{_CLAIM}/2/Condition/StringEquals", _GONE),
    "the volume has another key than EC2 may decrypt": _at("DataVolume/Properties/KmsKeyId", "alias/aws/ebs"),
    "a fleet hands the key on": _at(
        f"InstancePolicy/{_STATEMENT}/14/Action", ["kms:Decrypt", "kms:GenerateDataKey", "kms:CreateGrant"]
    ),
    "the role takes any role": _at(
        f"InstancePolicy/{_STATEMENT}/10/Resource", "arn:aws:sns:us-east-1:123456789012:*"
    ),
    "the world reaches the instances behind the load balancer": _at(
        "HttpsFromLoadBalancer/Properties/SourceSecurityGroupId", {"Ref": "DatabaseSecurityGroup"}
    ),
    "the dashboard is no JSON": _at("Dashboard/Properties/DashboardBody", "{widgets: []}"),
    "people hear nothing of rejections": _at("RejectionSubscription", _GONE),
}


def mutants(template: Template) -> Iterator[tuple[str, Template]]:
    """Yield each fault's name with the template that has it."""
    for name, change in FAULTS.items():
        faulty = deepcopy(template)
        change(faulty)
        yield name, faulty
