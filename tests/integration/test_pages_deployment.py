"""The pages as a deployment has them: HTTPS, collected files, no warning of Django's."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = {
    "DJANGO_SETTINGS_MODULE": "docproc.settings",
    "DOCPROC_SECRET_KEY": "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "DOCPROC_TOPIC_ARNS": "arn:aws:sns:us-east-1:123456789012:docproc",
    "DOCPROC_SOURCE_BUCKET": "source",
    "DOCPROC_DESTINATION_BUCKET": "destination",
    "DOCPROC_ALLOWED_HOSTS": "docproc.example",
    "DOCPROC_DATABASE_URL": "sqlite://:memory:",
}
LOOK = """
import django
django.setup()
from django.test import Client
client = Client(SERVER_NAME="docproc.example")
page = client.get("/login", headers={"X-Forwarded-Proto": "https"})
print(page.status_code, page["Strict-Transport-Security"])
print(sorted((name, bool(each["secure"]), bool(each["httponly"])) for name, each in page.cookies.items()))
print([client.get(path).status_code for path in ("/login", "/", "/healthz")])
"""


def run(*arguments: str, **settings: str) -> str:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("DOCPROC_")}
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=environ | SETTINGS | settings,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_django_has_no_warning_for_a_deployment() -> None:
    assert "no issues" in run("manage.py", "check", "--deploy", "--fail-level", "WARNING")


def test_passwords_and_cookies_go_over_https_only() -> None:
    first, cookies, plain = run("-c", LOOK).splitlines()

    assert first == "200 max-age=31536000; includeSubDomains"
    assert cookies == "[('__Host-docproc-csrf', True, True)]"
    assert plain == "[301, 301, 200]"
