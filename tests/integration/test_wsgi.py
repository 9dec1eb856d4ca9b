"""The server's entry, called as gunicorn calls it: no header that anybody can send breaks it."""

import io
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from api import metrics, wiring
from docproc import wsgi
from docproc.wsgi import application

# Each request looks after the database connections that earlier tests left open.
pytestmark = pytest.mark.django_db


def answer(method: str = "POST", path: str = "/sns", **environ: Any) -> str:
    """Return the status line; exceptions rise, as they would into gunicorn."""
    started: list[str] = []
    made = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "HTTP_HOST": "127.0.0.1",
        "wsgi.input": io.BytesIO(b"{}"),
        "CONTENT_LENGTH": "2",
        "wsgi.url_scheme": "http",
    } | environ
    made = {name: value for name, value in made.items() if value is not None}

    def start(status: str, *_: object) -> Callable[[bytes], object]:
        started.append(status)
        return bytes

    b"".join(application(made, start))
    return started[0]


class TestApplication:
    @pytest.mark.parametrize(
        "content_type",
        [
            "text/plain; charset=UTF-8",
            "text/plain; charset*=foo''bar",
            "text/plain; charset*=utf-8''%00",
            "text/plain; charset*0*=x''a; charset*1=b",
            "text/plain; charset=undefined",
            "text/plain; charset=\xe9",
            "text/plain; charset=" + "a" * 8000,
            "multipart/form-data; boundary=",
            ";;;=;",
            "\xff",
        ],
    )
    def test_takes_any_content_type(self, content_type: str) -> None:
        assert answer(CONTENT_TYPE=content_type) == "400 Bad Request"

    @pytest.mark.parametrize("length", ["", "x", "-1", "9" * 8000])
    def test_takes_any_content_length(self, length: str) -> None:
        assert answer(CONTENT_LENGTH=length)[:3] in {"411", "413"}

    @pytest.mark.parametrize(
        "environ",
        [
            {"HTTP_COOKIE": "sessionid=\xff; =;;"},
            {"HTTP_TRANSFER_ENCODING": "x"},
            {"QUERY_STRING": "%ff=%zz&a[]=\xff"},
            {"HTTP_X_AMZ_SNS_MESSAGE_ID": "\xff" * 4000},
            {"HTTP_AUTHORIZATION": "\xff"},
            {"HTTP_ACCEPT_LANGUAGE": "\xff" * 600},
            {"REQUEST_METHOD": "P\xd6ST"},
        ],
    )
    def test_takes_any_header(self, environ: dict[str, str]) -> None:
        assert answer(**environ)[:3] in {"400", "405"}

    @pytest.mark.parametrize("path", ["/sns\xff", "/sns//", "/sns/x", "/SNS", "//sns", "/sns;x", "/sns%2f"])
    def test_has_no_other_spelling_of_the_endpoint(self, path: str) -> None:
        assert answer(path=path, **{"wsgi.url_scheme": "https"}) == "404 Not Found"

    @pytest.mark.parametrize("path", ["/sns", "/sns/"])
    @pytest.mark.parametrize("scheme", ["http", "https"])
    def test_redirects_neither_spelling_of_it(self, path: str, scheme: str) -> None:
        assert answer(path=path, **{"wsgi.url_scheme": scheme}) == "400 Bad Request"

    def test_has_its_service_before_the_first_request(self) -> None:
        code = "import docproc.wsgi; from api import wiring; print(wiring.service.cache_info().currsize)"
        environ = os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"}

        made = subprocess.run(
            [sys.executable, "-c", code], env=environ, check=True, capture_output=True, text=True, timeout=60
        )

        assert made.stdout.splitlines()[-1] == "1"

    def test_takes_a_server_that_leaves_out_the_empty_path(self) -> None:
        # PEP 3333: a variable that would be empty may be missing. The overview wants a login.
        assert answer("GET", PATH_INFO=None, **{"wsgi.url_scheme": "https"}) == "302 Found"

    def test_takes_no_other_host(self) -> None:
        assert answer(HTTP_HOST="example.com/\xff") == "400 Bad Request"

    def test_answers_500_to_what_nobody_caught(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def broken() -> object:
            raise ZeroDivisionError

        monkeypatch.setattr(wiring, "service", broken)

        assert answer() == "500 Internal Server Error"

    @pytest.mark.parametrize(
        ("is_sql", "looks"), [(True, ["looked", "answered", "looked"]), (False, ["answered"])]
    )
    def test_looks_after_the_ledgers_connections_around_a_message(
        self, monkeypatch: pytest.MonkeyPatch, *, is_sql: bool, looks: list[str]
    ) -> None:
        seen: list[str] = []
        monkeypatch.setattr(wsgi, "_LEDGER_IS_SQL", is_sql)
        monkeypatch.setattr(wsgi, "close_old_connections", lambda: seen.append("looked"))
        monkeypatch.setattr(metrics, "count", lambda *_: seen.append("answered"))

        answer()

        assert seen == looks
