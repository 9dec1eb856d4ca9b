"""Embedded AWS and real credentials never meet in one process."""

import os
import re
from collections.abc import Mapping
from configparser import ConfigParser, Error
from pathlib import Path

# Nothing looks these up: embedded AWS takes any.
PLACEHOLDERS = {
    "AWS_ACCESS_KEY_ID": "embedded",
    "AWS_SECRET_ACCESS_KEY": "embedded",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}
WITHOUT_CREDENTIALS = (
    "env -u AWS_ACCESS_KEY_ID -u AWS_SESSION_TOKEN -u AWS_PROFILE -u AWS_DEFAULT_PROFILE "
    f"AWS_CONFIG_FILE={os.devnull} AWS_SHARED_CREDENTIALS_FILE={os.devnull} make demo"
)
# AWS's key ids are 16 capitals and digits or more; what people write for local use is not.
_KEY_ID = re.compile(r"[A-Z0-9]{16,}")
_SOURCES = (
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)
_OPTIONS = ("role_arn", "sso_session", "sso_start_url", "credential_process", "login_session")


class RealCredentials(Exception):  # noqa: N818 - it names what is wrong
    """This shell can reach a real AWS account; `where` says by what."""

    def __init__(self, where: str) -> None:
        super().__init__(
            f"embedded AWS does not start beside real credentials, which it found in {where}. "
            f"Start it without them:\n  {WITHOUT_CREDENTIALS}"
        )
        self.where = where


def refuse_real(environ: Mapping[str, str]) -> None:
    """Raise RealCredentials if the environment or its profile leads to a real account.

    Looks at names and files only: asking botocore could run programs or call AWS.
    """
    if _KEY_ID.fullmatch(environ.get("AWS_ACCESS_KEY_ID", "")):
        raise RealCredentials("AWS_ACCESS_KEY_ID")
    for name in _SOURCES:
        if environ.get(name):
            raise RealCredentials(name)
    profile = environ.get("AWS_PROFILE") or environ.get("AWS_DEFAULT_PROFILE") or "default"
    home = Path(environ.get("HOME", "~")).expanduser()
    for name, path in (
        ("AWS_SHARED_CREDENTIALS_FILE", home / ".aws" / "credentials"),
        ("AWS_CONFIG_FILE", home / ".aws" / "config"),
    ):
        file = Path(environ.get(name) or path)
        if _leads_to_aws(file, profile):
            raise RealCredentials(f"profile {profile} of {file}")


def _leads_to_aws(file: Path, profile: str) -> bool:
    parser = ConfigParser(interpolation=None, strict=False)
    try:
        parser.read(file, encoding="utf-8")
    except (OSError, UnicodeDecodeError, Error):
        return True  # what cannot be read may hold anything
    for section in (profile, f"profile {profile}"):
        if parser.has_section(section):
            key_id = parser.get(section, "aws_access_key_id", fallback="")
            if _KEY_ID.fullmatch(key_id) or any(parser.has_option(section, name) for name in _OPTIONS):
                return True
    return False
