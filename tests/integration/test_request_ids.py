"""Every line that is written during a request has its id, and every answer its line with how long it took."""

import json
import logging
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.test import Client

from api.logs import JsonFormatter

pytestmark = pytest.mark.django_db
FROM_NGINX = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def written() -> Iterator[StringIO]:
    """What the service's own loggers write, as production formats it."""
    handler, logger = logging.StreamHandler(StringIO()), logging.getLogger("api")
    handler.setFormatter(JsonFormatter())
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield handler.stream
    logger.removeHandler(handler)
    logger.setLevel(before)


def lines(written: StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in written.getvalue().splitlines()]


def test_a_page_has_one_line_with_the_id_that_nginx_gave(written: StringIO) -> None:
    Client().get("/login", headers={"X-Request-Id": FROM_NGINX})

    [line] = lines(written)
    assert (line["event"], line["route"], line["method"], line["status"]) == (
        "page.answered",
        "login",
        "GET",
        200,
    )
    assert line["request_id"] == FROM_NGINX
    assert 0 < line["seconds"] < 60


@pytest.mark.parametrize("given", ["", "forged\\n{}", "0123", FROM_NGINX + "0", FROM_NGINX.upper()])
def test_an_id_that_nginx_does_not_give_is_replaced(written: StringIO, given: str) -> None:
    Client().get("/login", headers={"X-Request-Id": given})

    [line] = lines(written)
    assert line["request_id"] != given
    assert len(line["request_id"]) == 32
    assert int(line["request_id"], 16) >= 0


def test_requests_do_not_share_an_id_and_nothing_keeps_it(written: StringIO) -> None:
    for _ in range(2):
        Client().get("/login")
    logging.getLogger("api.other").info("later")

    first, second, later = lines(written)
    assert first["request_id"] != second["request_id"]
    assert "request_id" not in later


def test_a_message_has_one_line_with_id_and_duration(written: StringIO) -> None:
    Client().post("/sns", b"{}", content_type="text/plain", headers={"X-Request-Id": FROM_NGINX})

    [line] = lines(written)
    assert (line["event"], line["status"], line["request_id"]) == ("sns.refused", 400, FROM_NGINX)
    assert 0 <= line["seconds"] < 60


def test_what_asks_for_health_every_ten_seconds_writes_nothing(written: StringIO) -> None:
    Client().get("/healthz")

    assert lines(written) == []


def test_the_path_of_a_login_link_is_in_no_line(written: StringIO) -> None:
    Client().get("/login/secret-token")

    [line] = lines(written)
    assert line["event"] == "page.answered"
    assert "secret-token" not in written.getvalue()
