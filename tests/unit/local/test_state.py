from pathlib import Path

import pytest

from infra.local.state import AlreadyRunning, NoFolder, owned


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

    def test_empties_no_folder_that_is_not_a_demos(self, tmp_path: Path) -> None:
        (tmp_path / "thesis.txt").touch()

        with (
            pytest.raises(NoFolder, match=r"is not empty and no demo's; name another with --state$"),
            owned(tmp_path),
        ):
            pass

        assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]

    def test_is_one_owner_s_at_a_time(self, tmp_path: Path) -> None:
        with (
            owned(tmp_path),
            pytest.raises(AlreadyRunning, match=r"already running .* kill \d+$"),
            owned(tmp_path),
        ):
            pass

        with owned(tmp_path) as folder:
            assert folder == tmp_path

    def test_is_for_nobody_else_to_read(self, tmp_path: Path) -> None:
        new, old, foreign = tmp_path / "new", tmp_path / "old", tmp_path / "foreign"
        for folder in (old, foreign):
            folder.mkdir(mode=0o755)
        (old / "lock").touch()

        rights = []
        for folder in (new, old, foreign):
            with owned(folder):
                rights.append(oct(folder.stat().st_mode))

        assert rights == ["0o40700", "0o40700", "0o40755"]

    @pytest.mark.parametrize("place", ["/dev/null", "/proc/x"])
    def test_says_that_it_cannot_be_made(self, place: str) -> None:
        with (
            pytest.raises(
                NoFolder, match=f"^{place} cannot be the demo's folder .*; name another with --state$"
            ),
            owned(Path(place)),
        ):
            pass
