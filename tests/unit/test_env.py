"""The strict readers of the environment."""

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from docproc import env

NAME = "DOCPROC_X"


class TestSecret:
    def test_is_read_from_the_file_that_is_named(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        (tmp_path / "key").write_text("hush\n")
        monkeypatch.setenv("DOCPROC_X_FILE", str(tmp_path / "key"))

        assert env.secret(NAME) == "hush"

    def test_is_not_both_a_value_and_a_file(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(NAME, "hush")
        monkeypatch.setenv("DOCPROC_X_FILE", "/nowhere")

        with pytest.raises(ImproperlyConfigured, match="DOCPROC_X and DOCPROC_X_FILE are both set"):
            env.secret(NAME)

    def test_names_the_setting_whose_file_is_not_there(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DOCPROC_X_FILE", "/nowhere")

        with pytest.raises(ImproperlyConfigured, match="DOCPROC_X_FILE names a file that cannot be read"):
            env.secret(NAME)


class TestFlag:
    @pytest.mark.parametrize(
        ("value", "expected"),
        [("true", "True"), ("1", "True"), ("No", "False"), ("off", "False"), ("", "None")],
    )
    def test_reads_the_usual_words(self, monkeypatch: pytest.MonkeyPatch, value: str, expected: str) -> None:
        monkeypatch.setenv(NAME, value)

        assert str(env.optional_flag(NAME)) == expected

    def test_stops_at_another_word(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(NAME, "maybe")

        with pytest.raises(ImproperlyConfigured, match=r"DOCPROC_X is 'maybe'; write true or false"):
            env.flag(NAME, default=True)


class TestInteger:
    @pytest.mark.parametrize("value", ["0", "101", "-1", "1.5", "ten", "\u0661"])
    def test_stops_outside_its_range(self, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
        monkeypatch.setenv(NAME, value)

        with pytest.raises(ImproperlyConfigured, match="write a whole number from 1 to 100"):
            env.integer(NAME, 5, low=1, high=100)

    def test_has_a_default(self) -> None:
        assert env.integer(NAME, 5, low=1, high=100) == 5


class TestWords:
    def test_ignores_blanks_and_empty_parts(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(NAME, " a, ,b,")

        assert env.words(NAME) == ("a", "b")


class TestChoice:
    def test_stops_at_another_word(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(NAME, "spark")

        with pytest.raises(ImproperlyConfigured, match="write one of: athena, duckdb"):
            env.choice(NAME, "athena", ("athena", "duckdb"))


class TestLoopbackUrl:
    def test_takes_this_machine(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(NAME, "http://127.0.0.1:5000/")

        assert env.loopback_url(NAME) == "http://127.0.0.1:5000"

    @pytest.mark.parametrize(
        "value",
        [
            "https://sns.example.com",
            "http://10.0.0.1:5000",
            "http://127.0.0.1.example.com:5000",
            "http://user@127.0.0.1:5000",
            "http://127.0.0.1:5000@example.com:80",
            "http://127.0.0.1",
            "http://[::1",
            "ftp://127.0.0.1:21",
            "127.0.0.1:5000",
        ],
    )
    def test_stops_at_any_other(self, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
        monkeypatch.setenv(NAME, value)

        with pytest.raises(ImproperlyConfigured, match=r"DOCPROC_X is for local mode only"):
            env.loopback_url(NAME)


class TestBucket:
    @pytest.mark.parametrize("value", ["", "abc", "docproc-source-123456789012-us-east-1", "a.b.c", "1.2.3"])
    def test_is_what_s3_takes(self, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
        monkeypatch.setenv(NAME, value)

        assert env.bucket(NAME) == value

    @pytest.mark.parametrize(
        "value", ["ab", "A-b-c", "a_b", "-abc", "abc.", "a..b", "192.0.2.1", "s3://abc", "a" * 64]
    )
    def test_stops_at_any_other(self, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
        monkeypatch.setenv(NAME, value)

        with pytest.raises(ImproperlyConfigured, match=r"DOCPROC_X is '.*'; write a bucket's name: 3 to 63"):
            env.bucket(NAME)


class TestHosts:
    def test_are_names_addresses_and_patterns(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(NAME, "*,.example.com, A-1.elb.amazonaws.com,127.0.0.1,[::1]")

        assert env.hosts(NAME) == ("*", ".example.com", "A-1.elb.amazonaws.com", "127.0.0.1", "[::1]")

    @pytest.mark.parametrize("value", ["https://a.example", "a.example:443", "a.example/x", "a b", "::1"])
    def test_stop_at_any_other(self, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
        monkeypatch.setenv(NAME, f"b.example,{value}")

        with pytest.raises(ImproperlyConfigured, match=r"DOCPROC_X has '.*'; write hosts alone"):
            env.hosts(NAME)


class TestAddress:
    @pytest.mark.parametrize(
        "value", ["127.0.0.1:8000", ":80", "localhost:65535", "[::1]:1", "unix:/run/x.sock", "fd://3"]
    )
    def test_is_a_host_and_port_or_a_socket(self, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
        monkeypatch.setenv(NAME, value)

        assert env.address(NAME, "") == value

    @pytest.mark.parametrize("value", ["foo", "127.0.0.1:99999", "127.0.0.1:0", "http://a:1", "a:b", "unix:"])
    def test_stops_at_any_other(self, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
        monkeypatch.setenv(NAME, value)

        with pytest.raises(
            ImproperlyConfigured, match=r"DOCPROC_X is '.*'; write HOST:PORT with a port from 1"
        ):
            env.address(NAME, "")
