"""The README's tables are true."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_lists_exactly_the_settings_that_are_read() -> None:
    settings = (ROOT / "docproc" / "settings.py").read_text() + (ROOT / "docproc" / "gunicorn.py").read_text()
    read = set(re.findall(r'env\.\w+\(\s*"(DOCPROC_\w+)"', settings))

    listed = set(re.findall(r"^\| `(DOCPROC_\w+)`", (ROOT / "README.md").read_text(), re.MULTILINE))

    assert listed == read
    assert len(read) > 20


def test_lists_exactly_the_commands_that_there_are() -> None:
    commands = {path.stem for path in (ROOT / "api/management/commands").glob("*.py")} - {"__init__"}

    rows = re.findall(r"^\| `manage\.py ([^` ]+)", (ROOT / "README.md").read_text(), re.MULTILINE)

    assert {name for row in rows for name in row.split("\\|")} == commands
