"""S3 event notifications: a message's text in, the objects that it names out. Pure.

The format: https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectRef:
    """One created object, as an event names it.

    `key` is decoded. `version_id` is empty from a bucket without versioning. `size_bytes` is
    None when unknown. `sequencer` orders the events of one key (empty when unknown).
    """

    bucket: str
    key: str
    version_id: str = ""
    etag: str = ""
    size_bytes: int | None = None
    sequencer: str = ""
