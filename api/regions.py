"""Who signs the messages of a topic, by the topic's region. Pure data.

The names are those of AWS's own verifier (SnsHostProvider in aws-sdk-java-v2, sns-message-manager):
https://github.com/aws/aws-sdk-java-v2/tree/master/services-custom/sns-message-manager
The isolated partitions and the European sovereign cloud are left out.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

_SHARED = "sns.amazonaws.com"
_OWN = "sns-signing.{region}.amazonaws.com"
_CHINA = "sns-{region}.amazonaws.com.cn"
_GOVCLOUD = "sns-us-gov-west-1.amazonaws.com"

# Partition -> region -> the common name in the certificates of its SNS.
CERTIFICATE_NAMES: Mapping[str, Mapping[str, str]] = {
    "aws": {
        "af-south-1": _OWN,
        "ap-east-1": _OWN,
        "ap-east-2": _OWN,
        "ap-northeast-1": _SHARED,
        "ap-northeast-2": _SHARED,
        "ap-northeast-3": _SHARED,
        "ap-south-1": _SHARED,
        "ap-south-2": _OWN,
        "ap-southeast-1": _SHARED,
        "ap-southeast-2": _SHARED,
        "ap-southeast-3": _OWN,
        "ap-southeast-4": _OWN,
        "ap-southeast-5": _OWN,
        "ap-southeast-6": _OWN,
        "ap-southeast-7": _OWN,
        "ca-central-1": _SHARED,
        "ca-west-1": _OWN,
        "eu-central-1": _SHARED,
        "eu-central-2": _OWN,
        "eu-north-1": _SHARED,
        "eu-south-1": _OWN,
        "eu-south-2": _OWN,
        "eu-west-1": _SHARED,
        "eu-west-2": _SHARED,
        "eu-west-3": _SHARED,
        "il-central-1": _OWN,
        "me-central-1": _OWN,
        "me-south-1": _OWN,
        "mx-central-1": _OWN,
        "sa-east-1": _SHARED,
        "us-east-1": _SHARED,
        "us-east-2": _SHARED,
        "us-west-1": _SHARED,
        "us-west-2": _SHARED,
    },
    "aws-cn": {"cn-north-1": _CHINA, "cn-northwest-1": _CHINA},
    "aws-us-gov": {"us-gov-east-1": _GOVCLOUD, "us-gov-west-1": _GOVCLOUD},
}
_SUFFIXES = {"aws": "amazonaws.com", "aws-cn": "amazonaws.com.cn", "aws-us-gov": "amazonaws.com"}
_TOPIC_ARN = re.compile(r"arn:([a-z-]+):sns:([a-z0-9-]+):[0-9]{12}:[A-Za-z0-9_-]{1,256}")


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signs for a topic: where its certificates are, and the name that they must bear.

    `base_url` has no slash at its end; a certificate is a file right below it.
    """

    base_url: str
    certificate_name: str

    @property
    def origin(self) -> str:
        """Return scheme, host and port of the base URL, as a prefix that ends with a slash."""
        parts = urlsplit(self.base_url)
        return f"{parts.scheme}://{parts.netloc}/"


def signer_of(topic_arn: str) -> Signer:
    """Return who signs for the topic at AWS; raise ValueError when no known region has such a topic."""
    match = _TOPIC_ARN.fullmatch(topic_arn)
    partition, region = match.groups() if match else ("", "")
    name = CERTIFICATE_NAMES.get(partition, {}).get(region)
    if name is None:
        raise ValueError(f"{topic_arn!r} is not the ARN of an SNS topic in a region that docproc knows")
    return Signer(f"https://sns.{region}.{_SUFFIXES[partition]}", name.format(region=region))


def signers_of(topic_arns: Iterable[str], local: Signer | None = None) -> dict[str, Signer]:
    """Return topic -> who signs for it: AWS, or the one local signer. Raises ValueError like signer_of."""
    return {topic_arn: local or signer_of(topic_arn) for topic_arn in topic_arns}
