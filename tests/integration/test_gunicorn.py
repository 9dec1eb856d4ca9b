"""The production server's own lines in the log."""

import json
import logging
import os
import socket
import time
from pathlib import Path

import pytest
import requests
from django.core.exceptions import ImproperlyConfigured

from docproc.gunicorn import GunicornFormatter
from infra.local.service import Service, free_port
from infra.local.system import inherited

SETTINGS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_EC2_METADATA_DISABLED": "true",
    "DOCPROC_TOPIC_ARNS": "arn:aws:sns:us-east-1:123456789012:docproc",
    "DOCPROC_SOURCE_BUCKET": "docproc-source",
    "DOCPROC_DESTINATION_BUCKET": "docproc-destination",
    "DOCPROC_SECRET_KEY": "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "DOCPROC_ALLOWED_HOSTS": "127.0.0.1",
    "DOCPROC_WORKERS": "1",
}


def line(message: str, *args: object, error: Exception | None = None) -> dict[str, object]:
    """Return the line of a record of gunicorn's, without its time."""
    info = (type(error), error, None) if error else None
    record = logging.LogRecord("gunicorn.error", logging.ERROR, "", 1, message, args, info)
    written: dict[str, object] = json.loads(GunicornFormatter().format(record))
    written.pop("time")
    return written


class TestGunicornFormatter:
    def test_writes_a_line_as_the_service_does(self) -> None:
        assert line("Worker exiting (pid: %s)", 4711) == {
            "level": "ERROR",
            "logger": "gunicorn.error",
            "event": "Worker exiting (pid: 4711)",
        }

    def test_leaves_out_the_url_and_the_words_of_a_fault(self) -> None:
        written = line("Error handling request %s %s", "GET", "/login/t0ken", error=ValueError("Total: 8150"))

        assert (written["event"], written["exception"]) == ("Error handling request", "ValueError")
        assert "t0ken" not in str(written)

    def test_leaves_out_what_a_stranger_sent(self) -> None:
        written = line("Invalid request from ip=192.0.2.1: Invalid HTTP Header: 'Cookie: session=s3cret'")

        assert written["event"] == "Invalid request from ip=192.0.2.1: Invalid HTTP Header"

    def test_says_why_a_start_failed(self) -> None:
        error = ImproperlyConfigured("DOCPROC_DEBUG is 'maybe'; write true or false.")

        written = line("Exception in worker process", error=error)

        assert written["error"] == "ImproperlyConfigured: DOCPROC_DEBUG is 'maybe'; write true or false."
        assert "exception" not in written


class TestServer:
    def test_writes_one_line_of_json_for_each_event(self, tmp_path: Path) -> None:
        log, port = tmp_path / "service.log", free_port(0)
        environ = inherited(os.environ) | SETTINGS
        service = Service(environ, port=port, log_path=log)

        service.start()
        wait_healthy(service)
        with socket.create_connection(("127.0.0.1", port), timeout=5) as sender:
            sender.sendall(b"GET / HTTP/1.1\r\nCookie s3cret\r\n\r\n")
            sender.recv(1_000)
        service.stop()

        written = log.read_text(encoding="utf-8")
        check, *lines = sorted(written.splitlines(), key=lambda each: each.startswith("{"))
        events = [json.loads(each)["event"] for each in lines]
        assert check == "System check identified no issues (0 silenced)."
        assert "s3cret" not in written
        assert "Invalid request from ip=127.0.0.1: Invalid HTTP Header" in events
        assert any(event.startswith("Worker exiting (pid: ") for event in events)
        assert events[-1] == "Shutting down: Master"


def wait_healthy(service: Service) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and service.is_alive:
        try:
            if requests.get(f"{service.url}/healthz", timeout=5).ok:
                return
        except requests.RequestException:
            time.sleep(0.1)
    pytest.fail(f"it does not answer: {service.log_tail()}", pytrace=False)
