import json
from pathlib import Path

import botocore.session
import pytest

from api.regions import CERTIFICATE_NAMES, Signer, signer_of, signers_of


def topic(region: str, partition: str = "aws") -> str:
    return f"arn:{partition}:sns:{region}:123456789012:docproc"


class TestSignerOf:
    @pytest.mark.parametrize(
        ("topic_arn", "base_url", "name"),
        [
            (topic("us-east-1"), "https://sns.us-east-1.amazonaws.com", "sns.amazonaws.com"),
            (topic("eu-west-2"), "https://sns.eu-west-2.amazonaws.com", "sns.amazonaws.com"),
            (
                topic("af-south-1"),
                "https://sns.af-south-1.amazonaws.com",
                "sns-signing.af-south-1.amazonaws.com",
            ),
            (
                topic("cn-northwest-1", "aws-cn"),
                "https://sns.cn-northwest-1.amazonaws.com.cn",
                "sns-cn-northwest-1.amazonaws.com.cn",
            ),
            (
                topic("us-gov-east-1", "aws-us-gov"),
                "https://sns.us-gov-east-1.amazonaws.com",
                "sns-us-gov-west-1.amazonaws.com",
            ),
        ],
    )
    def test_knows_the_region(self, topic_arn: str, base_url: str, name: str) -> None:
        assert signer_of(topic_arn) == Signer(base_url, name)

    @pytest.mark.parametrize(
        "topic_arn",
        [
            "",
            "docproc",
            topic("us-east-9"),
            topic("us-east-1", "aws-cn"),
            topic("cn-north-1"),
            topic("us-east-1", "aws-iso"),
            "arn:aws:sqs:us-east-1:123456789012:docproc",
            "arn:aws:sns:us-east-1:1234:docproc",
            "arn:aws:sns:us-east-1:123456789012:docproc:0fe0bffc",
            "arn:aws:sns:us-east-1:123456789012:docproc\n",
            "arn:aws:sns:us-east-1/x:123456789012:docproc",
        ],
    )
    def test_names_what_is_no_topic_of_a_known_region(self, topic_arn: str) -> None:
        with pytest.raises(
            ValueError, match="is not the ARN of an SNS topic in a region that docproc knows"
        ) as error:
            signer_of(topic_arn)

        assert repr(topic_arn) in str(error.value)


class TestSignersOf:
    def test_are_those_of_aws(self) -> None:
        topics = [topic("us-east-1"), topic("ap-east-1")]

        signers = signers_of(topics)

        assert signers[topics[0]].certificate_name == "sns.amazonaws.com"
        assert signers[topics[1]].certificate_name == "sns-signing.ap-east-1.amazonaws.com"

    def test_are_the_local_one_for_every_topic(self) -> None:
        local = Signer("http://127.0.0.1:5000", "local")

        assert signers_of([topic("us-east-1"), topic("xx-1")], local) == {
            topic("us-east-1"): local,
            topic("xx-1"): local,
        }


class TestOrigin:
    def test_is_scheme_host_and_port(self) -> None:
        assert Signer("http://127.0.0.1:5000/_aws/sns", "x").origin == "http://127.0.0.1:5000/"


class TestTable:
    def test_has_every_region_that_botocore_knows(self) -> None:
        session = botocore.session.get_session()

        known = {
            partition: set(session.get_available_regions("sns", partition)) for partition in CERTIFICATE_NAMES
        }

        assert {partition: set(regions) for partition, regions in CERTIFICATE_NAMES.items()} == known

    def test_agrees_with_the_names_of_awss_own_verifier(self, shared: Path) -> None:
        table = json.loads((shared / "sns-vectors" / "region_signing_names.json").read_text())["region"]
        assert len(table) > 20

        for region, (host, name) in table.items():
            partition = "aws-cn" if region.startswith("cn-") else "aws-us-gov" if "gov" in region else "aws"
            assert signer_of(topic(region, partition)) == Signer(f"https://{host}", name)
