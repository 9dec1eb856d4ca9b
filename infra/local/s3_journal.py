"""What moto's S3 events leave out: which version an event speaks of, and a sequencer.

S3 puts both into the event when it makes the version. Embedded AWS notes each version in
the order in which it is made, and completes the events from these notes before they are
signed. The order is exact: one lock holds a write, its event and its note together, and the
events of one key leave the queue as they came.
"""

import json
import threading
import time
from collections import defaultdict, deque
from typing import Any
from urllib.parse import quote_plus, unquote_plus


class S3Journal:
    """The versions made and not yet told of, by bucket and key; `lock` is held through a write."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self._untold: defaultdict[tuple[str, str], deque[tuple[str, str]]] = defaultdict(deque)
        self._last_sequence = 0

    def note(self, bucket: str, key: str, version_id: str, *, events: int = 1) -> None:
        """Note within `lock` that a version was made, of which so many events tell.

        `version_id` is empty in a bucket without versioning.
        """
        self._last_sequence = max(self._last_sequence + 1, time.time_ns())
        self._untold[bucket, key].extend([(version_id, f"{self._last_sequence:018X}")] * events)

    def complete(self, message: str) -> str:
        """Return the event with versionId and sequencer; any other message as it is."""
        try:
            event = json.loads(message)
            with self.lock:
                for record in event["Records"]:
                    self._complete_object(record["s3"]["bucket"]["name"], record["s3"]["object"])
        except (ValueError, TypeError, KeyError):
            return message
        return json.dumps(event, separators=(",", ":"))

    def _complete_object(self, bucket: str, named: dict[str, Any]) -> None:
        key = unquote_plus(named["key"])
        untold = self._untold.get((bucket, key))
        if "sequencer" in named or not untold:
            return
        version_id, named["sequencer"] = untold.popleft()
        named["key"] = quote_plus(key, safe="/")  # S3 leaves the slash, moto does not
        if version_id:
            named["versionId"] = version_id
