"""What runs on an instance: its files are sound, and the template's user data installs them."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from infra.deploy.release import build
from tests.infra.prove_instance import NO_MACHINE
from tests.support.template import CONFIGURATIONS, load, resolve

EC2 = Path(__file__).resolve().parents[2] / "infra" / "ec2"
ROOT = EC2.parents[1]
UNSHARE = ("unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")


def _needs(*programs: str) -> pytest.MarkDecorator:
    missing = [program for program in programs if not shutil.which(program)]
    return pytest.mark.skipif(bool(missing), reason=f"{', '.join(missing)} is not installed; CI has it")


@_needs("shellcheck")
@pytest.mark.parametrize("name", ["install.sh", "docproc-manage"])
def test_a_script_is_sound_shell(name: str) -> None:
    subprocess.run(("shellcheck", EC2 / name), check=True)


@_needs("shellcheck")
def test_the_user_data_is_sound_shell() -> None:
    data = resolve(load(), CONFIGURATIONS["scaled"]).properties("LaunchTemplate")["LaunchTemplateData"]

    subprocess.run(("shellcheck", "-"), input=data["UserData"], text=True, check=True)


@_needs("nginx", "openssl")
@pytest.mark.parametrize("edge", ["https", "fleet", "http"])
def test_nginx_takes_the_configuration(edge: str, tmp_path: Path) -> None:
    for name in ("machines.conf", "people.conf"):
        shutil.copy(EC2 / "nginx" / name, tmp_path)
    shutil.copy(EC2 / "nginx" / f"edge-{edge}.conf", tmp_path / "edge.conf")
    certificate = ("-keyout", "key.pem", "-out", "certificate.pem")
    subject = ("-subj", "/CN=invoices.example.com")
    request = ("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *subject, *certificate)
    subprocess.run(request, cwd=tmp_path, check=True, capture_output=True)
    for path in (EC2 / "nginx" / "nginx.conf", *tmp_path.glob("*.conf")):
        # The same files in a folder of the test's, by an account that every machine has.
        text = path.read_text(encoding="utf-8").replace("/etc/nginx/docproc", str(tmp_path))
        text = text.replace("/etc/docproc/tls", str(tmp_path)).replace(
            "user docproc-web docproc", "user root"
        )
        text = text.replace("/run/nginx.pid", str(tmp_path / "nginx.pid")).replace(
            "listen 80 ", "listen 18080 "
        )
        text = text.replace("listen 443 ", "listen 18443 ")
        (tmp_path / path.name).write_text(text, encoding="utf-8")

    done = subprocess.run(
        ("nginx", "-t", "-c", tmp_path / "nginx.conf"), capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    assert "test is successful" in done.stderr


@_needs("systemd-analyze")
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    shutil.copytree(EC2 / "systemd", tmp_path, dirs_exist_ok=True)
    python = tmp_path / "python"
    python.symlink_to(sys.executable)
    names = []
    for path in tmp_path.glob("docproc-*.*"):
        if path.is_file():
            text = path.read_text(encoding="utf-8").replace(
                "/opt/docproc/current/.venv/bin/python", str(python)
            )
            path.write_text(text, encoding="utf-8")
            names.append(path.name.replace("@.", "@sns." if "web" in path.name else "@redrive."))

    done = subprocess.run(
        ("systemd-analyze", "verify", "--man=no", "--recursive-errors=no", *names),
        cwd=tmp_path,
        env={**os.environ, "SYSTEMD_UNIT_PATH": f"{tmp_path}:"},
        capture_output=True,
        text=True,
        check=False,
    )

    complaints = [line for line in done.stderr.splitlines() if "docproc" in line]
    assert (done.returncode, complaints) == (0, [])
    assert len(names) == 10


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return what was seen of one installation, from the user data on."""
    if os.geteuid() != 0:
        pytest.skip("only root can boot a machine inside this one; CI is root")
    release = tmp_path_factory.mktemp("release") / "release.tar.gz"
    # The machine's Python stands in for that of Ubuntu 24.04; the lock is the same.
    version = subprocess.run(
        ("/usr/bin/python3", "-c", "import sys; print('%d.%d' % sys.version_info[:2])"),
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    release.write_bytes(build(python_version=version).data)
    done = subprocess.run(
        (*UNSHARE, sys.executable, "-m", "tests.infra.prove_instance", str(release)),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    if done.returncode == NO_MACHINE:
        pytest.skip(f"no machine can be booted in this one, see test_pools.py instead: {done.stderr[-1000:]}")
    assert done.returncode == 0, done.stderr[-5000:]
    facts: dict[str, Any] = json.loads(done.stdout)
    return facts


@pytest.mark.slow
@_needs("systemd-nspawn", "nginx", "unshare", "losetup", "ip")
class TestInstalled:
    def test_takes_its_address_and_volume_and_signals_success(self, seen: dict[str, Any]) -> None:
        assert seen["calls"] == ["AssociateAddress", "AttachVolume", "SignalResource"]
        assert seen["signal"] == ["SUCCESS"]
        assert seen["volume"] == ["/dev/docproc-volume", "ext4"]

    def test_turns_an_upload_into_a_row(self, seen: dict[str, Any]) -> None:
        assert seen["first_seconds"] < 5

    def test_shows_no_pages_to_the_world_without_a_certificate(self, seen: dict[str, Any]) -> None:
        assert (seen["pages_from_world"], seen["readyz_here"]) == (404, 200)

    def test_is_not_delayed_by_150_half_sent_requests(self, seen: dict[str, Any]) -> None:
        assert seen["slow"]["clients"] == 150
        # Had they held the workers, it would have waited until they are cut off, after ten seconds.
        assert seen["slow"]["seconds"] < 8

    def test_cuts_off_slow_clients(self, seen: dict[str, Any]) -> None:
        assert seen["slow"]["cut_off_after"] < 20

    def test_answers_every_delivery_while_it_restarts(self, seen: dict[str, Any]) -> None:
        restart = seen["restart"]
        if restart["longest_seconds"] > 13:
            # SNS waits 15 s; a machine that is busy with other things says nothing about the units.
            pytest.skip(f"a restart took {restart['longest_seconds']} s on this machine")

        assert (restart["documents"], restart["failed"]) == (120, [])

    def test_loses_no_document_and_answers_no_error_in_either_case(self, seen: dict[str, Any]) -> None:
        # None is no answer in time, after which SNS sends again.
        for disturbed in (seen["restart"], seen["reload"]):
            assert disturbed["documents"] == 120
            assert set(disturbed["failed"]) <= {None}

    def test_locks_its_units_up(self, seen: dict[str, Any]) -> None:
        assert len(seen["security"]) == 4
        assert max(seen["security"].values()) <= 1.5

    def test_runs_its_timers(self, seen: dict[str, Any]) -> None:
        assert set(seen["tasks"]) == {"redrive", "reconcile", "notify", "expire"}
        assert set(seen["tasks"].values()) == {"success"}
        timers = ("compact", "expire", "notify", "reconcile", "redrive")
        assert seen["timers"] == [f"docproc-{name}.timer" for name in timers]

    def test_lets_an_operator_run_commands(self, seen: dict[str, Any]) -> None:
        assert "System check identified no issues" in seen["manage"]

    def test_ships_its_log(self, seen: dict[str, Any]) -> None:
        assert seen["logs_shipped"] >= 1

    def test_can_be_installed_again(self, seen: dict[str, Any]) -> None:
        assert seen["again"] == ["SUCCESS"]
