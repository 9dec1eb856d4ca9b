"""Where an import comes from: another bucket, or a local folder."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Protocol

from api.ports import Content, ContentGone, ContentTooLarge, Source
from api.s3_event import ObjectRef
from invoice_parser import MAX_DOCUMENT_BYTES

_FOLDER = "folder:"


class ListedBucket(Source, Protocol):
    """A bucket with an archive in it."""

    def list_versions(self, prefix: str = "") -> Iterator[tuple[ObjectRef, datetime]]:
        """Yield each version with its Last-Modified."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketArchive:
    """An archive in a bucket; its documents' source keys read s3://bucket/key."""

    bucket: ListedBucket
    name: str

    def refs(self, prefix: str) -> Iterator[ObjectRef]:
        """Yield what there is to import, each key's versions in the order they came."""
        listed = (ref for ref, _ in self.bucket.list_versions(prefix))
        for _, versions in groupby(listed, key=attrgetter("key")):
            yield from map(self.imported, reversed(list(versions)))

    def imported(self, ref: ObjectRef) -> ObjectRef:
        """Return the reference by the key that the document has in the ledger."""
        return replace(ref, key=self._prefix + ref.key)

    def read(self, ref: ObjectRef) -> Content:
        """Return the bytes; raises ContentGone or ContentTooLarge."""
        return self.bucket.read(self.original(ref))

    def versions(self, key: str) -> tuple[str, ...]:
        """Return the version ids of a key, newest first."""
        return self.bucket.versions(key.removeprefix(self._prefix))

    def original(self, ref: ObjectRef) -> ObjectRef:
        """Return the reference by the key that the document has in its bucket."""
        return replace(ref, key=ref.key.removeprefix(self._prefix))

    @property
    def _prefix(self) -> str:
        return f"s3://{self.name}/"


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderArchive:
    """An archive in a local folder; a document's version is the SHA-256 of its bytes.

    The source keys read folder:path, for a file is no version of a key of the same name in S3.
    """

    folder: Path

    def refs(self) -> Iterator[ObjectRef]:
        """Yield each file below the folder, in order."""
        for path in sorted(self.folder.rglob("*")):
            if path.is_file():
                digest = sha256()
                with path.open("rb") as file:
                    while block := file.read(1 << 20):
                        digest.update(block)
                yield ObjectRef(
                    bucket="",
                    key=_FOLDER + path.relative_to(self.folder).as_posix(),
                    version_id=f"sha256:{digest.hexdigest()}",
                    size_bytes=path.stat().st_size,
                )

    def read(self, ref: ObjectRef) -> Content:
        """Return the bytes; raises ContentGone or ContentTooLarge."""
        path = self._path_of(ref.key)
        try:
            status = path.stat()
            if status.st_size > MAX_DOCUMENT_BYTES:
                raise ContentTooLarge(status.st_size)
            data = path.read_bytes()
        except FileNotFoundError as error:
            raise ContentGone("expired-before-processed") from error
        modified_at = datetime.fromtimestamp(status.st_mtime, tz=UTC)
        return Content(data=data, etag=sha256(data).hexdigest(), last_modified_at=modified_at)

    def versions(self, key: str) -> tuple[str, ...]:
        """Return the one version that a folder has of a file."""
        data = self._path_of(key).read_bytes()
        return (f"sha256:{sha256(data).hexdigest()}",)

    def _path_of(self, key: str) -> Path:
        return self.folder / key.removeprefix(_FOLDER)
