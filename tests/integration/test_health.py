"""/healthz and /readyz."""

from dataclasses import dataclass
from typing import NoReturn

import pytest
from django.test import Client

from api import wiring
from api.ports import TemporaryFailure


@dataclass
class Readiness:
    fault: TemporaryFailure | None = None
    asked: int = 0

    def ready(self) -> None:
        self.asked += 1
        if self.fault:
            raise self.fault


class TestHealthz:
    def test_answers_without_touching_anything(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def untouchable() -> NoReturn:
            raise AssertionError("the service was asked for")

        monkeypatch.setattr(wiring, "service", untouchable)

        response = Client().get("/healthz")

        assert (response.status_code, response.content) == (200, b"ok")

    @pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
    def test_takes_no_other_method(self, method: str) -> None:
        assert Client().generic(method, "/healthz").status_code == 405


class TestReadyz:
    def test_is_ok_when_everything_can_be_reached(self, monkeypatch: pytest.MonkeyPatch) -> None:
        service = Readiness()
        monkeypatch.setattr(wiring, "service", lambda: service)

        response = Client().get("/readyz")

        assert (response.status_code, response.content) == (200, b"ok")
        assert service.asked == 1

    def test_is_unavailable_when_something_cannot(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        fault = TemporaryFailure("dynamodb", "DescribeTable", "ResourceNotFoundException", "check the table")
        monkeypatch.setattr(wiring, "service", lambda: Readiness(fault))

        response = Client().get("/readyz")

        assert (response.status_code, response.content) == (503, b"unavailable")
        (record,) = [record for record in caplog.records if record.name == "api.views"]
        assert record.getMessage() == "ready.unavailable"
        assert vars(record)["fault"] == "dynamodb DescribeTable: ResourceNotFoundException (check the table)"

    @pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
    def test_takes_no_other_method(self, monkeypatch: pytest.MonkeyPatch, method: str) -> None:
        service = Readiness()
        monkeypatch.setattr(wiring, "service", lambda: service)

        assert Client().generic(method, "/readyz").status_code == 405
        assert service.asked == 0
