"""What the recovery commands keep in SQL, and what retention and erasure take out of it."""

from datetime import UTC, datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Min, Q, QuerySet

from api import models
from api.records import Revision
from api.stores.sql_rows import key_of, row_columns

_BATCH = 500


def acquire_lease(using: str, name: str, holder: str, *, now: datetime, seconds: float) -> bool:
    """Take or renew the lease; False while another holds it and it has not expired."""
    leases = models.Lease.objects.using(using)
    until = now + timedelta(seconds=seconds)
    free = leases.filter(Q(holder=holder) | Q(expires_at__lte=now), name=name)
    if free.update(holder=holder, expires_at=until):
        return True
    try:
        # The savepoint's or transaction's end takes the failed insert with it.
        with transaction.atomic(using=using):
            leases.create(name=name, holder=holder, expires_at=until)
    except IntegrityError:
        return False
    return True


def release_lease(using: str, name: str, holder: str) -> None:
    """Give the lease back; nothing happens when another has it by now."""
    models.Lease.objects.using(using).filter(name=name, holder=holder).delete()


def checkpoint(using: str, name: str) -> str | None:
    """Return what was saved under the name, or None."""
    return models.Checkpoint.objects.using(using).filter(name=name).values_list("reached", flat=True).first()


def save_checkpoint(using: str, name: str, value: str) -> None:
    """Save the value under the name."""
    models.Checkpoint.objects.using(using).update_or_create(name=name, defaults={"reached": value})


def empty_revision(using: str, revision: Revision) -> None:
    """Drop text, row and hash of a revision, and what its columns tell of the row."""
    models.Revision.objects.using(using).filter(
        invoice_key=key_of(revision.customer_id, revision.invoice_id), rev=revision.rev
    ).update(row=b"", data=None, sha256="", **row_columns(b""))


def expire_texts(using: str, *, since: datetime, before: datetime) -> int:
    """Drop the texts of what was recorded or stored from `since` till `before`; return how many."""
    documents = models.Document.objects.using(using)
    revisions = models.Revision.objects.using(using)
    return _drop_texts(
        documents, documents.filter(recorded_at__gte=since, recorded_at__lt=before)
    ) + _drop_texts(revisions, revisions.filter(stored_at__gte=since, stored_at__lt=before))


def nothing_before(using: str) -> datetime:
    """Return a time before which nothing was recorded or stored; indexes have both times in order."""
    recorded = models.Document.objects.using(using).aggregate(at=Min("recorded_at"))["at"]
    stored = models.Revision.objects.using(using).aggregate(at=Min("stored_at"))["at"]
    return min((at for at in (recorded, stored) if at), default=datetime.max.replace(tzinfo=UTC))


def _drop_texts(
    table: QuerySet[models.Document] | QuerySet[models.Revision],
    chosen: QuerySet[models.Document] | QuerySet[models.Revision],
) -> int:
    # In small transactions, so that no delivery waits long for a lock.
    total = 0
    while ids := list(chosen.filter(data__isnull=False).values_list("pk", flat=True)[:_BATCH]):
        total += table.filter(pk__in=ids).update(data=None)
    return total
