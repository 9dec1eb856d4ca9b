"""S3 event notifications: a message's text in, the objects that it names out. Pure.

The format: https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
"""

from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import unquote_plus

from api import strict_json

MAX_KEY_BYTES = 1024  # S3's own limit
MAX_ID_CHARACTERS = 1024  # S3's limit for a version's id; ETags and sequencers are far shorter
MAX_RECORDS = 1000  # S3 sends one
MAX_PROBLEMS = 10  # a reason that names more helps nobody, and must fit in the ledger

_Json: TypeAlias = dict[str, object]


class NotAnEvent(Exception):  # noqa: N818 - it names what is wrong
    """The text is no S3 event; `code` and `message` say why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


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


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Event:
    """What a message tells: objects made, events that make none, and records that cannot be read.

    `ignored` holds a code per event (`test-event`, `other-event`), `problems` a sentence per record.
    """

    objects: tuple[ObjectRef, ...] = ()
    ignored: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


class _BadRecord(Exception):  # noqa: N818 - the same
    """A record lacks what an object needs."""


def parse(text: str) -> S3Event:
    """Return what the text tells. One bad record does not spoil the others. Raises NotAnEvent."""
    try:
        event = strict_json.loads(text)
    except strict_json.NotStrictJson as error:
        raise NotAnEvent("message-not-json", "The message is not JSON, so it is no S3 event.") from error
    if not isinstance(event, dict):
        raise NotAnEvent("message-not-an-event", "The message is JSON, but not an object.")
    if event.get("Event") == "s3:TestEvent":  # S3 sends one when the notification is set up
        return S3Event(ignored=("test-event",))
    records = event.get("Records")
    if not isinstance(records, list) or not records:
        raise NotAnEvent("message-not-an-event", "The message has no list of Records.")
    if len(records) > MAX_RECORDS:
        raise NotAnEvent("message-not-an-event", f"The message has more than {MAX_RECORDS} Records.")
    return _sort(records)


def _sort(records: list[object]) -> S3Event:
    objects, ignored, problems = [], [], []
    for number, record in enumerate(records, 1):
        try:
            ref = _created_object(record)
        except _BadRecord as error:
            problems.append(f"Record {number} of {len(records)}: {error}.")
        else:
            objects.append(ref) if ref else ignored.append("other-event")
    if len(problems) > MAX_PROBLEMS:
        problems[MAX_PROBLEMS:] = [f"And {len(problems) - MAX_PROBLEMS} more."]
    return S3Event(objects=tuple(objects), ignored=tuple(ignored), problems=tuple(problems))


def _created_object(record: object) -> ObjectRef | None:
    """Return the object that the record says was created, None when it says something else."""
    if not isinstance(record, dict):
        raise _BadRecord("it is not a JSON object")
    if not _text(record, "eventVersion").startswith("2."):
        raise _BadRecord("its eventVersion is not 2.x")
    # S3 writes ObjectCreated:Put, some of its likes s3:ObjectCreated:Put.
    if not _text(record, "eventName").removeprefix("s3:").startswith("ObjectCreated:"):
        return None
    s3 = _part(record, "s3")
    part = _part(s3, "object")
    version_id = _id(part, "versionId")
    return ObjectRef(
        bucket=_text(_part(s3, "bucket"), "name"),
        key=_key(_text(part, "key")),
        # Where versioning was suspended, every new object is version "null" and replaces the last.
        version_id="" if version_id == "null" else version_id,
        etag=_id(part, "eTag"),
        size_bytes=_size(part.get("size")),
        sequencer=_id(part, "sequencer"),
    )


def _part(parent: _Json, name: str) -> _Json:
    part = parent.get(name)
    if not isinstance(part, dict):
        raise _BadRecord(f"{name} is not an object")
    return part


def _id(part: _Json, name: str) -> str:
    text = _text(part, name, default="")
    if len(text) > MAX_ID_CHARACTERS:
        raise _BadRecord(f"{name} is longer than any that S3 makes")
    return text


def _text(parent: _Json, name: str, default: str | None = None) -> str:
    text = parent.get(name, default)
    if not isinstance(text, str):
        raise _BadRecord(f"{name} is not a text")
    return text


def _size(size: object) -> int | None:
    if size is None:
        return None
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise _BadRecord("size is not a number of bytes")
    return size


def _key(encoded: str) -> str:
    """Return the key: form-encoded UTF-8, decoded once. It is a name, never a path."""
    try:
        key = unquote_plus(encoded, errors="strict")
    except UnicodeDecodeError as error:
        raise _BadRecord("key is not UTF-8") from error
    if not 1 <= len(key.encode()) <= MAX_KEY_BYTES:
        raise _BadRecord(f"key has not 1 to {MAX_KEY_BYTES} bytes")
    return key
