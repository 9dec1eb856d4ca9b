"""Import an archive of invoices."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from api import wiring
from api.maintenance.archives import BucketArchive, FolderArchive
from api.maintenance.importing import Imported
from api.maintenance.lease import LeaseTaken, held
from api.management.operator import Progress, holder, now, whole
from api.ports import TemporaryFailure
from api.s3_event import ObjectRef
from invoice_parser.wording import counted, printable


class Command(BaseCommand):
    """`manage.py import s3://BUCKET/PREFIX|FOLDER`."""

    help = "Take an archive through the same pipeline, many rows to a CSV object. Run it again to resume."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add where from and how."""
        parser.add_argument("archive", help="s3://BUCKET/PREFIX or a local folder")
        parser.add_argument("--workers", type=whole(1, 64), default=8, help="so many at once")
        parser.add_argument("--dry-run", action="store_true", help="count what there is, change nothing")

    def handle(self, *_args: Any, **options: Any) -> None:  # noqa: ANN401 - Django's signature
        """Import it."""
        archive, refs = self._open(options["archive"])
        if options["dry_run"]:
            number = counted(sum(1 for _ in refs), "document")
            self.stdout.write(f"{number} in {printable(options['archive'])}")
            return
        progress = Progress(self)
        try:
            with held(wiring.ledger(), "import", holder(), now) as lease:
                done = wiring.importer(archive, now).run(
                    refs, lease, workers=options["workers"], progress=progress
                )
        except LeaseTaken as error:
            raise CommandError(str(error)) from error
        finally:
            progress.end()
        if done == Imported():
            raise CommandError(f"there is nothing in {printable(options['archive'])}", returncode=1)
        self.stdout.write(str(done))
        if done.failed:
            raise CommandError("some failed for now; run it again", returncode=1)

    def _open(self, name: str) -> tuple[BucketArchive | FolderArchive, Any]:
        if name.startswith("s3://"):
            bucket, _, prefix = name.removeprefix("s3://").partition("/")
            if not bucket:
                raise CommandError("name a bucket: s3://BUCKET/PREFIX")
            if bucket == settings.DOCPROC_SOURCE_BUCKET:
                raise CommandError("that is the source bucket; `reconcile` brings in what is missing of it")
            archive = wiring.bucket_archive(bucket)
            return archive, _listed(archive, prefix)
        if not Path(name).is_dir():
            raise CommandError(f"{name} is no folder; write s3://BUCKET/PREFIX or a folder's path")
        folder = FolderArchive(folder=Path(name))
        return folder, folder.refs()


def _listed(archive: BucketArchive, prefix: str) -> Iterator[ObjectRef]:
    """Yield what there is to import; the bucket that may be missing is not one of the settings'."""
    try:
        yield from archive.refs(prefix)
    except TemporaryFailure as error:
        if error.code in {"NoSuchBucket", "404"}:
            raise CommandError(f"there is no bucket {printable(archive.name)}") from error
        raise
