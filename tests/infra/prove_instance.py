"""The user data of the template, run on a fresh machine; prints what was seen as one JSON object.

    unshare --net --mount --pid --fork --kill-child python -m tests.infra.prove_instance RELEASE

RELEASE is an archive of infra.deploy.release. The machine is a systemd of its own over this one's
files (tests/support/machine.py); AWS is embedded, EC2 and CloudFormation are stood in for.
"""

import hashlib
import json
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from api.stores.dynamodb_schema import table_definitions
from infra.local.deliverer import Attempt
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
from tests.support.machine import Machine, booted
from tests.support.template import CONFIGURATIONS, load, resolve

SLOW_CLIENTS = 150
DOCUMENTS = 120
DISTURBANCES = 3
VOLUME_BYTES = 64 * 1024 * 1024
SAMPLE = Path(__file__).resolve().parents[2] / "infra/local/samples/01-canonical.txt"
WEB = "docproc-web@sns.service"


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
    _wait(lambda: aws.sns.is_confirmed, "the confirmation")
    seen["security"] = _exposure(machine)
    seen["pages_from_world"] = _status("http://127.0.0.1/")
    seen["readyz_here"] = _status("http://127.0.0.1/readyz")
    seen["first_seconds"] = _seconds_to_row(aws, "first")
    seen["slow"] = _slow_clients(aws)
    seen["restart"] = _under_load(aws, "restart", lambda: machine.run("systemctl", "restart", WEB))
    seen["reload"] = _under_load(aws, "reload", lambda: machine.run("systemctl", "reload", "nginx"))
    seen["tasks"] = {name: _task(machine, name) for name in ("redrive", "reconcile", "notify", "expire")}
    seen["manage"] = machine.run("docproc-manage", "check").stdout
    timers = machine.run("systemctl", "list-timers", "--no-legend").stdout.splitlines()
    seen["timers"] = sorted(line.split()[-2] for line in timers if "docproc" in line)
    seen["logs_shipped"] = _wait(lambda: _shipped(aws), "shipped logs")
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


def _upload(aws: EmbeddedAws, name: str) -> None:
    text = SAMPLE.read_text(encoding="utf-8").replace("inv-00001", f"inv-{name}")
    aws.client("s3").put_object(Bucket=SOURCE_BUCKET, Key=f"{name}.txt", Body=text.encode())


def _rows(aws: EmbeddedAws) -> set[str]:
    listing = aws.client("s3").get_paginator("list_objects_v2")
    pages = listing.paginate(Bucket=DESTINATION_BUCKET, Prefix="csv/")
    return {item["Key"].rsplit("_", 1)[1] for page in pages for item in page.get("Contents", ())}


def _seconds_to_row(aws: EmbeddedAws, name: str) -> float:
    started_at = time.monotonic()
    _upload(aws, name)
    _wait(lambda: f"inv-{name}-r000001.csv" in _rows(aws), f"the row of {name}")
    return round(time.monotonic() - started_at, 2)


def _slow_clients(aws: EmbeddedAws) -> dict[str, Any]:
    """Hold half-sent requests open, some in the headers and some in the body, and upload meanwhile."""
    head = b"POST /sns HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/plain\r\n"
    clients = []
    for number in range(SLOW_CLIENTS):
        client = socket.create_connection(("127.0.0.1", 80), timeout=30)
        client.sendall(head if number % 2 else head + b'Content-Length: 2000\r\n\r\n{"Type": "Noti')
        clients.append(client)
    seconds = _seconds_to_row(aws, "beside-slow-ones")
    started_at = time.monotonic()
    for client in clients:
        client.settimeout(30)
        try:
            while client.recv(4096):
                pass
        except ConnectionResetError:
            pass
        client.close()
    cut_off_after = round(time.monotonic() - started_at, 1)
    return {"clients": len(clients), "seconds": seconds, "cut_off_after": cut_off_after}


def _under_load(aws: EmbeddedAws, name: str, disturb: Callable[[], object]) -> dict[str, Any]:
    """Let documents stream in and do that a few times meanwhile; which deliveries failed, and how."""
    attempts: list[Attempt] = []
    aws.deliverer.observe = attempts.append
    names = [f"{name}-{number}" for number in range(DOCUMENTS)]

    def upload_all() -> None:
        for document in names:
            _upload(aws, document)
            time.sleep(0.05)

    uploads = threading.Thread(target=upload_all)
    uploads.start()
    took_seconds = []
    for _ in range(DISTURBANCES):
        time.sleep(0.7)
        started_at = time.monotonic()
        disturb()
        took_seconds.append(time.monotonic() - started_at)
    uploads.join()
    wanted = {f"inv-{document}-r000001.csv" for document in names}
    _wait(lambda: wanted <= _rows(aws), f"the rows of {name}")
    failed = [attempt.status for attempt in attempts if not attempt.is_taken]
    if failed:
        sys.stderr.write(f"{name}: {failed}\n")
    longest = round(max(took_seconds), 1)
    return {"documents": len(wanted & _rows(aws)), "failed": failed, "longest_seconds": longest}


def _task(machine: Machine, name: str) -> str:
    machine.run("systemctl", "start", f"docproc-task@{name}.service")
    return machine.run("systemctl", "show", "-P", "Result", f"docproc-task@{name}.service").stdout.strip()


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


def _wait(condition: Any, what: str, seconds: float = 60) -> Any:
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise RuntimeError(f"{what} did not come within {seconds} s")
        time.sleep(0.05)
    return value


if __name__ == "__main__":
    main(Path(sys.argv[1]))
