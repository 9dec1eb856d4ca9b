"""The command line, from outside."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from invoice_parser.__main__ import main

ROOT = Path(__file__).parents[3]
DATA = ROOT / "tests" / "data" / "invoices"
CANONICAL = DATA / "canonical.txt"
PROGRAM = f"{sys.executable} -m invoice_parser"


def run(*arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "invoice_parser", *arguments],
        cwd=ROOT,
        input=stdin,
        capture_output=True,
        check=False,
    )


class TestRows:
    def test_prints_the_row(self) -> None:
        result = run(str(CANONICAL))

        assert result.returncode == 0
        assert result.stderr == b""
        assert result.stdout.startswith(b'"sm-LK0080145","inv-00001","2018-03-31","Space Mechanics Inc."')
        assert result.stdout.count(b"\n") == 1

    def test_prints_the_names_of_the_columns_when_asked(
        self, capfdbinary: pytest.CaptureFixture[bytes]
    ) -> None:
        assert main(["--csv", "--header", str(CANONICAL)]) == 0

        header, row = capfdbinary.readouterr().out.splitlines()
        assert header.startswith(b'"customer_id","invoice_id",')
        assert header.count(b",") == 21
        assert row.startswith(b'"sm-LK0080145"')

    def test_reads_standard_input(self) -> None:
        assert run("-", stdin=CANONICAL.read_bytes()).stdout.startswith(b'"sm-LK0080145"')


class TestJson:
    def test_prints_the_whole_invoice(self, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
        assert main([str(CANONICAL), "--json"]) == 0

        invoice = json.loads(capfdbinary.readouterr().out)
        assert (invoice["invoice_id"], invoice["issue_date"], invoice["tax_amount"]) == (
            "inv-00001",
            "2018-03-31",
            "500.00",
        )
        assert invoice["items"][4] == {
            "line_number": 5,
            "description": "Transporter base dial",
            "net_amount": "850.00",
            "tax_amount": None,
            "line": 19,
        }
        assert invoice["lines"]["total_amount"] == 11


class TestRejectedFile:
    def test_is_one_line_that_editors_jump_to(self, tmp_path: Path) -> None:
        bad = tmp_path / "bad.txt"
        bad.write_bytes(CANONICAL.read_bytes().replace(b"Amount: 7650", b"Amount: 7,65"))

        result = run(str(bad))

        assert result.returncode == 1
        assert result.stdout == b""
        assert (
            result.stderr.decode()
            == f"{bad}:9:9: bad-amount: Amount: “7,65” is no amount; write it like 1234.50.\n"
        )

    def test_does_not_stop_the_others(
        self, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
    ) -> None:
        (tmp_path / "empty.txt").write_bytes(b"")

        status = main([str(tmp_path / "empty.txt"), str(CANONICAL), str(tmp_path / "absent.txt")])

        output = capfdbinary.readouterr()
        assert status == 2
        assert output.out.count(b"\n") == 1
        assert output.err.decode().splitlines() == [
            f"{tmp_path}/empty.txt: empty: The document has no bytes.",
            f"{tmp_path}/absent.txt: cannot be read: No such file or directory",
            "3 files: 1 invoice with 0 findings, 1 rejected, 1 unreadable",
        ]

    def test_says_too_large_without_reading_it_all(
        self, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
    ) -> None:
        large = tmp_path / "large.txt"
        with large.open("wb") as stream:
            stream.truncate(10**12)  # a hole: no bytes on the disk

        assert main([str(large)]) == 1
        assert capfdbinary.readouterr().err.decode() == (
            f"{large}: too-large: The document has over 262144 bytes; no more are allowed.\n"
        )


class TestFolder:
    def test_is_read_in_the_order_of_names_with_a_summary(
        self, capfdbinary: pytest.CaptureFixture[bytes]
    ) -> None:
        assert main([str(DATA)]) == 1

        output = capfdbinary.readouterr()
        assert [row.split(b",")[1] for row in output.out.splitlines()] == [
            b'"inv-00001"',
            b'"INV-46"',
            b'"INV/2025-26/042"',
            b'"INV-43"',
            b'"INV-45"',
        ]
        assert (
            output.err.decode().splitlines()[-1]
            == "6 files: 5 invoices with 1 finding, 1 rejected, 0 unreadable"
        )

    def test_is_not_read_for_the_name_of_a_variable_that_is_not_set(
        self, capfdbinary: pytest.CaptureFixture[bytes]
    ) -> None:
        assert main([""]) == 2
        assert capfdbinary.readouterr().err == b"'': cannot be read: No such file or directory\n"

    def test_skips_hidden_files(self, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
        (tmp_path / ".git").mkdir()
        (tmp_path / ".git" / "config").write_text("x")

        assert main([str(tmp_path)]) == 0
        assert (
            capfdbinary.readouterr().err == b"0 files: 0 invoices with 0 findings, 0 rejected, 0 unreadable\n"
        )


def test_takes_the_order_of_dates(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(CANONICAL.read_bytes().replace(b"Mar 31 2018", b"03/04/2018"))

    assert [main([str(path)]), main([str(path), "--day-first"]), main(["--month-first", str(path)])] == [
        1,
        0,
        0,
    ]
    assert [row.split(b",")[2] for row in capfdbinary.readouterr().out.splitlines()] == [
        b'"2018-04-03"',
        b'"2018-03-04"',
    ]


def test_shows_progress_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)

    main([str(CANONICAL), str(DATA / "positional.txt")])

    error = capsys.readouterr().err
    assert error.startswith("\r1 of 2\r2 of 2\r\x1b[K")
    assert error.split("\n")[-2].startswith("\r\x1b[K2 files: ")


def test_ends_quietly_when_nobody_reads_on() -> None:
    command = f"({PROGRAM} {' '.join([str(CANONICAL)] * 300)}; echo $? >&2) | head -c 1"

    result = subprocess.run(["sh", "-c", command], cwd=ROOT, capture_output=True, check=False)

    assert (result.stdout, result.stderr) == (b'"', b"141\n")


@pytest.mark.parametrize(
    ("command", "status", "said"),
    [
        ("{file} > /dev/full", 2, b"standard output: cannot be written: No space left on device\n"),
        ("{file} > /dev/full 2>&1", 2, b""),
        ("{file} >&-", 2, b"standard output is closed; redirect it to a file or to /dev/null\n"),
        ("- <&-", 2, b"-: cannot be read: standard input is closed\n"),
        ("/nowhere {file} 2>&- >/dev/null", 2, b""),
    ],
)
def test_says_what_is_wrong_with_its_streams(command: str, status: int, said: bytes) -> None:
    shell = f"{PROGRAM} {command.format(file=CANONICAL)}"

    result = subprocess.run(["sh", "-c", shell], cwd=ROOT, capture_output=True, check=False)

    assert (result.returncode, result.stderr) == (status, said)
