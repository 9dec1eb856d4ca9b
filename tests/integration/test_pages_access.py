"""Who may see what, and what confines a page: every route, every role."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, path, reverse

from api.access import ROUTES
from tests.support import showcase
from tests.support.invoices import invoice_text
from tests.support.pages import World, client_of

ROOT = Path(__file__).resolve().parents[2]
ARGUMENTS: dict[str, list[str]] = {
    "expenses-download": ["csv"],
    "report": ["tax-summary"],
    "report-download": ["tax-summary", "csv"],
    "login-link": ["token"],
}
POSTS = {"invoice-act", "rejection-act", "query-cancel", "logout"}


def routes(found: Any = None) -> Iterator[URLPattern]:
    """Yield every route of the service."""
    for each in get_resolver().url_patterns if found is None else found:
        if isinstance(each, URLResolver):
            yield from routes(each.url_patterns)
        else:
            yield each


def visit(client: Client, name: str) -> int:
    address = reverse(name, args=ARGUMENTS.get(name, []))
    return (client.post(address) if name in POSTS else client.get(address)).status_code


class TestAccess:
    def test_is_declared_for_every_route_and_for_nothing_else(self) -> None:
        names = {route.name for route in routes()}

        assert None not in names
        assert names == set(ROUTES)

    @pytest.mark.parametrize("name", sorted(set(ROUTES) - {"healthz", "readyz", "login", "login-link"}))
    def test_sends_strangers_to_the_login(self, world: World, name: str) -> None:
        del world
        address = reverse(name, args=ARGUMENTS.get(name, []))
        client = client_of("anyone")

        answer = client.post(address) if name in POSTS else client.get(address)

        assert answer.status_code == 302
        assert answer["Location"].startswith("/login?next=")

    @pytest.mark.parametrize(
        "name", [name for name, role in ROUTES.items() if role in {"viewer", "operator"}]
    )
    def test_refuses_an_account_without_a_role(self, world: World, name: str) -> None:
        del world

        assert visit(client_of("account"), name) == 403

    @pytest.mark.parametrize("name", [name for name, role in ROUTES.items() if role == "operator"])
    def test_refuses_a_viewer_what_operators_do(self, world: World, name: str) -> None:
        del world

        assert visit(client_of("viewer"), name) == 403

    def test_lets_a_superuser_do_what_operators_do(self, world: World) -> None:
        del world
        client = Client()
        client.force_login(User.objects.create_superuser("root"))

        assert client.get("/upload").status_code == 302  # to a batch of its own

    def test_shuts_out_who_was_removed(self, world: World) -> None:
        del world
        client = client_of("viewer")
        User.objects.update(is_active=False)

        assert client.get("/").status_code == 302

    def test_refuses_a_route_that_nobody_declared(self, world: World, settings: Any) -> None:
        del world
        settings.ROOT_URLCONF = type("Urls", (), {"urlpatterns": [path("new", _new, name="new")]})

        for role in ("anyone", "operator"):
            assert client_of(role).get("/new").status_code == 403

    def test_tells_a_polling_page_to_load_itself_when_the_session_is_over(self, world: World) -> None:
        del world

        answer = client_of("anyone").get("/", headers={"HX-Request": "true"})

        assert (answer.status_code, answer["HX-Refresh"]) == (204, "true")

    @pytest.mark.parametrize("name", sorted(POSTS))
    def test_wants_a_token_against_forgery(self, world: World, name: str) -> None:
        del world
        client = client_of("operator")
        client.handler.enforce_csrf_checks = True

        assert client.post(reverse(name)).status_code == 403


def _new(_: HttpRequest) -> HttpResponse:
    return HttpResponse("a secret")


class TestHeaders:
    def test_confine_a_page(self, world: World) -> None:
        del world

        answer = client_of("viewer").get("/")

        assert answer["Content-Security-Policy"] == (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
            "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        )
        assert answer["X-Frame-Options"] == "DENY"
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["Referrer-Policy"] == "same-origin"
        assert answer["Cross-Origin-Opener-Policy"] == "same-origin"
        assert answer["Cross-Origin-Resource-Policy"] == "same-origin"
        assert "camera=()" in answer["Permissions-Policy"]
        assert answer["Cache-Control"] == "no-store"

    def test_let_the_upload_page_post_to_the_bucket_alone(self, world: World) -> None:
        del world

        policy = client_of("operator").get("/upload", follow=True)["Content-Security-Policy"]

        assert "form-action 'self' https://docproc-source.s3.example;" in policy
        assert "connect-src 'self' https://docproc-source.s3.example;" in policy
        assert "script-src 'self';" in policy

    def test_let_nothing_inline_into_a_template(self) -> None:
        templates = list((ROOT / "api" / "templates").rglob("*.html"))
        inline = re.compile(
            r"\sstyle=|\son[a-z]+=|<style|<script(?![^>]*\ssrc=)|javascript:|\|safe\b", re.IGNORECASE
        )

        assert len(templates) > 15
        assert [each.name for each in templates if inline.search(each.read_text())] == []


class TestHostileInvoice:
    def test_is_text_on_every_page(self, world: World) -> None:
        world.upload('x/<script>alert("key")</script>.txt', showcase.hostile())
        world.upload("y/<img src=x>.txt", invoice_text(amount="<b>1</b>"))
        client = client_of("operator")

        for address in (
            "/",
            "/expenses?from=&to=&group=seller",
            "/invoices",
            "/invoice?customer=C-666&invoice=EVIL-1",
            "/rejections",
            "/reports/line-items",
        ):
            page = client.get(address).content.decode()
            assert "<img src=x" not in page
            assert "<svg onload" not in page
            assert re.search(r"<script(?! src=\"/static/)", page) is None
            assert "\u202e" not in page

    def test_shows_what_nobody_could_see(self, world: World) -> None:
        world.upload("x.txt", showcase.hostile())

        page = client_of("viewer").get("/invoice?customer=C-666&invoice=EVIL-1").content.decode()

        assert '<span class="unseen" title="RIGHT-TO-LEFT OVERRIDE">U+202E</span>' in page
