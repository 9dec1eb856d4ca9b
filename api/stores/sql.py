"""The ledger in SQL through Django's ORM: MySQL on RDS, MariaDB, SQLite.

READ COMMITTED is enough (it is Django's default for MySQL): what a change depends on is either a
unique index, which no isolation level lets two transactions pass, or a row that it locks. Under
REPEATABLE READ a look at the winner after a failure could still show the old snapshot.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import TypeVar

from django.db import IntegrityError, transaction
from django.db.models import Max, QuerySet

from api import models
from api.records import Act, Change, Document, Erased, Page, Revision, Seen
from api.stores import sql_listings as listings
from api.stores import sql_upkeep as upkeep
from api.stores.erasure import erase
from api.stores.hours import HOUR, hour_of
from api.stores.router import LEDGER
from api.stores.sql_faults import run
from api.stores.sql_rows import (
    document_columns,
    document_of,
    key_of,
    revision_columns,
    revision_of,
)

_Result = TypeVar("_Result")
_Row = TypeVar("_Row", models.Document, models.Revision)
# Rows may carry 256 KiB of text each; SQLite takes 999 variables in a statement at the least.
_BATCH = 200


class _Changed(Exception):  # noqa: N818 - it says what happened
    """The ledger is no longer as it was seen; rolls the transaction back."""


class SqlLedger:
    """Keeps documents and revisions in two tables. Every method raises TemporaryFailure."""

    def __init__(self, *, using: str = LEDGER, sleep: Callable[[float], None] = time.sleep) -> None:
        self._using = using
        self._sleep = sleep

    def commit(self, change: Change) -> Seen | None:
        """Write all of the change or none; None when it is durable, else what the ledger says now."""
        return self._run("commit", lambda: self._commit(change))

    def document(self, source_key: str, version_id: str) -> Document | None:
        """Return the document's record with its text, or None when the ledger does not know it."""
        return self._run("document", lambda: self._document(source_key, version_id))

    def documents(self, ids: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Document]:
        """Return the known ones of these (source_key, version_id), without their texts."""
        keys = [key_of(*each) for each in dict.fromkeys(ids)]
        found = {}
        for start in range(0, len(keys), _BATCH):
            some = self._documents.filter(document_key__in=keys[start : start + _BATCH]).defer("data")
            for document in map(document_of, self._read("documents", some)):
                found[document.source_key, document.version_id] = document
        return found

    def revision(self, customer_id: str, invoice_id: str, rev: int | None = None) -> Revision | None:
        """Return that revision, the current one without `rev`, or None."""
        return self._run("revision", lambda: self._revision(customer_id, invoice_id, rev))

    def history(self, customer_id: str, invoice_id: str) -> tuple[Revision, ...]:
        """Return every revision of the invoice, newest first."""
        rows = self._revisions.filter(invoice_key=key_of(customer_id, invoice_id)).order_by("-rev")
        return tuple(map(revision_of, self._read("history", rows)))

    def current_revisions(self, *, customer_id: str | None = None) -> Iterator[Revision]:
        """Yield the current revision of every invoice, or of the customer's.

        An invoice that changes meanwhile may come once more.
        """
        rows = self._revisions.filter(current_key__isnull=False)
        if customer_id is not None:
            rows = rows.filter(customer_key=key_of(customer_id))
        return map(revision_of, self._each("current_revisions", rows))

    def revisions_stored(self, hour: datetime) -> Iterator[Revision]:
        """Yield every revision, current or replaced, that was stored in the hour."""
        start = hour_of(hour)
        rows = self._revisions.filter(stored_at__gte=start, stored_at__lt=start + HOUR)
        # An hour's ids first, from the index alone; by id and hour together each batch would sort it.
        ids = self._read("revisions_stored", rows.values_list("pk", flat=True))
        for first in range(0, len(ids), _BATCH):
            some = self._revisions.filter(pk__in=ids[first : first + _BATCH])
            yield from map(revision_of, self._read("revisions_stored", some))

    def newest_stored_at(self, hour: datetime) -> datetime | None:
        """Return when the newest revision of the hour was stored, None when it has none."""
        rows = self._revisions.filter(stored_at__gte=hour_of(hour), stored_at__lt=hour_of(hour) + HOUR)
        newest: datetime | None = self._run(
            "newest_stored_at", lambda: rows.aggregate(newest=Max("stored_at"))["newest"]
        )
        return newest

    def rejections(self, *, open_only: bool = True, limit: int, token: str | None) -> Page:
        """Return a page of rejections, newest first, without their texts."""
        list_them = partial(
            listings.rejections, self._documents, open_only=open_only, limit=limit, token=token
        )
        return self._run("rejections", list_them)

    def open_rejection_count(self, limit: int) -> int:
        """Return how many rejections are open, `limit` if there are more."""
        count = partial(listings.open_rejection_count, self._documents, limit)
        return self._run("open_rejection_count", count)

    def recent_documents(self, *, now: datetime, limit: int, token: str | None) -> Page:
        """Return a page of the last seven days' documents, newest first, without their texts."""
        list_them = partial(listings.recent_documents, self._documents, now=now, limit=limit, token=token)
        return self._run("recent_documents", list_them)

    def acquire_lease(self, name: str, holder: str, *, now: datetime, seconds: float) -> bool:
        """Take or renew the lease for so long; False while another holds it and it has not expired."""
        take = partial(upkeep.acquire_lease, self._using, name, holder, now=now, seconds=seconds)
        return self._run("acquire_lease", take)

    def release_lease(self, name: str, holder: str) -> None:
        """Give the lease back; nothing happens when another has it by now."""
        self._run("release_lease", partial(upkeep.release_lease, self._using, name, holder))

    def checkpoint(self, name: str) -> str | None:
        """Return what was saved under the name, or None."""
        return self._run("checkpoint", partial(upkeep.checkpoint, self._using, name))

    def save_checkpoint(self, name: str, value: str) -> None:
        """Save the value under the name."""
        self._run("save_checkpoint", partial(upkeep.save_checkpoint, self._using, name, value))

    def erase(self, customer_id: str, invoice_id: str | None, act: Act) -> Iterator[Erased]:
        """Erase the invoice, or all of the customer's, while iterated; see erasure.py.

        Yields everything again when repeated. What arrives meanwhile may stay: repeat it then.
        """
        return erase(self, customer_id, invoice_id, act)

    def invoice_ids(self, customer_id: str) -> Iterator[str]:
        """Yield the ids of the customer's invoices."""
        rows = self._revisions.filter(customer_key=key_of(customer_id))
        ids = rows.order_by().values_list("invoice_id", flat=True).distinct()
        return iter(self._read("invoice_ids", ids))

    def unstored(self, customer_id: str, invoice_id: str | None) -> Iterator[Document]:
        """Yield the documents without a row that name the invoice, or any of the customer's."""
        rows = self._documents.filter(customer_key=key_of(customer_id)).exclude(outcome="stored")
        for row in self._each("unstored", rows):
            if invoice_id in (None, row.invoice_id):
                yield document_of(row)

    def empty_revision(self, revision: Revision) -> None:
        """Drop text, row and hash of a replaced revision."""
        self._run("empty_revision", partial(upkeep.empty_revision, self._using, revision))

    def expire_texts(self, *, since: datetime, before: datetime) -> int:
        """Drop the texts of what was recorded or stored from `since` till `before`; return how many.

        Rows, reasons and outcomes stay.
        """
        drop = partial(upkeep.expire_texts, self._using, since=since, before=before)
        return self._run("expire_texts", drop)

    def nothing_before(self) -> datetime | None:
        """Return a time before which nothing was recorded or stored."""
        return self._run("nothing_before", partial(upkeep.nothing_before, self._using))

    def ready(self) -> None:
        """Raise TemporaryFailure unless both tables can be read."""
        self._run("ready", lambda: (self._documents.exists(), self._revisions.exists()))

    @property
    def _documents(self) -> QuerySet[models.Document]:
        return models.Document.objects.using(self._using)

    @property
    def _revisions(self) -> QuerySet[models.Revision]:
        return models.Revision.objects.using(self._using)

    def _run(self, operation: str, work: Callable[[], _Result]) -> _Result:
        return run(self._using, operation, work, self._sleep)

    def _read(self, operation: str, rows: Iterable[_Result]) -> list[_Result]:
        return self._run(operation, lambda: list(rows))

    def _each(self, operation: str, rows: QuerySet[_Row]) -> Iterator[_Row]:
        """Yield the rows in small reads: a long one would keep them all in memory and hold locks."""
        last = 0
        while some := self._read(operation, rows.filter(pk__gt=last).order_by("pk")[:_BATCH]):
            yield from some
            last = some[-1].pk

    def _commit(self, change: Change) -> Seen | None:
        document, revision, seen = change.document, change.revision, change.seen
        try:
            # Durable: within another transaction the outcome would be told before it is.
            with transaction.atomic(using=self._using, durable=True):
                if document is not None:
                    self._write_document(document, seen.document)
                if seen.invoice is not None:
                    self._claim(seen.invoice, is_replaced=revision is not None)
                if revision is not None:
                    self._revisions.create(**revision_columns(revision))
        except (IntegrityError, _Changed):
            named = revision or seen.invoice
            return Seen(
                document=self._document(document.source_key, document.version_id)
                if document
                else seen.document,
                invoice=self._revision(named.customer_id, named.invoice_id, None) if named else None,
            )
        return None

    def _write_document(self, document: Document, seen: Document | None) -> None:
        columns = document_columns(document)
        if seen is None:
            self._documents.create(**columns)
            return
        known = self._documents.filter(document_key=columns["document_key"], act_count=len(seen.acts))
        if document.writes_back(seen):
            known = known.filter(data__isnull=False)
        if not known.update(**columns):
            raise _Changed

    def _claim(self, seen: Revision, *, is_replaced: bool) -> None:
        """Make sure that the revision is the current one, and keep it so till the end."""
        rows = self._revisions.filter(current_key=key_of(seen.customer_id, seen.invoice_id), rev=seen.rev)
        if is_replaced:
            is_current = bool(rows.update(current_key=None))
        else:
            is_current = bool(rows.select_for_update().values_list("pk"))
        if not is_current:
            raise _Changed

    def _document(self, source_key: str, version_id: str) -> Document | None:
        row = self._documents.filter(document_key=key_of(source_key, version_id)).first()
        return document_of(row, with_data=True) if row else None

    def _revision(self, customer_id: str, invoice_id: str, rev: int | None) -> Revision | None:
        key = key_of(customer_id, invoice_id)
        rows = self._revisions
        rows = rows.filter(current_key=key) if rev is None else rows.filter(invoice_key=key, rev=rev)
        row = rows.first()
        return revision_of(row) if row else None
