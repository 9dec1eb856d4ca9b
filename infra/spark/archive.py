"""Where the keys of an archive come from: a listing of a prefix, or the files of an S3 Inventory. Pure.

An inventory is a manifest.json that names gzipped CSV files without header; keys are form-encoded
in them. https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-inventory-location.html
"""

import csv
import gzip
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import IO, TypeAlias
from urllib.parse import unquote_plus

from api.s3_event import ObjectRef

# Without these a document could not be named as the service names it, nor its versions ordered.
COLUMNS = ("Key", "VersionId", "IsLatest", "IsDeleteMarker", "Size", "LastModifiedDate", "ETag")

# key, version id, ETag, size in bytes, and a text by which the versions of a key sort, oldest first.
KeyRow: TypeAlias = tuple[str, str, str, int, str]


class BadManifest(Exception):  # noqa: N818 - it names what is wrong
    """The object is no manifest of an inventory that can be imported."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """What a manifest says: of which bucket, in which files of which bucket, with which columns."""

    bucket: str
    files_bucket: str
    files: tuple[str, ...]
    columns: tuple[str, ...]


def parse_manifest(text: bytes) -> Inventory:
    """Return what the manifest says; raises BadManifest."""
    try:
        manifest = json.loads(text)
        columns = tuple(name.strip() for name in manifest["fileSchema"].split(","))
        files = tuple(each["key"] for each in manifest["files"])
        found = manifest["fileFormat"], manifest["sourceBucket"], manifest["destinationBucket"]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadManifest(f"this is no manifest.json of an S3 Inventory: {error!r}") from error
    file_format, bucket, files_bucket = found
    if file_format != "CSV":
        raise BadManifest(f"the inventory is in {file_format}; make one in CSV")
    if missing := [name for name in COLUMNS if name not in columns]:
        raise BadManifest(
            f"the inventory has no {', '.join(missing)}; make one of all versions, with size, last modified "
            "and ETag"
        )
    return Inventory(
        bucket=bucket,
        files_bucket=files_bucket.removeprefix("arn:aws:s3:::").removeprefix("arn:aws-cn:s3:::"),
        files=files,
        columns=columns,
    )


def inventory_rows(file: IO[bytes], columns: tuple[str, ...]) -> Iterator[KeyRow]:
    """Yield each version that one gzipped file of an inventory lists; delete markers are none."""
    places = [columns.index(name) for name in COLUMNS]
    with gzip.open(file) as plain, io.TextIOWrapper(plain, encoding="utf-8", newline="") as lines:
        for line in csv.reader(lines, strict=True):
            key, version_id, is_latest, is_marker, size, modified_at, etag = (line[place] for place in places)
            if is_marker != "true":
                version_id = "" if version_id == "null" else version_id
                # S3 keeps whole seconds; of two versions in one of them the latest is the last.
                yield unquote_plus(key), version_id, etag.strip('"'), int(size), f"{modified_at} {is_latest}"


def listed_rows(refs: Iterable[ObjectRef]) -> Iterator[KeyRow]:
    """Yield a listing, which has the versions of a key in their order."""
    for place, ref in enumerate(refs):
        yield ref.key, ref.version_id, ref.etag, ref.size_bytes or 0, f"{place:015d}"
