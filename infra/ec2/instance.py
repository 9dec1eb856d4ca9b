"""What an instance asks of AWS for itself: its address and volume, its secrets, and to signal the stack.

    python -m infra.ec2.instance claim INSTANCE VOLUME ADDRESS
    python -m infra.ec2.instance secrets DIRECTORY      (SESSION_SECRET, DATABASE_SECRET, DATABASE_HOST)
    python -m infra.ec2.instance signal STACK RESOURCE INSTANCE SUCCESS|FAILURE

Run by install.sh and by docproc-secrets.service; region and credentials are the instance's.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

# A volume leaves the instance that is being replaced when that one has shut down.
CLAIM_ATTEMPTS = 60
CLAIM_WAIT_SECONDS = 10
DEVICE = "/dev/sdf"
RDS_AUTHORITY = "/etc/docproc/tls/rds.pem"

_MAY_PASS = frozenset({"VolumeInUse", "IncorrectState", "UnauthorizedOperation", "IncorrectInstanceState"})


def claim(ec2: Any, instance: str, volume: str, address: str, *, sleep: Callable[[float], None]) -> None:  # noqa: ANN401 - boto3 makes classes at run time
    """Take the address and the volume over, waiting until the instance before has let go of it."""
    ec2.associate_address(AllocationId=address, InstanceId=instance, AllowReassociation=True)
    for attempt in range(CLAIM_ATTEMPTS):
        try:
            ec2.attach_volume(VolumeId=volume, InstanceId=instance, Device=DEVICE)
        except ClientError as error:
            if error.response["Error"]["Code"] not in _MAY_PASS or attempt + 1 == CLAIM_ATTEMPTS:
                raise
            sleep(CLAIM_WAIT_SECONDS)
        else:
            return


def write_secrets(secrets: Any, environment: Mapping[str, str], directory: Path) -> None:  # noqa: ANN401 - the same
    """Write `secret_key` and, with a database, `database_url`, readable by their owner only."""
    key = secrets.get_secret_value(SecretId=environment["SESSION_SECRET"])["SecretString"]
    _write(directory / "secret_key", key)
    if environment.get("DATABASE_SECRET"):
        answer = secrets.get_secret_value(SecretId=environment["DATABASE_SECRET"])
        login = json.loads(answer["SecretString"])
        url = (
            f"mysql://{quote(login['username'], safe='')}:{quote(login['password'], safe='')}"
            f"@{environment['DATABASE_HOST']}:3306/docproc?ssl-ca={RDS_AUTHORITY}"
        )
        _write(directory / "database_url", url)


def signal(cloudformation: Any, stack: str, resource: str, instance: str, status: str) -> None:  # noqa: ANN401 - the same
    """Tell the stack how the installation went.

    Outside a stack operation, when an instance was replaced on its own, nobody waits for it.
    """
    try:
        cloudformation.signal_resource(
            StackName=stack, LogicalResourceId=resource, UniqueId=instance, Status=status
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationError":
            raise


def main(arguments: list[str]) -> None:
    """Do what the first argument says."""
    match arguments:
        case ["claim", instance, volume, address]:
            claim(_client("ec2"), instance, volume, address, sleep=time.sleep)
        case ["secrets", directory]:
            write_secrets(_client("secretsmanager"), os.environ, Path(directory))
        case ["signal", stack, resource, instance, status]:
            signal(_client("cloudformation"), stack, resource, instance, status)
        case _:
            sys.exit(__doc__)


def _client(service: str) -> Any:  # noqa: ANN401 - boto3 makes classes at run time
    config = Config(connect_timeout=3, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 5})
    make: Callable[..., Any] = boto3.session.Session().client
    return make(service, config=config)


def _write(path: Path, value: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(value)


if __name__ == "__main__":
    main(sys.argv[1:])
