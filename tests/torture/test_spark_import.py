"""Import on Spark against the service: the same documents, the same rows, revs and rejections.

The job is the one of infra/spark, as a program, with run-time packages and pyspark only, on embedded
AWS. What it must come to is what the service's pipeline makes of the same documents. Which of two
keys comes first is chance, in the service as on Spark; so for each group of documents that share an
invoice or a key every order of arrival is played through, and the job's result must be one of them.
"""

import csv
import gzip
import io
import json
import os
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import permutations
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import quote_plus

import pytest
from pytest_django.plugin import DjangoDbBlocker

from api.aws import Clients
from api.buckets import DestinationBucket, rejected_key
from api.pipeline import Pipeline
from api.records import Document, Revision
from api.stores.dynamodb import DynamoLedger
from api.stores.dynamodb_schema import table_definitions
from api.stores.sql import SqlLedger
from infra.local.embedded_aws import REGION, EmbeddedAws
from infra.local.provision import DESTINATION_BUCKET, DOCUMENT_TABLE, INVOICE_TABLE
from invoice_parser import row_content
from tests.support.books import active_of, expenses_of
from tests.support.databases import LedgerDatabases, mariadb_database
from tests.support.invoices import invoice_text
from tests.support.least_privilege import grants_of, uses
from tests.support.memory import NOON, MemoryBucket, MemoryLedger, MemorySink
from tests.support.spark import Job, Watch, needs_spark, watched

pytestmark = [pytest.mark.proof, pytest.mark.xdist_group("spark"), needs_spark]

ARCHIVE = "old"
BATCH = 25
KEYS = ("{}.txt", "2019/a b+c%2F{}.txt", 'ü,"{}".txt', "deep/er/{}.TXT", "{}&=?#;<>.txt")
MALFORMED = (
    b"",
    b"no invoice",
    b"%PDF-1.7 \x00\x01",
    invoice_text().replace(b"2026-11-02", b"04/05/2018"),
    invoice_text().replace(b"Total: 100.00\n", b""),
    invoice_text(amount="7,5OO"),
    b"x" * (256 * 1024 + 1),
)
POLICY = Path(__file__).resolve().parents[2] / "infra" / "spark" / "policy.json"
# What embedded AWS does not ask for, and AWS does.
NEEDED_UNSEEN = {
    "kms:Decrypt",  # S3 and DynamoDB ask KMS in our name
    "kms:GenerateDataKey",  # the same, when they write
    "s3:GetObjectTagging archive",  # CopyObject reads and writes tags, if an object has some
    "s3:GetObjectVersionTagging archive",
    "s3:GetObject rejected",  # in one statement with the rows
    "s3:ListBucket",  # without it HeadObject of what is not there is 403
    "s3:ListBucket archive",  # the same of GetObject
    "s3:PutObjectTagging csv",
    "s3:PutObjectTagging rejected",
}
# (key, number of the version), and all that is told of a document or of a revision.
Place: TypeAlias = tuple[str, int]
Result: TypeAlias = tuple[frozenset[Any], frozenset[Any]]


@dataclass(frozen=True, kw_only=True)
class Upload:
    """One version of one key."""

    key: str
    number: int
    data: bytes


@dataclass
class Archive:
    """What was put into the archive; `groups` share no invoice and no key."""

    groups: list[list[Upload]] = field(default_factory=list)
    places: dict[tuple[str, str], Place] = field(default_factory=dict)

    @property
    def uploads(self) -> list[Upload]:
        return [upload for group in self.groups for upload in group]


def groups_of(chance: random.Random, count: int) -> list[list[Upload]]:
    """Return groups with reissues, doubles, conflicts, changed ids and malformed texts."""
    groups = []
    for number in range(count):
        keys = [
            chance.choice(KEYS).format(f"{number}-{place}") for place in range(chance.choice([1, 1, 1, 2, 3]))
        ]
        group = []
        for key in keys:
            for version in range(chance.choice([1, 1, 2, 3]) if len(keys) < 3 else 1):
                data = invoice_text(
                    customer_id=f"C-{number % 7}",
                    invoice_id=f"INV/{number}{chance.choice(['', '', '', '-b'])}",
                    amount=chance.choice(["100.00", "100.00", "250.50"]),
                )
                if chance.random() < 0.1:
                    data = chance.choice(MALFORMED)
                group.append(Upload(key=key, number=version, data=data))
        groups.append(group)
    return groups


def orders(uploads: list[Upload]) -> Iterator[tuple[Upload, ...]]:
    """Yield each order of arrival in which the versions of a key keep theirs."""
    firsts = {upload.key: upload for upload in reversed(uploads)}
    if not firsts:
        yield ()
    for first in firsts.values():
        for rest in orders([upload for upload in uploads if upload is not first]):
            yield (first, *rest)


def told(document: Document, place: Place) -> tuple[Any, ...]:
    reason = document.reason
    why = (reason.code, reason.line, reason.column) if reason else None
    of = document.customer_id, document.invoice_id, document.rev
    return place, document.outcome, why, of, document.sha256, document.size_bytes, document.is_open


def told_of_revision(revision: Revision, place: Place) -> tuple[Any, ...]:
    of = revision.customer_id, revision.invoice_id, revision.rev, revision.status
    return of, place, revision.data, revision.sha256, row_content(revision.row)


def services_own(uploads: list[Upload], order: tuple[Upload, ...]) -> Result:
    """Return what the service makes of the documents when they arrive in this order."""
    bucket, ledger, sink = MemoryBucket(), MemoryLedger(), MemorySink()
    pipeline = Pipeline(source=bucket, ledger=ledger, sink=sink)
    refs = {upload: bucket.put(upload.key, upload.data) for upload in uploads}
    places = {(ref.key, ref.version_id): (upload.key, upload.number) for upload, ref in refs.items()}
    for upload in order:
        pipeline.ingest(refs[upload], message_id="m", now=NOON)
    documents = (
        told(document, place)
        for at, place in places.items()
        if (document := ledger.document(*at)) is not None
    )
    revisions = (
        told_of_revision(each, places[each.source_key, each.version_id])
        for current in ledger.current_revisions()
        for each in ledger.history(current.customer_id, current.invoice_id)
    )
    return frozenset(documents), frozenset(revisions)


@dataclass
class World:
    """Embedded AWS with an archive, and the job on it."""

    aws: EmbeddedAws
    watch: Watch
    folder: Path
    ledger: DynamoLedger | SqlLedger
    ledger_url: str = "dynamodb"
    archive: Archive = field(default_factory=Archive)
    runs: int = 0

    def __post_init__(self) -> None:
        made = Clients(region=REGION, endpoint_url=self.aws.endpoint_url)
        s3 = self.aws.client("s3")
        self.destination = DestinationBucket(
            client=made.make("s3"), copy_client=made.make("s3"), bucket=DESTINATION_BUCKET
        )
        for bucket in (ARCHIVE, DESTINATION_BUCKET, "inventories"):
            s3.create_bucket(Bucket=bucket)
        s3.put_bucket_versioning(Bucket=ARCHIVE, VersioningConfiguration={"Status": "Enabled"})
        for table in table_definitions(DOCUMENT_TABLE, INVOICE_TABLE):
            self.aws.client("dynamodb").create_table(**table)

    def fill(self, seed: int, groups: int) -> None:
        """Put an archive of that many groups."""
        self.archive.groups = groups_of(random.Random(seed), groups)
        for upload in self.archive.uploads:
            version = self.aws.client("s3").put_object(Bucket=ARCHIVE, Key=upload.key, Body=upload.data)
            at = f"s3://{ARCHIVE}/{upload.key}", version["VersionId"]
            self.archive.places[at] = upload.key, upload.number

    def start(self, *arguments: str) -> Job:
        """Start the job; whoever held the lease is dead."""
        self.ledger.acquire_lease("import", "the dead", now=datetime.now(UTC) + timedelta(hours=1), seconds=0)
        self.ledger.release_lease("import", "the dead")
        self.runs += 1
        arguments = arguments or (f"s3://{ARCHIVE}/",)
        log_path = self.folder / f"job-{self.runs}.log"
        settings = {"RECORD_AWS_REQUESTS": str(self.requests), "DOCPROC_LEDGER": self.ledger_url}
        return Job(self.aws, log_path, *arguments, "--batch", str(BATCH), "--threads", "2", **settings)

    @property
    def requests(self) -> Path:
        """Where the requests of the job's processes are noted."""
        return self.folder / "requests"

    def run(self, *arguments: str) -> Job:
        """Run the job to its end, again while some failed for now; returns the last."""
        for _ in range(4):
            job = self.start(*arguments)
            if (status := job.wait()) != 1:
                break
        assert status == 0, job.log
        return job

    @property
    def objects(self) -> dict[str, bytes]:
        return {key: self.destination.get(key) for key in self.destination.list_keys("csv/")}

    def check(self, orders_of: Callable[[list[Upload]], Iterable[tuple[Upload, ...]]] = orders) -> None:
        """Check documents, revisions, rows and copies against the service's own."""
        documents = self.ledger.documents(list(self.archive.places))
        lost = self.archive.places.keys() - documents.keys()
        assert not lost, f"lost: {lost}"
        revisions = [
            each
            for current in self.ledger.current_revisions()
            for each in self.ledger.history(current.customer_id, current.invoice_id)
        ]
        found: dict[str, tuple[set[Any], set[Any]]] = defaultdict(lambda: (set(), set()))
        for at, place in self.archive.places.items():
            found[place[0]][0].add(told(documents[at], place))
        for revision in revisions:
            place = self.archive.places[revision.source_key, revision.version_id]
            found[place[0]][1].add(told_of_revision(revision, place))
        for group in self.archive.groups:
            keys = {upload.key for upload in group}
            result: Result = (
                frozenset().union(*(found[key][0] for key in keys)),
                frozenset().union(*(found[key][1] for key in keys)),
            )
            possible = {services_own(group, order) for order in orders_of(group)}
            assert result in possible, f"no order makes {result}"
        self._check_rows(revisions)
        self._check_copies(documents)

    def _check_rows(self, revisions: list[Revision]) -> None:
        objects = self.objects
        written = Counter(line for data in objects.values() for line in data.splitlines(keepends=True))
        assert written.keys() == {revision.row for revision in revisions}
        current = [each for each in self.ledger.current_revisions() if each.status == "active"]
        assert expenses_of(objects) == active_of(current)

    def _check_copies(self, documents: dict[tuple[str, str], Document]) -> None:
        rejected = {at for at, document in documents.items() if document.outcome == "rejected"}
        data = {(upload.key, upload.number): upload.data for upload in self.archive.uploads}
        kept = {key: self.destination.get(key) for key in self.destination.list_keys("rejected/")}
        assert kept == {rejected_key(*at): data[self.archive.places[at]] for at in rejected}

    def inventory(self) -> str:
        """Write what S3 Inventory would, in two files without order; returns the manifest's place."""
        versions = self.aws.client("s3").list_object_versions(Bucket=ARCHIVE)["Versions"]
        random.Random(5).shuffle(versions)
        files = []
        for number, some in enumerate((versions[::2], versions[1::2])):
            text = io.StringIO()
            writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
            for each in some:
                row = [ARCHIVE, quote_plus(each["Key"]), each["VersionId"]]
                row += [str(each["IsLatest"]).lower(), "false", str(each["Size"])]
                row += [f"{each['LastModified']:%Y-%m-%dT%H:%M:%S}.000Z", each["ETag"].strip('"')]
                writer.writerow(row)
            files.append(f"old/all/data/{number}.csv.gz")
            self._put(files[-1], gzip.compress(text.getvalue().encode()))
        manifest = {
            "sourceBucket": ARCHIVE,
            "destinationBucket": "arn:aws:s3:::inventories",
            "fileFormat": "CSV",
            "fileSchema": "Bucket, Key, VersionId, IsLatest, IsDeleteMarker, Size, LastModifiedDate, ETag",
            "files": [{"key": key} for key in files],
        }
        self._put("old/all/2026-11-01T00-00Z/manifest.json", json.dumps(manifest).encode())
        return "s3://inventories/old/all/2026-11-01T00-00Z/manifest.json"

    def _put(self, key: str, data: bytes) -> None:
        self.aws.client("s3").put_object(Bucket="inventories", Key=key, Body=data)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Return a world whose ledger is DynamoDB."""
    with EmbeddedAws() as aws, watched(aws) as watch:
        ledger = DynamoLedger(
            client=aws.client("dynamodb"), document_table=DOCUMENT_TABLE, invoice_table=INVOICE_TABLE
        )
        yield World(aws=aws, watch=watch, folder=tmp_path, ledger=ledger)


@pytest.fixture
def sql_world(tmp_path: Path, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    """Return a world whose ledger is MariaDB, where there is a server, or SQLite."""
    with ExitStack() as stack:
        server = os.environ.get("DOCPROC_TEST_MARIADB_URL")
        url = (
            stack.enter_context(mariadb_database(server))
            if server
            else f"sqlite:///{tmp_path}/ledger.sqlite3"
        )
        stack.enter_context(django_db_blocker.unblock())
        stack.enter_context(LedgerDatabases().at(url))
        aws = stack.enter_context(EmbeddedAws())
        watch = stack.enter_context(watched(aws))
        yield World(aws=aws, watch=watch, folder=tmp_path, ledger=SqlLedger(), ledger_url=url)


class Once:
    """A callback that acts at the request of that number whose name has the text in it."""

    def __init__(self, text: str, number: int, act: Callable[[], object]) -> None:
        self._text, self._left, self._act = text, number, act
        self.has_acted = False

    def __call__(self, name: str) -> None:
        if self._text in name and not self.has_acted:
            self._left -= 1
            if not self._left:
                self.has_acted = True
                self._act()


OBJECT, COMMIT = "/import-", "TransactWriteItems"


def test_makes_of_a_listing_what_the_service_makes(world: World) -> None:
    world.fill(seed=2018, groups=60)

    job = world.run()

    world.check()
    objects = [key for key in world.objects if OBJECT in key]
    print(f"\n{len(world.archive.uploads)} documents in {len(objects)} objects of many\n{job.log}")
    assert 1 <= len(objects) <= -(-len(world.archive.uploads) // BATCH)


def test_makes_in_sql_what_the_service_makes(sql_world: World) -> None:
    sql_world.fill(seed=2020, groups=40)

    sql_world.run()

    sql_world.check()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "name an --inventory, or prefixes of one bucket"),
        (("s3://old/a/", "s3://older/"), "name an --inventory, or prefixes of one bucket"),
        (("s3://docproc-source/",), "that is the source bucket; `reconcile` brings in"),
        (("--inventory", "s3://inventories/none/manifest.json"), "manifest.json cannot be read: "),
        (("--inventory", "inventories/manifest.json"), "is no place in S3; write s3://BUCKET/PREFIX"),
    ],
)
def test_says_why_it_cannot_begin(world: World, arguments: tuple[str, ...], message: str) -> None:
    job = Job(world.aws, world.folder / "log", *arguments, DOCPROC_SOURCE_BUCKET="docproc-source")

    status = job.wait()

    assert status == 2
    assert message in job.log


def test_makes_the_same_of_an_inventory_and_nothing_more_by_a_second_run(world: World) -> None:
    world.fill(seed=2019, groups=60)

    world.run("--inventory", world.inventory())

    # All were put within some seconds, which are all that an inventory tells of versions. As the
    # service may hear of them in any order, so may the job.
    world.check(permutations)
    objects = world.objects
    again = world.run()
    assert f"0 stored, 0 superseded, 0 rejected, {len(world.archive.uploads)} known already" in again.log
    assert world.objects == objects
    with world.requests.open() as file:
        used = uses(file)
    granted = grants_of(json.loads(POLICY.read_text())["Statement"])
    assert used <= granted, f"the policy lacks {used - granted}"
    assert {str(use) for use in granted - used} == NEEDED_UNSEEN


@pytest.mark.parametrize(
    ("workers_only", "door", "request_name", "number"),
    [
        (False, "before", OBJECT, 1),
        (False, "after", OBJECT, 2),
        (False, "before", COMMIT, 30),
        (True, "before", OBJECT, 1),
        (True, "after", COMMIT, 30),
    ],
)
def test_loses_and_doubles_nothing_when_killed(
    world: World, door: str, request_name: str, number: int, *, workers_only: bool
) -> None:
    world.fill(seed=number, groups=50)
    killed: list[int] = []
    job = world.start()
    kill = Once(request_name, number, lambda: killed.append(job.kill(workers_only=workers_only)))
    setattr(world.watch, door, kill)

    status = job.wait()

    assert killed[0] >= 2
    assert workers_only or status == -9
    assert not workers_only or status in {0, 1}, job.log  # Spark has tried the task again
    setattr(world.watch, door, lambda _: None)
    if status:
        world.run()
    world.check()


@pytest.mark.slow
def test_loses_and_doubles_nothing_when_killed_at_any_moment(world: World) -> None:
    chance, kills = random.Random(), 0
    world.fill(seed=chance.randrange(10**9), groups=400)
    for _ in range(12):
        job = world.start()
        kill = partial(job.kill, workers_only=chance.random() < 0.3)
        hook = Once(chance.choice(["/", COMMIT]), chance.randrange(1, 300), kill)
        setattr(world.watch, chance.choice(["before", "after"]), hook)
        job.wait()
        kills += hook.has_acted
        world.watch.before = world.watch.after = lambda _: None
    world.run()

    world.check()
    print(f"\n{len(world.archive.uploads)} documents, {kills} kills, nothing lost or doubled")
    assert kills >= 4  # a job with little left to do may be over before its moment comes
