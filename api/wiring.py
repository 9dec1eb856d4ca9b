"""Settings to parts: the only module that chooses."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from time import monotonic

from django.conf import settings

from api.acts import Acts, Operator
from api.aws import Announcements, Clients, DeadLetter, DeadLetterQueue, Topics
from api.buckets import COPY_TIMEOUT_SECONDS, DestinationBucket, SourceBucket
from api.certificates import KeyCache
from api.delivery import Delivery
from api.fetch import fetch_certificate
from api.maintenance.archives import BucketArchive, FolderArchive
from api.maintenance.doctor import Deployment, Examination
from api.maintenance.erase import Eraser
from api.maintenance.importing import Importer
from api.maintenance.reconcile import Reconciler
from api.maintenance.redrive import Redrive
from api.maintenance.reprocess import Reprocessing
from api.pipeline import Pipeline
from api.regions import Signer, signers_of
from api.reports.athena import AthenaEngine
from api.reports.compaction import Tables
from api.reports.report import Background, Engine
from api.sns import Gate
from api.stores import databases
from api.stores.dynamodb import DynamoLedger
from api.stores.sql import SqlLedger
from invoice_parser import MAX_DOCUMENT_BYTES

# A transaction's CSV object follows it within the 15 s that SNS waits for both.
SETTLED = timedelta(seconds=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """What the views need."""

    gate: Gate
    delivery: Delivery
    topics: Topics
    ledger: DynamoLedger | SqlLedger
    destination: DestinationBucket
    max_in_flight: int

    def confirm(self, topic_arn: str, token: str) -> None:
        """Confirm a subscription; raises TemporaryFailure."""
        self.topics.confirm(topic_arn, token)

    def ready(self) -> None:
        """Raise TemporaryFailure unless the ledger and the destination bucket can be reached."""
        self.ledger.ready()
        self.destination.ready()


@cache
def service() -> Service:
    """Return the parts of /sns, made once a process."""
    return Service(
        gate=gate(),
        delivery=delivery(),
        topics=Topics(client_in=cache(lambda region: replace(clients(), region=region).make("sns"))),
        ledger=ledger(),
        destination=destination(),
        max_in_flight=settings.DOCPROC_MAX_IN_FLIGHT,
    )


@cache
def clients() -> Clients:
    """Return the maker of AWS clients."""
    return Clients(
        region=settings.DOCPROC_AWS_REGION,
        endpoint_url=settings.DOCPROC_AWS_ENDPOINT_URL,
        is_fast=settings.DOCPROC_AWS_CLIENT == "fast",
        # A connection for each message in flight and some for pages, or TLS would be set up again and again.
        pool_size=settings.DOCPROC_MAX_IN_FLIGHT + 4,
    )


@cache
def gate() -> Gate:
    """Return the verifier of messages; embedded AWS signs with a key of its own."""
    base_url, name = settings.DOCPROC_SNS_CERTIFICATE_BASE_URL, settings.DOCPROC_SNS_CERTIFICATE_NAME
    return Gate(
        signers=signers_of(settings.DOCPROC_TOPIC_ARNS, local=Signer(base_url, name) if base_url else None),
        keys=KeyCache(fetch_certificate, clock=monotonic),
        allow_sha1=settings.DOCPROC_SNS_ALLOW_SHA1,
    )


@cache
def pipeline() -> Pipeline:
    """Return the way of a document to its outcome."""
    return Pipeline(
        source=source(), ledger=ledger(), sink=destination(), day_first=settings.DOCPROC_DAY_FIRST
    )


@cache
def delivery() -> Delivery:
    """Return the way of a notification to the outcomes of its objects."""
    return Delivery(pipeline=pipeline(), source_bucket=settings.DOCPROC_SOURCE_BUCKET)


@cache
def ledger() -> DynamoLedger | SqlLedger:
    """Return the record store that DOCPROC_LEDGER names."""
    if settings.DOCPROC_LEDGER == "dynamodb":
        return DynamoLedger(
            client=clients().make("dynamodb"),
            document_table=settings.DOCPROC_DOCUMENT_TABLE,
            invoice_table=settings.DOCPROC_INVOICE_TABLE,
        )
    return SqlLedger()


@cache
def source() -> SourceBucket:
    """Return the bucket that documents come from."""
    return SourceBucket(
        client=clients().make("s3"), bucket=settings.DOCPROC_SOURCE_BUCKET, max_bytes=MAX_DOCUMENT_BYTES
    )


@cache
def destination() -> DestinationBucket:
    """Return the bucket that CSV objects and copies of rejections go to."""
    return DestinationBucket(
        client=clients().make("s3"),
        copy_client=clients().make("s3", read_timeout_seconds=COPY_TIMEOUT_SECONDS),
        bucket=settings.DOCPROC_DESTINATION_BUCKET,
    )


@cache
def dead_letters() -> DeadLetterQueue:
    """Return the queue of what SNS gave up on; long polls need a patient client."""
    return DeadLetterQueue(
        client=clients().make("sqs", read_timeout_seconds=25), url=settings.DOCPROC_DEAD_LETTER_QUEUE_URL
    )


@cache
def reports() -> Engine:
    """Return what runs reports."""
    if settings.DOCPROC_REPORTS == "duckdb":
        # Installed for local mode only, so imported in local mode only.
        from api.reports.duck import DuckEngine  # noqa: PLC0415 - see above
        from api.reports.raw import RawObjects  # noqa: PLC0415 - see above

        return DuckEngine(RawObjects(destination()), settings.DOCPROC_DUCKDB_PATH)
    return _athena()


def background_reports() -> Background | None:
    """Return what runs reports that nobody waits for; None in local mode, where DuckDB answers at once."""
    return None if settings.DOCPROC_REPORTS == "duckdb" else _athena()


@cache
def _athena() -> AthenaEngine:
    """Return the engine of people's queries."""
    return AthenaEngine(
        client=clients().make("athena", read_timeout_seconds=10),
        database=settings.DOCPROC_ATHENA_DATABASE,
        workgroup=settings.DOCPROC_ATHENA_WORKGROUP,
        reuse_minutes=1,
    )


@contextmanager
def compactable(keep: Callable[[], None]) -> Iterator[Tables]:
    """Give the tables to be compacted; in local mode they are the ones to read when the block ends.

    `keep` prolongs the lease while Athena works: a MERGE may take longer than a lease lasts.
    """
    if settings.DOCPROC_REPORTS == "duckdb":
        from api.reports.duck import compacting  # noqa: PLC0415 - as in reports()
        from api.reports.raw import RawObjects  # noqa: PLC0415 - the same, for pyarrow

        # Read anew: what was erased since is no longer there.
        with compacting(RawObjects(destination()), settings.DOCPROC_DUCKDB_PATH) as tables:
            yield tables
    else:
        yield AthenaEngine(
            client=clients().make("athena", read_timeout_seconds=10),
            database=settings.DOCPROC_ATHENA_DATABASE,
            workgroup=settings.DOCPROC_COMPACT_WORKGROUP,
            timeout_seconds=1_800,
            keep=keep,
        )


@cache
def acts() -> Acts:
    """Return what operators can do."""
    return Acts(pipeline=pipeline())


def reconciler(clock: Callable[[], datetime]) -> Reconciler:
    """Return the sweep."""
    return Reconciler(source=source(), sink=destination(), ledger=ledger(), pipeline=pipeline(), clock=clock)


def bucket_archive(name: str) -> BucketArchive:
    """Return an archive in another bucket."""
    bucket = SourceBucket(client=clients().make("s3"), bucket=name, max_bytes=MAX_DOCUMENT_BYTES)
    return BucketArchive(bucket=bucket, name=name)


def eraser() -> Eraser:
    """Return what erases a customer."""
    return Eraser(ledger=ledger(), objects=destination())


def importer(archive: BucketArchive | FolderArchive, clock: Callable[[], datetime]) -> Importer:
    """Return what takes an archive through the pipeline."""
    return Importer(pipeline=pipeline(), ledger=ledger(), archive=archive, clock=clock)


def redrive(clock: Callable[[], datetime]) -> Redrive[DeadLetter]:
    """Return what drains the dead-letter queue."""
    return Redrive(queue=dead_letters(), delivery=delivery(), topics=settings.DOCPROC_TOPIC_ARNS, clock=clock)


def reprocessing(operator: Callable[[], Operator]) -> Reprocessing:
    """Return what parses kept texts again."""
    return Reprocessing(ledger=ledger(), acts=acts(), operator=operator)


def announcements() -> Announcements | None:
    """Return who is told of rejections, None when nobody is."""
    topic_arn = settings.DOCPROC_REJECTION_TOPIC_ARN
    return Announcements(client=clients().make("sns"), topic_arn=topic_arn) if topic_arn else None


def examination(clock: Callable[[], datetime]) -> Examination:
    """Return what the doctor needs to look at the deployment that the settings name."""
    topic_arn = min(settings.DOCPROC_TOPIC_ARNS, default="")
    signer = gate().signers.get(topic_arn)
    uses_dynamodb, uses_athena = settings.DOCPROC_LEDGER == "dynamodb", settings.DOCPROC_REPORTS == "athena"
    tables = (settings.DOCPROC_DOCUMENT_TABLE, settings.DOCPROC_INVOICE_TABLE)
    workgroups = (settings.DOCPROC_ATHENA_WORKGROUP, settings.DOCPROC_COMPACT_WORKGROUP)
    deployment = Deployment(
        topic_arn=topic_arn,
        source_bucket=settings.DOCPROC_SOURCE_BUCKET,
        destination_bucket=settings.DOCPROC_DESTINATION_BUCKET,
        dead_letter_queue_url=settings.DOCPROC_DEAD_LETTER_QUEUE_URL,
        tables=tables if uses_dynamodb else (),
        certificate_url=f"{signer.base_url}/SimpleNotificationService-{'0' * 32}.pem" if signer else "",
        workgroups=workgroups if uses_athena else (),
        is_local=is_local(),
    )
    return Examination(
        deployment=deployment,
        make=clients().make,
        fetch=fetch_certificate,
        databases=databases.faults,
        clock=clock,
    )


def is_local() -> bool:
    """Tell whether this is local mode: embedded AWS, on this machine."""
    return bool(settings.DOCPROC_AWS_ENDPOINT_URL)


def data_version(now: datetime) -> tuple[str, bool]:
    """Return what changes with every revision, and whether the last one's CSV object is surely there.

    It changes on the hour, too, since the ledger is asked for one hour only.
    """
    hour = now.replace(minute=0, second=0, microsecond=0)
    newest = ledger().newest_stored_at(hour)
    version = f"{hour.isoformat()} {newest.isoformat() if newest else ''}"
    return version, newest is None or now - newest > SETTLED
