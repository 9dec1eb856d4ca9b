"""The doctor looks at this machine: its credentials, its clock, its way out, its databases."""

from datetime import UTC, timedelta
from email.utils import parsedate_to_datetime

from api.aws import READ_TIMEOUT_SECONDS
from api.maintenance.doctor.examination import Examination, Finding, Findings, asking
from api.sns import CertificateUnavailable

# SNS refuses signatures of a clock that is 15 min off, and the gate takes messages 5 min ahead.
MAX_SKEW = timedelta(minutes=1)


def credentials(examination: Examination) -> Findings:
    """Look whether somebody is logged in to AWS."""
    mend = "on an instance: compare its instance profile with the stack; elsewhere: aws configure"
    with asking("no AWS credentials that work", mend):
        examination.make("sts").get_caller_identity()
    yield from ()


def clock_and_time_outs(examination: Examination) -> Findings:
    """Look whether AWS answers in time, and whether its clock is ours."""
    started_at = examination.clock()
    with asking("S3 does not answer", "check the route to S3: the VPC endpoint, or a proxy"):
        answer = examination.make("s3").head_bucket(Bucket=examination.deployment.source_bucket)
    ended_at = examination.clock()
    took = ended_at - started_at
    if took > timedelta(seconds=READ_TIMEOUT_SECONDS):
        yield Finding(
            f"S3 took {took.total_seconds():.1f} s to answer; the service waits {READ_TIMEOUT_SECONDS} s",
            "run the service in the buckets' region, and check the route: the VPC endpoint, or a proxy",
        )
    said = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
    skew = abs(parsedate_to_datetime(said).astimezone(UTC) - ended_at) if said else timedelta()
    if skew > MAX_SKEW:
        yield Finding(f"this machine's clock is {skew} off", "timedatectl set-ntp true")


def database(examination: Examination) -> Findings:
    """Look whether the databases have today's tables."""
    for what, mend in examination.databases():
        yield Finding(what, mend)


def certificate(examination: Examination) -> Findings:
    """Look whether the host of SNS's signing certificates can be reached."""
    try:
        examination.fetch(examination.deployment.certificate_url)
    except CertificateUnavailable as error:
        # Any answer will do: the certificate asked for is one that does not exist.
        if error.code != "certificate-status":
            host = examination.deployment.certificate_url.split("/")[2]
            yield Finding(
                f"SNS's signing certificates cannot be fetched from {host} ({error.code})",
                f"let this machine reach {host}:443; try: curl -sI https://{host}/",
            )
