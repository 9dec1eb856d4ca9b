"""Log events: constants with dots; the facts go in `extra`. And the formatter that writes both as JSON.

Facts are MessageIds, object keys, codes and counts. Tokens, URLs and invoice text are never
among them.
"""

import json
import logging
import traceback
from contextvars import ContextVar
from datetime import UTC, datetime

import orjson

from api import metrics

SNS_ACCEPTED = "sns.accepted"
SNS_CONFIRMED = "sns.confirmed"
SNS_REFUSED = "sns.refused"
SNS_UNAVAILABLE = "sns.unavailable"
SNS_UNSUBSCRIBED = "sns.unsubscribed"
REDRIVE_DELIVERED = "redrive.delivered"
REDRIVE_REFUSED = "redrive.refused"
RECONCILE_PROCESSED = "reconcile.processed"
RECONCILE_BALANCE = "reconcile.balance"
COMPACTED = "compact.done"
NOT_READY = "ready.unavailable"
REJECTED_NOT_COPIED = "rejected.not_copied"
BATCH_FAILED = "import.batch_failed"
S3_UNKNOWN_ANSWER = "s3.unknown_answer"
DOCUMENT_FAILED = "document.failed"
INGEST_INTERNAL_ERROR = "ingest.internal_error"
PAGE_ANSWERED = "page.answered"
PAGE_UNAVAILABLE = "page.unavailable"
ROUTE_UNDECLARED = "route.undeclared"

# The request that this thread is at, empty outside one: every line that is written meanwhile has it.
REQUEST_ID: ContextVar[str] = ContextVar("request_id", default="")

# What json hands to `default`, orjson is to hand over as well.
_AS_JSON = (
    orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_SUBCLASS
)

# What every record has; the rest came in `extra`.
_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


# What our lines do not have need not be found out: https://docs.python.org/3/howto/logging.html#optimization
logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False


class JsonFormatter(logging.Formatter):
    """Writes a record as one line of JSON: time, level, logger, event, the facts, the stack trace.

    Samples under the fact `metrics` become CloudWatch's own members; those that do not fit beside the
    others are lines of their own. `stack` is the dimension that all of them have.
    """

    def __init__(self, stack: str = "docproc") -> None:
        super().__init__()
        self._stack = stack

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; control characters in facts are escaped, so that nobody can forge lines."""
        at = datetime.fromtimestamp(record.created, UTC)
        line: dict[str, object] = {
            "time": at.isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "event": record.getMessage(),
        }
        if request_id := REQUEST_ID.get():
            line["request_id"] = request_id
        line |= {name: value for name, value in vars(record).items() if name not in _OWN}
        if record.exc_info:
            line["exception"] = _frames(record.exc_info[1])
        first, *others = metrics.embedded(line.pop("metrics", ()), self._stack, at) or ({},)  # type: ignore[arg-type] # facts are objects
        line |= first
        return "\n".join([_encode(each) for each in (line, *others)])


def _encode(line: dict[str, object]) -> str:
    try:
        text = orjson.dumps(line, default=str, option=_AS_JSON)
    except orjson.JSONEncodeError:  # half a surrogate pair, a number of over 64 bits, a key that is no text
        return json.dumps(line, default=str)
    # Not every reader of a log takes only \n for the end of a line.
    is_plain = text.isascii() and b"\x7f" not in text
    return text.decode() if is_plain else json.dumps(line, default=str)


def _frames(error: BaseException | None) -> str:
    """Return the stack trace without the errors' messages, which like to quote what they choked on."""
    told: list[str] = []
    while error is not None:
        told.append("".join(traceback.format_tb(error.__traceback__)) + type(error).__qualname__)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "\nfrom\n".join(told)
