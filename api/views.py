"""HTTP in, status out: /sns, /healthz and /readyz. No other module knows the flow's status codes.

    /sns      200  done, or nothing to do; every outcome is durable
              400  SNS never sends this (BadMessage), or the body broke off
              403  nothing proves that SNS sent this for one of our topics (UntrustedMessage)
              405  not a POST
              411  no Content-Length; a chunked body arrives without one
              413  over 512 KiB; not read
              415  a Content-Encoding; SNS never uses one
              503  to be delivered again: the certificate, AWS or a free slot is missing now
    /healthz  200  the process answers; no I/O
    /readyz   200  the ledger and the bucket can be reached
              503  one of them cannot
              405  (both) neither GET nor HEAD

SNS may take any 4xx for final and retries on 5xx, so 4xx is only for what must never come again.
The body of an answer is the code that stands in the log line and counts.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from http import HTTPStatus
from itertools import chain
from threading import BoundedSemaphore
from time import perf_counter

from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.utils import timezone
from django.views.decorators.http import require_safe

from api import logs, metrics, wiring
from api.delivery import Part
from api.ports import TemporaryFailure
from api.sns import (
    MESSAGE_ID,
    BadMessage,
    CertificateUnavailable,
    Refusal,
    SnsMessage,
    UntrustedMessage,
)

MAX_BODY_BYTES = 512 * 1024

logger = logging.getLogger(__name__)

SNS_PATHS = frozenset({"/sns", "/sns/"})
# Those of SNS's own that the gate looks at.
_SNS_HEADERS = {
    f"HTTP_X_AMZ_SNS_{name.upper().replace('-', '_')}": f"x-amz-sns-{name}"
    for name in ("rawdelivery", "message-type", "message-id", "topic-arn")
}
_OUTCOMES = frozenset({"stored", "superseded", "rejected", "repeated"})
_SERVER_ERROR = HTTPStatus.INTERNAL_SERVER_ERROR
_REFUSALS = {
    BadMessage: (HTTPStatus.BAD_REQUEST, logs.SNS_REFUSED),
    UntrustedMessage: (HTTPStatus.FORBIDDEN, logs.SNS_REFUSED),
    CertificateUnavailable: (HTTPStatus.SERVICE_UNAVAILABLE, logs.SNS_UNAVAILABLE),
}
_LEVELS = {
    logs.SNS_ACCEPTED: logging.INFO,
    logs.SNS_CONFIRMED: logging.INFO,
    logs.SNS_REFUSED: logging.WARNING,
    logs.SNS_UNAVAILABLE: logging.WARNING,
    logs.SNS_UNSUBSCRIBED: logging.ERROR,
}
_HINTS = {
    "raw-delivery": "raw messages are unsigned: set RawMessageDelivery of the subscription to false",
    "foreign-bucket": "compare DOCPROC_SOURCE_BUCKET with the buckets that notify this topic",
    "unsubscribed": "subscribe the endpoint again, unless somebody ended the subscription on purpose",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    status: HTTPStatus
    event: str
    code: str
    parts: tuple[Part, ...] = ()
    fault: str = ""


class _Unread(Exception):  # noqa: N818 - it names what is wrong
    """The body is not to be read, or cannot be."""

    def __init__(self, status: HTTPStatus, code: str) -> None:
        super().__init__(code)
        self.status, self.code = status, code


def sns(request: HttpRequest) -> HttpResponse:
    """Take a message from SNS; answer 200 only after every outcome is durable. Raises DisallowedHost."""
    started_at = perf_counter()
    request.get_host()
    answer = _answer(request)
    seconds = round(perf_counter() - started_at, 4)
    _report(answer, request.META.get("HTTP_X_AMZ_SNS_MESSAGE_ID", ""), seconds)
    response = HttpResponse(answer.code, status=answer.status, content_type="text/plain")
    # Django's middleware would say it for pages; without it the server answers in chunks.
    response["Content-Length"] = str(len(response.content))
    if answer.status is HTTPStatus.METHOD_NOT_ALLOWED:
        response["Allow"] = "POST"
    return response


class SnsFirst:
    """Middleware: /sns is answered before anything that is for browsers has its turn.

    It has no session, no cookie, no page and no redirect. The server calls sns() before it comes to
    this (docproc/wsgi.py); whoever runs Django's own handler, as its test client does, comes this way.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Return the answer."""
        return sns(request) if request.path_info in SNS_PATHS else self.get_response(request)


@require_safe
def healthz(_: HttpRequest) -> HttpResponse:
    """Tell that the process answers."""
    return HttpResponse("ok", content_type="text/plain")


@require_safe
def readyz(_: HttpRequest) -> HttpResponse:
    """Tell whether documents can be dealt with now."""
    try:
        wiring.service().ready()
    except TemporaryFailure as failure:
        logger.warning(logs.NOT_READY, extra={"fault": str(failure)})
        status = HTTPStatus.SERVICE_UNAVAILABLE
        return HttpResponse("unavailable", status=status, content_type="text/plain")
    return HttpResponse("ok", content_type="text/plain")


def _answer(request: HttpRequest) -> _Answer:
    service, now = wiring.service(), timezone.now()
    try:
        message = service.gate.admit(_body(request), _headers(request), now)
    except _Unread as error:
        return _Answer(status=error.status, event=logs.SNS_REFUSED, code=error.code)
    except Refusal as error:
        status, event = _REFUSALS[type(error)]
        return _Answer(status=status, event=event, code=error.code)
    # Only trusted messages take a slot: strangers cannot use them up, and when AWS is slow the
    # threads left over still answer strangers and health checks.
    slots = _slots(service.max_in_flight)
    if not slots.acquire(blocking=False):
        return _again("busy")
    try:
        return _act(message, service, now)
    except TemporaryFailure as failure:
        return _again(f"{failure.service}-{failure.operation}", fault=str(failure))
    finally:
        slots.release()


def _headers(request: HttpRequest) -> dict[str, str]:
    """Return SNS's own headers by their names in lower case."""
    return {name: request.META[key] for key, name in _SNS_HEADERS.items() if key in request.META}


def _body(request: HttpRequest) -> bytes:
    if request.method != "POST":
        raise _Unread(HTTPStatus.METHOD_NOT_ALLOWED, "not-a-post")
    if request.META.get("HTTP_CONTENT_ENCODING"):
        raise _Unread(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "content-encoding")
    length = request.META.get("CONTENT_LENGTH", "")
    if not (length.isascii() and length.isdigit()):
        raise _Unread(HTTPStatus.LENGTH_REQUIRED, "no-length")
    # Compared as text first: int() has an error of its own for thousands of digits.
    if len(length) > len(str(MAX_BODY_BYTES)) or int(length) > MAX_BODY_BYTES:
        raise _Unread(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too-large")
    try:
        # Not request.body, which has a limit and an error of its own. The stream ends after
        # Content-Length bytes, whatever the client sends.
        return bytes(request.read(MAX_BODY_BYTES))
    except UnreadablePostError as error:
        raise _Unread(HTTPStatus.BAD_REQUEST, "broken-off") from error


@cache
def _slots(number: int) -> BoundedSemaphore:
    return BoundedSemaphore(number)


def _act(message: SnsMessage, service: wiring.Service, now: datetime) -> _Answer:
    if message.type == "UnsubscribeConfirmation":  # 200, and no way back in for who ended it
        return _Answer(status=HTTPStatus.OK, event=logs.SNS_UNSUBSCRIBED, code="unsubscribed")
    if message.type == "SubscriptionConfirmation":
        service.confirm(message.topic_arn, message.token)
        return _Answer(status=HTTPStatus.OK, event=logs.SNS_CONFIRMED, code="confirmed")
    parts = service.delivery.deliver(message.message_id, message.text, now)
    if any(part.outcome == "unavailable" for part in parts):
        return _again("unavailable", parts=parts)
    return _Answer(status=HTTPStatus.OK, event=logs.SNS_ACCEPTED, code="done", parts=parts)


def _again(code: str, *, parts: tuple[Part, ...] = (), fault: str = "") -> _Answer:
    status = HTTPStatus.SERVICE_UNAVAILABLE
    return _Answer(status=status, event=logs.SNS_UNAVAILABLE, code=code, parts=parts, fault=fault)


def _report(answer: _Answer, message_id: str, seconds: float) -> None:
    """Write the request's one line, and count. A refused sender's words are no part of it."""
    metrics.count("sns.answers", answer.code)
    for part in answer.parts:
        metrics.count("sns.parts", f"{part.outcome}:{part.code}" if part.code else part.outcome)
    codes = {answer.code, *[part.code for part in answer.parts]} & _HINTS.keys()
    hint = " ".join([_HINTS[code] for code in sorted(codes)])
    is_warned = any(part.outcome == "refused" for part in answer.parts)
    facts: dict[str, object] = {
        "code": answer.code,
        "status": answer.status.value,
        "seconds": seconds,
        "message_id": message_id if MESSAGE_ID.fullmatch(message_id) else "",
        "parts": [_facts(part) for part in answer.parts],
        "fault": answer.fault,
        "hint": hint,
        "metrics": _samples(answer),
    }
    level = max(_LEVELS[answer.event], logging.WARNING if is_warned else logging.NOTSET)
    logger.log(level, answer.event, extra={name: fact for name, fact in facts.items() if fact != ""})


def _facts(part: Part) -> dict[str, str]:
    return {"outcome": part.outcome, "key": part.key, "code": part.code, "fault": part.fault}


def _samples(answer: _Answer) -> tuple[metrics.Sample, ...]:
    """Return what the request adds to CloudWatch's metrics."""
    now = timezone.now()
    documents = [
        metrics.of_document(part.outcome, part.code, part.uploaded_at, now)
        for part in answer.parts
        if part.outcome in _OUTCOMES
    ]
    failed = (metrics.Sample(name="answers_5xx", value=1),) if answer.status >= _SERVER_ERROR else ()
    return tuple(chain(failed, *documents))
