"""What S3 tells about uploads, as text."""

import json
from urllib.parse import quote_plus

from api.s3_event import ObjectRef


def event_text(*refs: ObjectRef) -> str:
    """Return the S3 event notification that names the objects."""
    return json.dumps({"Records": [_record(ref) for ref in refs]})


def _record(ref: ObjectRef) -> dict[str, object]:
    facts = {"key": quote_plus(ref.key), "eTag": ref.etag, "size": ref.size_bytes}
    facts |= {"versionId": ref.version_id} if ref.version_id else {}
    facts |= {"sequencer": ref.sequencer} if ref.sequencer else {}
    return {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "eventName": "ObjectCreated:Put",
        "s3": {"bucket": {"name": ref.bucket}, "object": facts},
    }
