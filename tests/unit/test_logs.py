import json
import logging

from api.logs import JsonFormatter


def line(fault: Exception | None = None, **extra: object) -> str:
    info = (type(fault), fault, None) if fault else None
    logger = logging.getLogger("api.views")
    record = logger.makeRecord("api.views", logging.WARNING, "", 1, "sns.accepted", (), info, extra=extra)
    record.created = 1795262400.25  # `date -u -d @1795262400`: 2026-11-21 12:00:00
    return JsonFormatter().format(record)


class TestJsonFormatter:
    def test_writes_the_event_and_its_facts(self) -> None:
        assert json.loads(line(code="done", status=200, parts=[{"key": "a"}])) == {
            "time": "2026-11-21T12:00:00.250+00:00",
            "level": "WARNING",
            "logger": "api.views",
            "event": "sns.accepted",
            "code": "done",
            "status": 200,
            "parts": [{"key": "a"}],
        }

    def test_writes_one_line_whatever_the_facts(self) -> None:
        for odd in ("", "\u2028", "\x7f", "\x85", "\ud800"):
            key = f'a\nb\r"\x00{odd}{{"event": "forged"}}'
            written = line(key=key)

            assert written.isascii()
            assert written.isprintable()
            assert json.loads(written)["key"] == key

    def test_writes_any_number(self) -> None:
        written = json.loads(line(size=2**64, share=0.1))

        assert (written["size"], written["share"]) == (18_446_744_073_709_551_616, 0.1)

    def test_writes_the_stack_trace_of_a_fault_but_not_its_words(self) -> None:
        error = ZeroDivisionError("Total: 8150")
        error.__cause__ = ValueError("invalid literal: 'Customer-ID: C-1'")

        written = json.loads(line(error))

        assert written["exception"] == "ZeroDivisionError\nfrom\nValueError"

    def test_writes_what_json_does_not_know_as_text(self) -> None:
        assert json.loads(line(path=ValueError))["path"] == "<class 'ValueError'>"
