"""The user data of the template, run on a fresh machine; prints what was seen as one JSON object.

    unshare --net --mount --pid --fork --kill-child python -m tests.infra.prove_instance RELEASE

RELEASE is an archive of infra.deploy.release. The machine is a systemd of its own over this one's
files (tests/support/machine.py); AWS is embedded, EC2 and CloudFormation are stood in for.
"""

import hashlib
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from api.stores.dynamodb_schema import table_definitions
from infra.local.embedded_aws import EmbeddedAws
from infra.local.provision import (
    DESTINATION_BUCKET,
    DOCUMENT_TABLE,
    INVOICE_TABLE,
    SOURCE_BUCKET,
    Provisioned,
    provision,
    subscribe,
)
from infra.local.sns_messages import CERTIFICATE_NAME
from tests.support.control_plane import ControlPlane
from tests.support.instance_load import seconds_to_row, slow_clients, under_load, wait
from tests.support.machine import Machine, NoMachine, booted
from tests.support.template import CONFIGURATIONS, load, resolve

VOLUME_BYTES = 64 * 1024 * 1024
WEB = "docproc-web@sns.service"
TASK_ATTEMPTS = 5
NO_MACHINE = 77  # the exit status that says: not here


def main(release: Path) -> None:
    """Install, then try what an instance has to stand."""
    subprocess.run(("ip", "link", "set", "lo", "up"), check=True)
    with tempfile.TemporaryDirectory() as folder, EmbeddedAws() as aws, ControlPlane() as control:
        provisioned = provision(aws, table_definitions(DOCUMENT_TABLE, INVOICE_TABLE))
        user_data = _user_data(aws, release)
        volume = Path(folder, "volume")
        with volume.open("wb") as file:
            file.truncate(VOLUME_BYTES)
        Path(folder, "machine").mkdir()
        with booted(Path(folder, "machine"), volume) as machine:
            try:
                seen = _prove(machine, aws, control, provisioned, user_data)
            except Exception:
                journal = machine.run("journalctl", "--no-pager", "--lines=200", check=False)
                sys.stderr.write(journal.stdout)
                raise
    sys.stdout.write(json.dumps(seen))


def _prove(
    machine: Machine, aws: EmbeddedAws, control: ControlPlane, provisioned: Provisioned, user_data: str
) -> dict[str, Any]:
    _prepare(machine, aws, control, user_data)
    environ = {"IMDS_URL": control.url, "RELEASE_URL": f"{aws.endpoint_url}/docproc-releases"}
    started_at = time.monotonic()
    machine.run("bash", "/user-data", environ=environ)
    seen: dict[str, Any] = {"install_seconds": round(time.monotonic() - started_at, 1)}
    seen["calls"] = [call["Action"] for call in control.calls]
    seen["signal"] = [call["Status"] for call in control.calls if call["Action"] == "SignalResource"]
    subscribe(aws, provisioned, "http://127.0.0.1/sns")
    wait(lambda: aws.sns.is_confirmed, "the confirmation")
    seen["security"] = _exposure(machine)
    seen["pages_from_world"] = _status("http://127.0.0.1/")
    seen["readyz_here"] = _status("http://127.0.0.1/readyz")
    seen["first_seconds"] = seconds_to_row(aws, "first")
    seen["slow"] = slow_clients(aws, 80)
    seen["restart"] = under_load(aws, "restart", lambda: machine.run("systemctl", "restart", WEB))
    seen["reload"] = under_load(aws, "reload", lambda: machine.run("systemctl", "reload", "nginx"))
    seen["tasks"] = {name: _task(machine, name) for name in ("redrive", "reconcile", "notify", "expire")}
    seen["manage"] = machine.run("docproc-manage", "check").stdout
    timers = machine.run("systemctl", "list-timers", "--no-legend").stdout.splitlines()
    seen["timers"] = sorted(line.split()[-2] for line in timers if "docproc" in line)
    seen["logs_shipped"] = wait(lambda: _shipped(aws), "shipped logs")
    seen["volume"] = machine.run("findmnt", "-no", "SOURCE,FSTYPE", "/var/lib/docproc").stdout.split()
    control.calls.clear()
    machine.run("/opt/docproc/current/infra/ec2/install.sh", environ=environ)
    seen["again"] = [call["Status"] for call in control.calls if call["Action"] == "SignalResource"]
    return seen


def _user_data(aws: EmbeddedAws, release: Path) -> str:
    """Upload the release and return the template's user data that installs it."""
    data = release.read_bytes()
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="docproc-releases")
    s3.put_object(Bucket="docproc-releases", Key="releases/docproc.tar.gz", Body=data)
    parameters = {**CONFIGURATIONS["small-http"], "ReleaseSha256": hashlib.sha256(data).hexdigest()}
    text: str = resolve(load(), parameters).properties("LaunchTemplate")["LaunchTemplateData"]["UserData"]
    arn = aws.client("secretsmanager").create_secret(Name="session", SecretString="s" * 64)["ARN"]
    aws.client("logs").create_log_group(logGroupName="/docproc/service")
    named = text.replace("arn:aws:secretsmanager:us-east-1:123456789012:secret:SessionSecret", arn)
    return named.replace("DATA_VOLUME=DataVolume", "DATA_VOLUME=vol-0123456789abcdef0")


def _prepare(machine: Machine, aws: EmbeddedAws, control: ControlPlane, user_data: str) -> None:
    (machine.root / "user-data").write_text(user_data, encoding="utf-8")
    local = {
        "AWS_ACCESS_KEY_ID": "embedded",
        "AWS_SECRET_ACCESS_KEY": "embedded",
        "AWS_ENDPOINT_URL_SECRETS_MANAGER": aws.endpoint_url,
        "AWS_ENDPOINT_URL_CLOUDWATCH_LOGS": aws.endpoint_url,
        "AWS_ENDPOINT_URL_EC2": control.url,
        "AWS_ENDPOINT_URL_CLOUDFORMATION": control.url,
        "DOCPROC_AWS_ENDPOINT_URL": aws.endpoint_url,
        "DOCPROC_SNS_CERTIFICATE_BASE_URL": aws.endpoint_url,
        "DOCPROC_SNS_CERTIFICATE_NAME": CERTIFICATE_NAME,
        "DOCPROC_SOURCE_BUCKET": SOURCE_BUCKET,
        "DOCPROC_DESTINATION_BUCKET": DESTINATION_BUCKET,
        "DOCPROC_DEAD_LETTER_QUEUE_URL": aws.client("sqs").get_queue_url(QueueName="docproc")["QueueUrl"],
    }
    (machine.root / "etc/docproc").mkdir(exist_ok=True)
    lines = "".join(f"{name}={value}\n" for name, value in local.items())
    (machine.root / "etc/docproc/local").write_text(lines, encoding="utf-8")


def _task(machine: Machine, name: str) -> str:
    """Return how the task ended; one that embedded AWS was too slow for comes again, as by its timer."""
    unit, result = f"docproc-task@{name}.service", ""
    for _ in range(TASK_ATTEMPTS):
        machine.run("systemctl", "start", unit, check=False)
        result = machine.run("systemctl", "show", "-P", "Result", unit).stdout.strip()
        if result == "success":
            break
    return result


def _exposure(machine: Machine) -> dict[str, float]:
    """Return systemd's judgement of each running unit: 0 is locked up, 10 is open."""
    units = (WEB, "docproc-web@pages.service", "docproc-logs.service", "docproc-task@redrive.service")
    judged = {}
    for unit in units:
        text = machine.run("systemd-analyze", "security", "--no-pager", unit).stdout
        [line] = [line for line in text.splitlines() if "Overall exposure level" in line]
        judged[unit] = float(line.split(":")[1].split()[0])
    return judged


def _shipped(aws: EmbeddedAws) -> int:
    """Return how many deliveries CloudWatch Logs has heard of."""
    events = aws.client("logs").filter_log_events(logGroupName="/docproc/service", limit=10_000)["events"]
    return sum('"sns.accepted"' in event["message"] for event in events)


def _status(url: str) -> int:
    curl = ("curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", url)
    return int(subprocess.run(curl, capture_output=True, text=True, check=True).stdout)


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]))
    except NoMachine as refused:
        sys.stderr.write(f"{refused}\n")
        sys.exit(NO_MACHINE)
