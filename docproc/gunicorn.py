"""How the production server runs: `gunicorn -c docproc/gunicorn.py docproc.wsgi`.

Threads wait for AWS, processes use the cores. nginx in front holds the slow clients.
https://docs.gunicorn.org/en/stable/settings.html
"""

import copy
import logging
import multiprocessing
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import SystemCheckError

from api.logs import JsonFormatter
from docproc import env


class GunicornFormatter(JsonFormatter):
    """Writes gunicorn's own lines as the service's are; what strangers sent is left out of them."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; of a start that fails it says why, without a stack trace."""
        told = copy.copy(record)
        # What follows is a URL, which may have a login's token, or a header, which may have a cookie.
        told.msg, told.args = _without_quotes(record), ()
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, ImproperlyConfigured | SystemCheckError):
            # These speak of settings, never of a document, and are there to be read by people.
            told.exc_info, told.error = None, f"{type(error).__name__}: {error}"
        return super().format(told)


def _without_quotes(record: logging.LogRecord) -> str:
    """Return what happened, without the words of the request that it happened to."""
    if record.exc_info:
        return str(record.msg).replace(" %s", "")
    message = record.getMessage()
    # Who sent it and what is wrong: `Invalid request from ip=…: Invalid HTTP Header: 'Cookie …'`.
    return ": ".join(message.split(": ")[:2]) if message.startswith("Invalid request") else message


bind = env.address("DOCPROC_BIND", "127.0.0.1:8000")
workers = env.integer("DOCPROC_WORKERS", multiprocessing.cpu_count(), low=1, high=256)
worker_class = "gthread"
# A few more than DOCPROC_MAX_IN_FLIGHT, so that a full house still answers strangers and /healthz.
threads = env.integer("DOCPROC_THREADS", 32, low=1, high=256)
# SNS waits 15 s; a worker that is silent for twice that hangs.
timeout = 30
# A deploy lets what is in flight finish: the three calls of an invoice take under 15 s.
graceful_timeout = 30
keepalive = 75
accesslog = None
# gunicorn's own formatter wants the process, which api.logs does not have logging find out: each of a
# worker's lines would be a `--- Logging error ---` with a stack trace.
logconfig_dict: dict[str, Any] = {
    "formatters": {"json": {"()": GunicornFormatter}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
    "loggers": {"gunicorn.error": {"level": "INFO", "handlers": ["stderr"], "propagate": False}},
    "root": {"level": "WARNING", "handlers": ["stderr"]},
}
# Nobody uses it, and two services of one account would share its path.
control_socket_disable = True
