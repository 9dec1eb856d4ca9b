"""The demo's command line."""

import pytest

from infra.local.__main__ import main


class TestPort:
    @pytest.mark.parametrize("port", ["99999", "-1", "http"])
    def test_is_one_that_there_is(self, port: str, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit) as ended:
            main(["--port", port])

        assert ended.value.code == 2
        assert "write a port from 1 to 65535, or 0 for any free one" in capsys.readouterr().err
