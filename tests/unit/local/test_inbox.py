import os
from pathlib import Path

from infra.local.inbox import Inbox


def write(path: Path, text: str, changed_at: int) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    os.utime(path, (changed_at, changed_at))


class TestInbox:
    def test_hands_out_a_file_once_it_stays_the_same(self, tmp_path: Path) -> None:
        inbox = Inbox(tmp_path)
        write(tmp_path / "sub" / "a.txt", "half", 1)
        first = list(inbox.new_files())
        write(tmp_path / "sub" / "a.txt", "half and half", 2)
        second = list(inbox.new_files())

        third, fourth = list(inbox.new_files()), list(inbox.new_files())

        assert (first, second) == ([], [])
        assert third == [("sub/a.txt", b"half and half")]
        assert fourth == []

    def test_hands_it_out_again_when_it_is_saved_again(self, tmp_path: Path) -> None:
        inbox = Inbox(tmp_path)
        write(tmp_path / "a.txt", "one", 1)
        handed_out = [*inbox.new_files(), *inbox.new_files()]
        write(tmp_path / "a.txt", "one", 2)
        handed_out += [*inbox.new_files(), *inbox.new_files(), *inbox.new_files()]

        assert handed_out == [("a.txt", b"one"), ("a.txt", b"one")]

    def test_leaves_what_editors_and_systems_put_beside(self, tmp_path: Path) -> None:
        inbox = Inbox(tmp_path)
        for name in (".a.txt.swp", "a.txt~", ".DS_Store"):
            write(tmp_path / name, "x", 1)
        (tmp_path / "loop").symlink_to(tmp_path / "nowhere")

        assert [*inbox.new_files(), *inbox.new_files()] == []
