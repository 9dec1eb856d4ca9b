"""Upload: documents straight from the browser into the source bucket, and what becomes of each.

S3 takes the files under a form that we sign, and holds the limits that are in it; the service
sees them like everybody's. The files of one visit share a prefix, which is the page's state.
"""

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Final, Literal, TypeAlias
from urllib.parse import urlencode, urlsplit

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from api import wiring
from api.pages.sample import sample_text
from api.records import Document
from api.s3_event import ObjectRef
from invoice_parser import MAX_DOCUMENT_BYTES

State: TypeAlias = Literal["waiting", "late", "stored", "superseded", "rejected"]

FORM_SECONDS: Final = 3600
MAX_FILES: Final = 100
# SNS tries for an hour, but by then a person has gone; after this the page stops asking.
_PATIENCE: Final = timedelta(minutes=5)
_BATCH: Final = re.compile(r"\d{4}-\d\d-\d\d/[a-z0-9]{12}-[A-Za-z0-9.@+_-]{1,150}", re.ASCII)
_NOT_PLAIN: Final = re.compile(r"[^A-Za-z0-9.@+_-]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What became of one uploaded version so far."""

    name: str
    ref: ObjectRef
    state: State
    document: Document | None


@require_safe
def upload(request: HttpRequest) -> HttpResponse:
    """Show the form, and the fates of the files that came through it before."""
    owner = _NOT_PLAIN.sub("-", request.user.get_username())
    batch = request.GET.get("batch", "")
    now = datetime.now(UTC)
    if not (_BATCH.fullmatch(batch) and batch.endswith(f"-{owner}")):
        token = secrets.token_hex(6)
        return redirect(f"{reverse('upload')}?{urlencode({'batch': f'{now:%Y-%m-%d}/{token}-{owner}'})}")
    prefix = f"uploads/{batch}/"
    back = request.build_absolute_uri(f"{reverse('upload')}?{urlencode({'batch': batch})}")
    fates = _fates(prefix, now)
    named = prefix + "${filename}"  # S3 puts the file's own name there
    form = wiring.source().upload_form(named, seconds=FORM_SECONDS, redirect_url=back)
    context = {
        "batch": batch,
        "form": form,
        "pasted": wiring.source().upload_form(f"{prefix}pasted.txt", seconds=FORM_SECONDS, redirect_url=back),
        "script_form": wiring.source().upload_form(named, seconds=FORM_SECONDS),
        "max_bytes": MAX_DOCUMENT_BYTES,
        "fates": fates,
        "is_waiting": any(fate.state == "waiting" for fate in fates),
        "sample": sample_text(batch[11:23], now.date()),
    }
    response = render(request, "upload.html", context)
    response.post_origin = _origin(form.url)  # type: ignore[attr-defined] # api/middleware.py reads it
    return response


def _fates(prefix: str, now: datetime) -> Sequence[Fate]:
    """Return the fates of the files under the prefix, the newest first."""
    listed = list(islice(wiring.source().list_versions(prefix), MAX_FILES))
    ids = [(ref.key, ref.version_id or f"etag:{ref.etag}") for ref, _ in listed]
    known = wiring.ledger().documents(ids)
    fates = [
        (at, _fate(prefix, ref, known.get(id_), now - at)) for (ref, at), id_ in zip(listed, ids, strict=True)
    ]
    return [fate for _, fate in sorted(fates, key=lambda each: each[0], reverse=True)]


def _fate(prefix: str, ref: ObjectRef, document: Document | None, age: timedelta) -> Fate:
    state: State = document.outcome if document else ("waiting" if age < _PATIENCE else "late")
    return Fate(name=ref.key.removeprefix(prefix), ref=ref, state=state, document=document)


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
