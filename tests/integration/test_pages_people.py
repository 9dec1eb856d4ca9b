"""Login, its limits, one-time links, accounts."""

import time
from getpass import GetPassWarning
from io import StringIO
from typing import Any
from unittest.mock import patch

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import CommandError, call_command
from django.test import Client

from tests.support.pages import World, client_of

PASSWORD = "correct horse battery staple"


@pytest.fixture
def ada(world: World) -> User:
    del world
    user = User.objects.create_user("ada", password=PASSWORD)
    user.groups.add(Group.objects.get(name="viewer"))
    return user


def sign_in(
    password: str = PASSWORD, name: str = "ada", address: str = "192.0.2.1", forwarded: str = ""
) -> Any:
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    form = {"username": name, "password": password}
    return Client(headers=headers).post("/login", form, REMOTE_ADDR=address)


@pytest.mark.usefixtures("ada")
class TestLogin:
    def test_leads_to_the_overview(self) -> None:
        answer = sign_in()

        assert (answer.status_code, answer["Location"]) == (302, "/")

    def test_leads_to_the_page_that_was_asked_for_and_nowhere_else(self) -> None:
        form = {"username": "ada", "password": PASSWORD}

        assert Client().post("/login", form | {"next": "/expenses?group=month"})["Location"] == (
            "/expenses?group=month"
        )
        assert Client().post("/login", form | {"next": "https://evil.example/"})["Location"] == "/"

    def test_does_not_say_which_of_the_two_was_wrong(self) -> None:
        wrong_password, wrong_name = sign_in("wrong"), sign_in(name="nobody")

        assert (wrong_password.status_code, wrong_name.status_code) == (400, 400)
        assert "correct username and password" in wrong_password.content.decode()
        assert "correct username and password" in wrong_name.content.decode()

    def test_refuses_the_sixth_attempt_even_with_the_right_password(self) -> None:
        statuses = [sign_in("wrong").status_code for _ in range(5)]
        sixth = sign_in()

        assert statuses == [400] * 5
        assert sixth.status_code == 429
        assert "Too many attempts" in sixth.content.decode()

    def test_counts_an_account_without_regard_to_case(self) -> None:
        for name in ("ada", "ADA", "Ada", "aDa", "adA"):
            sign_in("wrong", name)

        assert sign_in().status_code == 429

    def test_lets_the_owner_in_from_elsewhere(self) -> None:
        for _ in range(5):
            sign_in("wrong")

        assert sign_in(address="192.0.2.2").status_code == 302

    # A Unix socket, which an instance has between nginx and gunicorn, gives no address.
    @pytest.mark.parametrize("proxy", ["127.0.0.1", "::1", ""])
    def test_takes_the_address_that_the_proxy_saw_and_not_what_the_client_says(self, proxy: str) -> None:
        for number in range(5):
            sign_in("wrong", address=proxy, forwarded=f"10.0.0.{number}, 192.0.2.7")

        behind_proxy = sign_in(address=proxy, forwarded="10.9.9.9, 192.0.2.7")
        of_another = sign_in(address=proxy, forwarded="192.0.2.9")
        direct = sign_in(address="192.0.2.8", forwarded="192.0.2.7")

        assert behind_proxy.status_code == 429
        assert (of_another.status_code, direct.status_code) == (302, 302)

    def test_limits_an_address_that_tries_many_accounts(self) -> None:
        statuses = [sign_in("wrong", f"user-{number}").status_code for number in range(30)]

        assert set(statuses) == {400}
        assert sign_in(name="user-31").status_code == 429

    def test_gives_the_slot_of_a_right_password_back(self) -> None:
        statuses = [sign_in().status_code for _ in range(8)]

        assert statuses == [302] * 8


def link(**options: str) -> str:
    out = StringIO()
    call_command("loginlink", stdout=out, **options)
    return out.getvalue().strip()


@pytest.fixture
def local(world: World, settings: Any) -> None:
    del world
    settings.DOCPROC_AWS_ENDPOINT_URL = "http://127.0.0.1:5000"


class TestLoginLink:
    @pytest.mark.usefixtures("local")
    def test_logs_in_once(self) -> None:
        made = link(url="http://127.0.0.1:8123")
        first, second = Client(), Client()

        used = first.get(made.removeprefix("http://127.0.0.1:8123"))
        again = second.get(made.removeprefix("http://127.0.0.1:8123"))

        assert made.startswith("http://127.0.0.1:8123/login/")
        assert (used.status_code, used["Location"]) == (302, "/")
        assert first.get("/").status_code == 200
        assert again["Location"] == "/login"
        assert second.get("/").status_code == 302

    @pytest.mark.usefixtures("local")
    def test_is_too_old_after_a_quarter_of_an_hour(self) -> None:
        made = link().removeprefix("http://127.0.0.1:8000")
        later = time.time() + 15 * 60 + 2
        with patch("django.core.signing.time.time", return_value=later):
            answer = Client().get(made)

        assert answer["Location"] == "/login"

    @pytest.mark.usefixtures("local")
    def test_cannot_be_made_up(self) -> None:
        forged = link().removeprefix("http://127.0.0.1:8000")[:-3] + "abc"

        assert Client().get(forged)["Location"] == "/login"

    @pytest.mark.usefixtures("local")
    def test_gives_the_role_that_was_asked_for(self) -> None:
        client = Client()
        client.get(link(name="vic", role="viewer").removeprefix("http://127.0.0.1:8000"))

        assert client.get("/").status_code == 200
        assert client.get("/upload").status_code == 403

    @pytest.mark.usefixtures("local")
    def test_takes_no_name_that_the_login_form_would_not(self) -> None:
        with pytest.raises(CommandError, match="the name has 200 characters; the login form takes 1 to 150"):
            call_command("loginlink", "--name", "a" * 200)

        assert not User.objects.filter(username__startswith="aaa").exists()

    def test_is_not_there_outside_local_mode(self, world: World, settings: Any) -> None:
        del world
        settings.DOCPROC_AWS_ENDPOINT_URL = "http://127.0.0.1:5000"
        made = link().removeprefix("http://127.0.0.1:8000")
        settings.DOCPROC_AWS_ENDPOINT_URL = None

        with pytest.raises(CommandError, match="local mode"):
            link()
        assert Client().get(made).status_code == 404


class TestAccount:
    def test_changes_the_password_and_keeps_the_session(self, ada: User) -> None:
        client = Client()
        client.force_login(ada)
        new = "a better horse, better stapled"
        form = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}

        answer = client.post("/account", form)

        assert answer.status_code == 302
        assert client.get("/account").status_code == 200
        assert sign_in(new).status_code == 302

    def test_refuses_a_short_password(self, ada: User) -> None:
        client = Client()
        client.force_login(ada)

        answer = client.post(
            "/account", {"old_password": PASSWORD, "new_password1": "horse-9", "new_password2": "horse-9"}
        )

        assert answer.status_code == 400
        assert "at least 12 characters" in answer.content.decode()

    def test_tells_a_person_without_a_role_what_to_do(self, world: World) -> None:
        del world

        page = client_of("account").get("/account").content.decode()

        assert "ask whoever runs docproc for a role" in page


@pytest.mark.usefixtures("world")
class TestPersonCommand:
    def test_makes_shows_and_shuts_out(self) -> None:
        out = StringIO()
        with patch("api.management.commands.person.getpass", return_value=PASSWORD):
            call_command("person", "ada", role="operator", stdout=out)
        call_command("person", stdout=out)
        call_command("person", "ada", remove=True, stdout=out)

        assert out.getvalue().splitlines() == ["ada: operator", "ada: operator", "ada: shut out"]
        assert sign_in().status_code == 400

    def test_take_a_password_from_standard_input(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("sys.stdin", StringIO(PASSWORD + "\n"))

        call_command("person", "ada", role="operator", password_stdin=True, stdout=StringIO())

        assert sign_in().status_code == 302

    def test_say_what_to_do_without_a_terminal(self) -> None:
        with (
            patch("api.management.commands.person.getpass", side_effect=GetPassWarning),
            pytest.raises(CommandError, match="There is no terminal to ask for the password on"),
        ):
            call_command("person", "ada")

        assert not User.objects.filter(username="ada").exists()

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (("ada", "--remove", "--restore"), "not allowed with argument"),
            (("--remove",), "--remove changes an account: write `person NAME --remove …`"),
            (("--role", "viewer"), "--role changes an account: write `person NAME --role …`"),
            (("--password-stdin",), "--password-stdin changes an account: write `person NAME"),
            (("",), "the name has 0 characters; the login form takes 1 to 150"),
            (("a" * 151, "--role", "viewer"), "the name has 151 characters; the login form takes 1 to 150"),
        ],
    )
    def test_refuses_what_makes_no_sense(self, arguments: tuple[str, ...], said: str) -> None:
        User.objects.create_user("ada", password=PASSWORD)

        with pytest.raises(CommandError, match=said):
            call_command("person", *arguments, stdout=StringIO())

        assert [(user.username, user.is_active) for user in User.objects.all()] == [("ada", True)]

    def test_leaves_no_account_behind_when_the_password_is_no_good(self) -> None:
        with (
            patch("api.management.commands.person.getpass", return_value="password"),
            pytest.raises(CommandError, match="too common"),
        ):
            call_command("person", "bob", role="viewer")

        assert not User.objects.filter(username="bob").exists()
