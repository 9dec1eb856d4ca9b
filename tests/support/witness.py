"""Remembers every record and object since it was first seen, and tells when one changes."""

import re
from collections import Counter
from datetime import UTC, datetime, timedelta

from api.records import Document, Revision
from tests.support.world import World

# Compaction leaves the tail an overlap of 45 minutes; what appears in an older hour is never read.
TAIL_OVERLAP = timedelta(minutes=45)
_HOUR = re.compile(r"csv/v1/ingest=(\d{4}-\d\d-\d\d-\d\d)/")


class Witness:
    """Looks at a world again and again; `look` fails when something decided has changed."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.documents: dict[tuple[str, str], Document] = {}
        self.revisions: dict[tuple[str, str, int], Revision] = {}
        self.objects: dict[str, bytes] = {}

    def look(self) -> None:
        """Compare every record and every CSV object with what it was."""
        for upload in self.world.uploads:
            now = self.world.ledger.document(*upload.place)
            before = self.documents.get(upload.place)
            if before:
                assert now, f"forgotten: {before}"
                _compare(before, now)
            if now:
                self.documents[upload.place] = now
        self._look_at_revisions()
        self.look_at_objects()

    def _look_at_revisions(self) -> None:
        for current in list(self.world.ledger.current_revisions()):
            for revision in self.world.ledger.history(current.customer_id, current.invoice_id):
                place = (revision.customer_id, revision.invoice_id, revision.rev)
                before = self.revisions.setdefault(place, revision)
                assert before == revision, f"a revision changed: {before} {revision}"
        for names, number in Counter(place[:2] for place in self.revisions).items():
            assert len(self.world.ledger.history(*names)) == number, f"a revision of {names} is gone"

    def look_at_objects(self) -> None:
        """Compare every CSV object with what it was; a new one must lie in an hour that is read."""
        objects = dict(self.world.sink.objects)
        for key, data in self.objects.items():
            assert objects.get(key) == data, f"{key} changed"
        for key in objects.keys() - self.objects.keys():
            match = _HOUR.match(key)
            assert match, f"{key} lies where nobody reads"
            late = self.world.time - datetime.strptime(match[1], "%Y-%m-%d-%H").replace(tzinfo=UTC)
            assert late < timedelta(hours=1) + TAIL_OVERLAP, f"{key} appeared {late} after its hour began"
        self.objects = objects


def _compare(before: Document, now: Document) -> None:
    if len(now.acts) == len(before.acts):
        assert now == before, f"a record changed without an act: {before} {now}"
    assert now.acts[: len(before.acts)] == before.acts
    if before.outcome != "rejected" or not before.is_open:
        assert now.outcome == before.outcome, f"undone: {before} {now}"
        assert not now.is_open, f"opened again: {before}"
