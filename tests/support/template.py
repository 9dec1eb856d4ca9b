"""infra/template.yaml as data, and as CloudFormation would see it under given parameters."""

import re
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

PATH = Path(__file__).resolve().parents[2] / "infra" / "template.yaml"
ACCOUNT, REGION, STACK = "123456789012", "us-east-1", "docproc"
_PSEUDO = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Region": REGION,
    "AWS::StackName": STACK,
    "AWS::Partition": "aws",
    "AWS::URLSuffix": "amazonaws.com",
}
_NOTHING = object()
# What Ref and the attribute Arn of a resource are; <Name> is one of its properties. Others are just
# called by their name in the template.
_REFS = {
    "AWS::Athena::WorkGroup": "<Name>",
    "AWS::DynamoDB::Table": "<TableName>",
    "AWS::EC2::EIP": "203.0.113.10",
    "AWS::Glue::Database": STACK,
    "AWS::Logs::LogGroup": "<LogGroupName>",
    "AWS::Route53::RecordSet": "<Name>",
    "AWS::S3::Bucket": "<BucketName>",
    "AWS::SNS::Topic": f"arn:aws:sns:{REGION}:{ACCOUNT}:<TopicName>",
    "AWS::SQS::Queue": f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/<QueueName>",
    "AWS::SecretsManager::Secret": f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:*name*",
}
_ARNS = {
    "AWS::KMS::Key": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/*name*",
    "AWS::Logs::LogGroup": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:<LogGroupName>:*",
    "AWS::S3::Bucket": "arn:aws:s3:::<BucketName>",
    "AWS::SQS::Queue": f"arn:aws:sqs:{REGION}:{ACCOUNT}:<QueueName>",
}
REQUIRED = {
    "ReleaseBucket": "docproc-releases",
    "ReleaseKey": "releases/docproc.tar.gz",
    "ReleaseSha256": "0" * 64,
}
NAMED = {"DomainName": "invoices.example.com", "HostedZoneId": "Z123456789", "EndpointProtocol": "https"}
# Every branch of the template is in one of these.
CONFIGURATIONS: dict[str, dict[str, str]] = {
    "small-http": {"EndpointProtocol": "http"},
    "small": NAMED,
    "small-mysql": {
        **NAMED,
        "Ledger": "mysql",
        "AlarmEmail": "ops@example.com",
        "RejectionEmail": "ap@example.com",
        "KeepTextsDays": "400",
    },
    "scaled": {**NAMED, "Size": "scaled", "AlarmEmail": "ops@example.com", "ImageName": "amazon-linux-2023"},
}


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms, which mean the same as the long ones."""


def _long_form(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
        if suffix == "GetAtt":
            value = value.split(".", 1)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        raise yaml.YAMLError(f"!{suffix} of a mapping")
    return {suffix if suffix in {"Ref", "Condition"} else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _long_form)


def load(path: Path = PATH) -> dict[str, Any]:
    """Return the template with its short forms written out."""
    template: dict[str, Any] = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 - a SafeLoader
    return template


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """The resources that CloudFormation would make, by their names, functions replaced by their values."""

    resources: dict[str, Any]

    def of(self, kind: str) -> dict[str, Any]:
        """Return the properties of each resource of a type, by name."""
        return {
            name: resource.get("Properties", {})
            for name, resource in self.resources.items()
            if resource["Type"] == kind
        }

    def properties(self, name: str) -> dict[str, Any]:
        """Return one resource's properties."""
        properties: dict[str, Any] = self.resources[name]["Properties"]
        return properties


def resolve(template: dict[str, Any], parameters: dict[str, str]) -> Stack:
    """Return the stack that the template makes of the parameters."""
    resolver = _Resolver(template, parameters)
    made = {
        name: resolver.value({key: value for key, value in resource.items() if key != "Condition"})
        for name, resource in deepcopy(template["Resources"]).items()
        if resolver.holds(resource.get("Condition"))
    }
    return Stack(resources=made)


class _Resolver:
    def __init__(self, template: dict[str, Any], parameters: dict[str, str]) -> None:
        self.template = template
        defaults = {
            name: str(spec["Default"]) for name, spec in template["Parameters"].items() if "Default" in spec
        }
        self.parameters = {**defaults, **REQUIRED, **parameters}

    def holds(self, condition: str | None) -> bool:
        return condition is None or self.test(self.template["Conditions"][condition])

    def test(self, expression: Any) -> bool:
        [(function, operand)] = expression.items()
        match function:
            case "Condition":
                return self.holds(operand)
            case "Fn::Equals":
                left, right = (self.value(part) for part in operand)
                return str(left) == str(right)  # as CloudFormation compares
            case "Fn::Not":
                return not self.test(operand[0])
            case "Fn::And":
                return all(self.test(part) for part in operand)
            case "Fn::Or":
                return any(self.test(part) for part in operand)
        raise KeyError(function)

    def value(self, node: Any) -> Any:
        if isinstance(node, list):
            return [value for value in map(self.value, node) if value is not _NOTHING]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            [(function, operand)] = node.items()
            if function == "Ref":
                return self.ref(operand)
            if function.startswith("Fn::"):
                return self.call(function, operand)
        values = {key: self.value(value) for key, value in node.items()}
        return {key: value for key, value in values.items() if value is not _NOTHING}

    def call(self, function: str, operand: Any) -> Any:  # noqa: PLR0911 - one for each function
        match function:
            case "Fn::If":
                condition, yes, no = operand
                return self.value(yes if self.holds(condition) else no)
            case "Fn::Sub":
                text, names = operand if isinstance(operand, list) else (operand, {})
                return self.substitute(text, {key: self.value(value) for key, value in names.items()})
            case "Fn::GetAtt":
                return self.attribute(*operand)
            case "Fn::Base64":
                return self.value(operand)
            case "Fn::Join":
                return operand[0].join(self.value(operand[1]))
            case "Fn::Split":
                return self.value(operand[1]).split(operand[0])
            case "Fn::Select":
                return self.value(operand[1])[operand[0]]
            case "Fn::GetAZs":
                return [f"{REGION}a", f"{REGION}b"]
        raise KeyError(function)

    def substitute(self, text: str, names: dict[str, str]) -> str:
        def one(match: re.Match[str]) -> str:
            name = match[1]
            if name.startswith("!"):
                return f"${{{name[1:]}}}"
            if name in names:
                return str(names[name])
            return str(self.attribute(*name.split(".", 1)) if "." in name else self.ref(name))

        return re.sub(r"\$\{([^}]+)\}", one, text)

    def ref(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return _NOTHING
        known = _PSEUDO.get(name) or self.parameters.get(name)
        return known if known is not None else self.named(name, _REFS)

    def attribute(self, name: str, attribute: str) -> str:
        return self.named(name, _ARNS) if attribute == "Arn" else f"{name}.{attribute}"

    def named(self, name: str, patterns: dict[str, str]) -> str:
        # A name that is not there is a fault that CloudFormation refuses, as this does.
        resource = self.template["Resources"][name]
        properties = resource.get("Properties", {})
        pattern = patterns.get(resource["Type"], name)
        return re.sub(r"<(\w+)>", lambda match: str(self.value(properties[match[1]])), pattern).replace(
            "*name*", name
        )
