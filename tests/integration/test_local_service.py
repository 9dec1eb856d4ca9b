"""The service as local mode's child process: what happens when it cannot start."""

import os
import socket
from pathlib import Path

import pytest

from infra.local.service import PortTaken, Service, ServiceFailed, free_port
from infra.local.system import inherited


class TestFreePort:
    def test_refuses_a_port_in_use(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]

            with pytest.raises(PortTaken, match=f"port {port} of 127.0.0.1 is in use"):
                free_port(port)

        assert free_port(port) == port

    def test_finds_one(self) -> None:
        assert 1024 < free_port(0) < 65536


class TestService:
    def test_says_why_it_does_not_start(self, tmp_path: Path) -> None:
        environ = inherited(os.environ) | {"DOCPROC_DEBUG": "maybe"}
        service = Service(environ, port=free_port(0), log_path=tmp_path / "service.log")

        service.start()
        with pytest.raises(ServiceFailed, match="DOCPROC_DEBUG is 'maybe'; write true or false"):
            service.wait_ready()
        service.stop()

        assert not service.is_alive

    def test_says_why_a_command_of_it_failed(self, tmp_path: Path) -> None:
        service = Service(
            inherited(os.environ) | {"DOCPROC_DEBUG": "maybe"}, port=1, log_path=tmp_path / "service.log"
        )

        with pytest.raises(ServiceFailed, match=r"manage\.py check failed"):
            service.manage("check")


class TestInherited:
    def test_drops_what_leads_elsewhere(self) -> None:
        shell = {
            "PATH": "/bin",
            "AWS_PROFILE": "work",
            "DOCPROC_LEDGER": "mysql://production/ledger",
            "HTTPS_PROXY": "http://proxy:3128",
            "http_proxy": "http://proxy:3128",
            "GUNICORN_CMD_ARGS": "--bind 0.0.0.0",
        }

        assert inherited(shell) == {"PATH": "/bin"}
