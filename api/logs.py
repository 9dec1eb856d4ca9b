"""Log events: constants with dots; the facts go in `extra`. And the formatter that writes both as JSON.

Facts are MessageIds, object keys, codes and counts. Tokens, URLs and invoice text are never
among them.
"""

import json
import logging
from datetime import UTC, datetime

SNS_ACCEPTED = "sns.accepted"
SNS_CONFIRMED = "sns.confirmed"
SNS_REFUSED = "sns.refused"
SNS_UNAVAILABLE = "sns.unavailable"
SNS_UNSUBSCRIBED = "sns.unsubscribed"
REDRIVE_REFUSED = "redrive.refused"
NOT_READY = "ready.unavailable"
REJECTED_NOT_COPIED = "rejected.not_copied"
DOCUMENT_FAILED = "document.failed"
INGEST_INTERNAL_ERROR = "ingest.internal_error"
PAGE_UNAVAILABLE = "page.unavailable"
ROUTE_UNDECLARED = "route.undeclared"

# What every record has; the rest came in `extra`.
_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonFormatter(logging.Formatter):
    """Writes a record as one line of JSON: time, level, logger, event, the facts, the stack trace."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; control characters in facts are escaped, so that nobody can forge lines."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "event": record.getMessage(),
        }
        line |= {name: value for name, value in vars(record).items() if name not in _OWN}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)
