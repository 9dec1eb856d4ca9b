"""The two buckets: documents are read from the one, CSV objects are written to the other."""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from botocore.exceptions import ClientError

from api import logs
from api.aws import error_code, translate
from api.ports import Content, ContentGone, ContentTooLarge, TemporaryFailure
from api.records import Document
from api.s3_event import ObjectRef

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

logger = logging.getLogger(__name__)

# A copy within S3 takes as long as S3 needs for the bytes, and only rejections wait for one.
COPY_TIMEOUT_SECONDS = 10
MAX_COPY_BYTES = 100 * 1024 * 1024
# What S3 says of a version that can no longer be read, or not like this: it is in an archive class.
# https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
_NOT_READABLE = {
    "NoSuchKey": "expired-before-processed",
    "NoSuchVersion": "expired-before-processed",
    "MethodNotAllowed": "expired-before-processed",
    "PreconditionFailed": "overwritten-before-processed",
    "412": "overwritten-before-processed",
    "InvalidObjectState": "unreadable-object",
}
_UNKNOWN = "docproc does not know this answer of S3's; its list of error codes says what it means"


def _asked_for(ref: ObjectRef) -> tuple[str, str]:
    """Return the version to ask S3 for, and the ETag that it must have; empty where the id says it all."""
    if ref.version_id and not ref.version_id.startswith("etag:"):
        return ref.version_id, ""
    # Without an id of its own it is S3's version `null`: uploaded before versioning was turned on, while
    # it was suspended, or where it never was (S3 knows the name there, too). Unnamed, S3 gives out the
    # current version only, and one that was overwritten would seem lost though it is still there.
    # Another upload while suspended takes the place of `null`, hence the ETag.
    return "null", f'"{ref.etag}"'


def _reason_of(error: ClientError) -> str:
    """Return the rejection's code for a version that S3 will not give out, empty for any other error."""
    code, message = error_code(error), str(error.response.get("Error", {}).get("Message", ""))
    # A customer's own key has no code of its own; what else InvalidRequest says may meet every document.
    if code == "InvalidRequest" and "server side encryption" in message.lower():
        return "unreadable-object"
    return _NOT_READABLE.get(code, "")


def _whole(answer: Any, max_bytes: int) -> bytes:  # noqa: ANN401 - boto3 makes classes at run time
    """Return the body; raises ContentTooLarge before it is read."""
    if answer["ContentLength"] > max_bytes:
        answer["Body"].close()
        raise ContentTooLarge(answer["ContentLength"])
    data: bytes = answer["Body"].read()
    return data


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadForm:
    """Where a browser may post a document to, and the fields that must come before the file."""

    url: str
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceBucket:
    """Reads documents from the source bucket, always the very version that the event named."""

    client: "S3Client"
    bucket: str
    max_bytes: int

    def read(self, ref: ObjectRef) -> Content:
        """Return the document's bytes.

        Raises ContentGone if that version (and, without versioning, that ETag) is no longer
        there or never to be read, ContentTooLarge before the body is read, TemporaryFailure otherwise.
        """
        version_id, etag = _asked_for(ref)
        condition: dict[str, Any] = {"IfMatch": etag} if etag else {}
        try:
            with translate("s3", "GetObject"):
                answer = self.client.get_object(
                    Bucket=self.bucket, Key=ref.key, VersionId=version_id, **condition
                )
                data = _whole(answer, self.max_bytes)
        except ClientError as error:
            code = error_code(error)
            if gone := _reason_of(error):
                raise ContentGone(gone) from error
            # Not known to be this document's fault, so it may meet every document: they wait, and
            # come again by themselves once it is mended, where rejections would want a person each.
            logger.error(logs.S3_UNKNOWN_ANSWER, extra={"key": ref.key, "code": code})  # noqa: TRY400 - raised below
            raise TemporaryFailure("s3", "GetObject", code, _UNKNOWN) from error
        return Content(data=data, etag=answer["ETag"].strip('"'), last_modified_at=answer["LastModified"])

    def upload_form(self, key: str, *, seconds: int, redirect_url: str = "") -> UploadForm:
        """Return a signed form for documents of this key, which may end with `${filename}`.

        S3 itself holds the limits: https://docs.aws.amazon.com/AmazonS3/latest/userguide/HTTPPOSTForms.html
        Without `redirect_url` it answers 204.
        """
        redirect = {"success_action_redirect": redirect_url} if redirect_url else {}
        signed = self.client.generate_presigned_post(
            Bucket=self.bucket,
            Key=key,
            Fields=dict(redirect),
            Conditions=[
                ["content-length-range", 1, self.max_bytes],
                *({name: url} for name, url in redirect.items()),
            ],
            ExpiresIn=seconds,
        )
        return UploadForm(url=signed["url"], fields=signed["fields"])

    def versions(self, key: str) -> tuple[str, ...]:
        """Return the version ids of one key, newest first, as S3 lists them."""
        # S3 lists in the order of the keys' bytes, so a key before those that begin with it, of which
        # there may be a million: the first other key is the end.
        own = takewhile(lambda found: found[0].key == key, self.list_versions(key))
        return tuple(ref.version_id or f"etag:{ref.etag}" for ref, _ in own)

    def list_versions(self, prefix: str = "") -> Iterator[tuple[ObjectRef, datetime]]:
        """Yield every version of every key (newest first per key) with its Last-Modified."""
        pages = self.client.get_paginator("list_object_versions").paginate(Bucket=self.bucket, Prefix=prefix)
        with translate("s3", "ListObjectVersions"):
            for page in pages:
                for version in page.get("Versions", ()):
                    etag = version["ETag"].strip('"')
                    ref = ObjectRef(
                        bucket=self.bucket,
                        key=version["Key"],
                        version_id="" if version["VersionId"] == "null" else version["VersionId"],
                        etag=etag,
                        size_bytes=version["Size"],
                    )
                    yield ref, version["LastModified"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DestinationBucket:
    """Writes immutable CSV objects, and copies of rejected documents."""

    client: "S3Client"
    copy_client: "S3Client"
    bucket: str

    def put_row(self, key: str, row: bytes) -> None:
        """Make sure that the object is there. Safe to repeat: an object is never overwritten."""
        with translate("s3", "PutObject"):
            try:
                self.client.put_object(
                    Bucket=self.bucket,
                    Key=key,
                    Body=row,
                    ContentType="text/csv; charset=utf-8",
                    IfNoneMatch="*",
                )
            except ClientError as error:
                if error_code(error) not in {"PreconditionFailed", "412"}:
                    raise

    def has(self, key: str) -> bool:
        """Tell whether the object is there."""
        with translate("s3", "HeadObject"):
            try:
                self.client.head_object(Bucket=self.bucket, Key=key)
            except ClientError as error:
                if error_code(error) in {"404", "NoSuchKey", "NotFound"}:
                    return False
                raise
        return True

    def keep_rejected(self, ref: ObjectRef, document: Document) -> bool:
        """Copy that very version within S3, since the source expires. Safe to repeat.

        Returns False when S3 will never copy it: it is no longer there, was moved to an archive,
        or is larger than MAX_COPY_BYTES (a text invoice is not, and the copy would outlast SNS's
        patience). A rejection without its bytes is better than none.
        """
        if (ref.size_bytes or 0) > MAX_COPY_BYTES:
            return False
        version_id, etag = _asked_for(ref)
        condition: dict[str, Any] = {"CopySourceIfMatch": etag} if etag else {}
        try:
            with translate("s3", "CopyObject"):
                self.copy_client.copy_object(
                    Bucket=self.bucket,
                    Key=rejected_key(document.source_key, document.version_id),
                    CopySource={"Bucket": ref.bucket, "Key": ref.key, "VersionId": version_id},
                    **condition,
                )
        except ClientError as error:
            facts = {"key": document.source_key, "code": error_code(error)}
            logger.warning(logs.REJECTED_NOT_COPIED, extra=facts)
            return False
        return True

    def kept_rejected(self, document: Document, max_bytes: int) -> bytes:
        """Return the copy of a rejected document; raises ContentGone, ContentTooLarge or TemporaryFailure."""
        key = rejected_key(document.source_key, document.version_id)
        try:
            with translate("s3", "GetObject"):
                return _whole(self.client.get_object(Bucket=self.bucket, Key=key), max_bytes)
        except ClientError as error:
            if gone := _reason_of(error):
                raise ContentGone(gone) from error
            raise TemporaryFailure("s3", "GetObject", error_code(error), _UNKNOWN) from error

    def list_keys(self, prefix: str, start_after: str = "") -> Iterator[str]:
        """Yield the keys under a prefix in order, from the one behind `start_after`."""
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=prefix, StartAfter=start_after
        )
        with translate("s3", "ListObjectsV2"):
            for page in pages:
                yield from (item["Key"] for item in page.get("Contents", ()))

    def get(self, key: str) -> bytes:
        """Return an object's bytes."""
        with translate("s3", "GetObject"):
            return self.client.get_object(Bucket=self.bucket, Key=key)["Body"].read()

    def replace(self, key: str, body: bytes) -> None:
        """Put other bytes in an object's place, and remove every earlier version: only to erase."""
        with translate("s3", "PutObject"):
            version = self.client.put_object(
                Bucket=self.bucket, Key=key, Body=body, ContentType="text/csv; charset=utf-8"
            )
        self._remove(key, keep=version.get("VersionId", "null"))

    def remove(self, key: str) -> None:
        """Remove every version of an object. Safe to repeat."""
        self._remove(key, keep="")

    def _remove(self, key: str, *, keep: str) -> None:
        pages = self.client.get_paginator("list_object_versions").paginate(Bucket=self.bucket, Prefix=key)
        with translate("s3", "DeleteObject"):
            for page in pages:
                for version in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())):
                    if version["Key"] == key and version["VersionId"] != keep:
                        self.client.delete_object(Bucket=self.bucket, Key=key, VersionId=version["VersionId"])

    def ready(self) -> None:
        """Raise TemporaryFailure unless the bucket can be reached."""
        with translate("s3", "HeadBucket"):
            self.client.head_bucket(Bucket=self.bucket)


def rejected_key(source_key: str, version_id: str) -> str:
    """Return where a rejected document's bytes are kept in the destination bucket.

    Percent-encoding makes a key longer; S3 allows 1,024 bytes, so a long one is cut and the
    version id, which is unique, keeps it apart.
    """
    return f"rejected/{quote(source_key, safe='/')[:700]}/{quote(version_id, safe='')}"
