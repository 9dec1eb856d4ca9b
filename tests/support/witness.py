"""Remembers every record and object since it was first seen, and tells when one changes."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from api.records import Document, Revision
from tests.support.books import place_of
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
                self._compare(before, now)
            if now:
                self.documents[upload.place] = now
        self._look_at_revisions()
        self.look_at_objects()

    def _look_at_revisions(self) -> None:
        for current in list(self.world.ledger.current_revisions()):
            history = self.world.ledger.history(current.customer_id, current.invoice_id)
            buried_at = tombstone_rev(history)
            for revision in history:
                place = (revision.customer_id, revision.invoice_id, revision.rev)
                before = self.revisions.get(place, revision)
                if before != revision:
                    self._compare_revisions(before, revision, is_buried=revision.rev < buried_at)
                self.revisions[place] = revision
        for names, number in Counter(place[:2] for place in self.revisions).items():
            assert len(self.world.ledger.history(*names)) == number, f"a revision of {names} is gone"

    def _compare_revisions(self, before: Revision, now: Revision, *, is_buried: bool) -> None:
        allowed = []
        if self.world.is_dropped(before.stored_at):
            allowed.append(replace(before, data=None))
        if is_buried:
            allowed.append(replace(before, data=None, row=b"", sha256=""))
        assert now in allowed, f"a revision changed: {before} {now}"

    def _compare(self, before: Document, now: Document) -> None:
        if len(now.acts) == len(before.acts):
            allowed = [before]
            if self.world.is_dropped(before.recorded_at):
                allowed.append(replace(before, data=None))
            assert now in allowed, f"a record changed without an act: {before} {now}"
        assert now.acts[: len(before.acts)] == before.acts
        if before.outcome != "rejected" or not before.is_open:
            assert now.outcome == before.outcome, f"undone: {before} {now}"
            assert not now.is_open, f"opened again: {before}"
        assert now.data is None or before.data is not None, f"a text came back: {before} {now}"

    def look_at_objects(self) -> None:
        """Compare every CSV object with what it was; a new one must lie in an hour that is read."""
        objects = dict(self.world.sink.objects)
        for key, data in self.objects.items():
            if objects.get(key) != data:
                self._check_erased(key, data, objects.get(key, b""))
        for key in objects.keys() - self.objects.keys():
            match = _HOUR.match(key)
            assert match, f"{key} lies where nobody reads"
            late = self.world.time - datetime.strptime(match[1], "%Y-%m-%d-%H").replace(tzinfo=UTC)
            assert late < timedelta(hours=1) + TAIL_OVERLAP, f"{key} appeared {late} after its hour began"
        self.objects = objects

    def _check_erased(self, key: str, before: bytes, now: bytes) -> None:
        """Check that only rows of invoices that somebody erased are gone from an object."""
        kept, rows = now.splitlines(keepends=True), before.splitlines(keepends=True)
        assert kept == [row for row in rows if row in kept], f"{key} changed"
        for row in rows:
            customer_id, invoice_id, rev = place_of(row)
            history = self.world.ledger.history(customer_id, invoice_id)
            assert row in kept or rev < tombstone_rev(history), f"a row is gone from {key}: {row!r}"


def tombstone_rev(history: Iterable[Revision]) -> int:
    """Return the rev at which an invoice was last erased, 0 for never."""
    return max((each.rev for each in history if each.act and each.act.kind == "erase"), default=0)
