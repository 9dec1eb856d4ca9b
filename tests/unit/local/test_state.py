from pathlib import Path

import pytest

from infra.local.state import AlreadyRunning, owned


class TestOwned:
    def test_empties_the_folder_but_for_its_inbox(self, tmp_path: Path) -> None:
        folder = tmp_path / ".demo"
        (folder / "inbox").mkdir(parents=True)
        (folder / "inbox" / "mine.txt").write_text("kept", encoding="utf-8")
        (folder / "old").mkdir()
        (folder / "old" / "x").touch()
        (folder / "ledger.sqlite3").touch()

        with owned(folder):
            left = sorted(path.name for path in folder.iterdir())

        assert left == ["inbox", "lock"]
        assert (folder / "inbox" / "mine.txt").read_text(encoding="utf-8") == "kept"

    def test_is_one_owner_s_at_a_time(self, tmp_path: Path) -> None:
        with (
            owned(tmp_path),
            pytest.raises(AlreadyRunning, match=r"already running .* kill \d+$"),
            owned(tmp_path),
        ):
            pass

        with owned(tmp_path) as folder:
            assert folder == tmp_path
