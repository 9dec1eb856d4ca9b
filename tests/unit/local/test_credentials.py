from pathlib import Path

import pytest

from infra.local.credentials import PLACEHOLDERS, RealCredentials, refuse_real

KEY_ID = "AKIAIOSFODNN7EXAMPLE"


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


class TestRefuseReal:
    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("AWS_ACCESS_KEY_ID", KEY_ID),
            ("AWS_ACCESS_KEY_ID", "ASIAIOSFODNN7EXAMPLE"),
            ("AWS_WEB_IDENTITY_TOKEN_FILE", "/var/run/token"),
            ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://169.254.170.23/v1/credentials"),
        ],
    )
    def test_names_the_variable_and_the_way_out(self, tmp_path: Path, name: str, value: str) -> None:
        with pytest.raises(RealCredentials) as refused:
            refuse_real({"HOME": str(tmp_path), name: value})

        assert refused.value.where == name
        assert "AWS_SHARED_CREDENTIALS_FILE=/dev/null make demo" in str(refused.value)

    @pytest.mark.parametrize(
        ("file", "text", "profile"),
        [
            ("credentials", f"[default]\naws_access_key_id = {KEY_ID}\n", ""),
            ("credentials", f"[work]\naws_access_key_id = {KEY_ID}\n", "work"),
            ("config", "[default]\nsso_session = corp\n", ""),
            ("config", "[profile work]\nrole_arn = arn:aws:iam::1:role/r\n", "work"),
            ("config", "[profile work]\ncredential_process = /bin/key 100%\n", "work"),
            ("config", "no ini file\n", ""),
        ],
    )
    def test_looks_into_the_profile_in_use(self, tmp_path: Path, file: str, text: str, profile: str) -> None:
        path = write(tmp_path / ".aws" / file, text)
        environ = {"HOME": str(tmp_path)} | ({"AWS_PROFILE": profile} if profile else {})

        with pytest.raises(RealCredentials, match=str(path)):
            refuse_real(environ)

    def test_looks_where_the_environment_points(self, tmp_path: Path) -> None:
        path = write(tmp_path / "elsewhere", f"[default]\naws_access_key_id = {KEY_ID}\n")

        with pytest.raises(RealCredentials):
            refuse_real({"HOME": str(tmp_path), "AWS_SHARED_CREDENTIALS_FILE": str(path)})

    def test_takes_what_leads_nowhere(self, tmp_path: Path) -> None:
        write(
            tmp_path / ".aws" / "config",
            f"[default]\nregion = eu-west-1\n[profile x]\naws_access_key_id={KEY_ID}\n",
        )

        for environ in (
            {},
            {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_SESSION_TOKEN": "test"},
            PLACEHOLDERS,
        ):
            refuse_real({"HOME": str(tmp_path)} | environ)
