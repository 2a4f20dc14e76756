"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness import files
from harness.errors import UserError
from harness.files import make_folder, read_text, remove_parts, replacing, user_path


def write(path: Path, content: bytes) -> None:
    with replacing(path) as file:
        file.write(content)


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    write(tmp_path / "a.txt", b"first")
    write(tmp_path / "a.txt", b"second")
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
    assert (tmp_path / "a.txt").read_bytes() == b"second"


def test_a_failing_writer_leaves_the_file_unchanged(tmp_path: Path) -> None:
    write(tmp_path / "a.txt", b"first")
    with pytest.raises(ZeroDivisionError), replacing(tmp_path / "a.txt") as file:
        file.write(b"second" * (1 // 0))
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"first"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_an_error_and_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"a\.txt: cannot be written \(No space left on device\)"):  # noqa: SIM117
        with replacing(tmp_path / "a.txt"):
            Path("/dev/full").write_text("x", encoding="ascii")
    assert list(tmp_path.iterdir()) == []


def test_devices_and_pipes_are_not_replaced(tmp_path: Path) -> None:
    """Root could: /dev/null became a regular file."""
    pipe, link = tmp_path / "pipe", tmp_path / "link"
    os.mkfifo(pipe)
    link.symlink_to(pipe)
    for path in (pipe, link, Path("/dev/stdout"), Path("/dev/no such device")):
        with pytest.raises(UserError, match=f"{path}: is a device or a pipe, expected a regular file"):
            write(path, b"x")
    assert pipe.is_fifo()
    assert link.is_symlink()


def test_a_folder_that_is_missing_or_a_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be written"):
        write(tmp_path / "no folder" / "b.txt", b"x")
    write(tmp_path / "a.txt", b"x")
    with pytest.raises(UserError, match="cannot create this folder"):
        make_folder(tmp_path / "a.txt" / "folder")


KILLED = """
import os, signal, sys
from pathlib import Path
from harness.files import replacing
with replacing(Path(sys.argv[1])) as file:
    file.write(b"half")
    file.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""


KILLED_ON = "import harness.files, sys; harness.files.THIS_HOST = sys.argv[2]\n" + KILLED


def test_files_of_killed_writers_are_removed_and_those_of_running_ones_are_kept(tmp_path: Path) -> None:
    (tmp_path / "figures").mkdir()
    target = tmp_path / "figures" / "b.svg"
    killed = subprocess.run([sys.executable, "-c", KILLED, str(target)], check=False)
    assert killed.returncode == -9
    assert len(list(target.parent.iterdir())) == 1
    with replacing(tmp_path / "a.txt") as file:
        remove_parts(tmp_path)
        file.write(b"whole")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a.txt", "figures"]
    others = tmp_path / f".other.{os.getpid()}.part"
    others.touch()
    remove_parts(tmp_path)
    assert others.exists()


def test_an_unfinished_file_of_another_host_is_left_to_that_host(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for host in ("a", "b-a", "b"):
        monkeypatch.setattr("harness.files.THIS_HOST", host)
        assert (
            subprocess.run([sys.executable, "-c", KILLED_ON, str(tmp_path / "a.txt"), host], check=False).returncode
            == -9
        )
    monkeypatch.setattr("harness.files.THIS_HOST", "a")
    remove_parts(tmp_path)
    assert sorted(path.name.split(".")[3].rsplit("-", 2)[0] for path in tmp_path.iterdir()) == ["b", "b-a"]


@pytest.mark.parametrize("content", [b"a\nb\n", b"\xef\xbb\xbfa\nb\n", b"a\r\nb\r\n", b"\xef\xbb\xbfa\rb\r"])
def test_text_is_read_without_its_byte_order_mark_and_with_one_kind_of_line_end(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(content)
    assert read_text(tmp_path / "a.txt") == "a\nb\n"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"name = \xff", r"not UTF-8 text \(invalid start byte at byte 7\), expected a poem"),
        ("a poem".encode("utf-16"), r"not UTF-8 text \(invalid start byte at byte 0; it looks like UTF-16\)"),
        ("a poem".encode("utf-16-le"), r"not UTF-8 text \(it has null characters; it looks like UTF-16\)"),
        (None, "no such file, expected a poem"),
    ],
)
def test_a_file_that_is_not_text_is_refused_with_the_reason(content: bytes | None, words: str, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "a.txt").write_bytes(content)
    with pytest.raises(UserError, match=rf"a\.txt: {words}"):
        read_text(tmp_path / "a.txt", "a poem")


def test_a_folder_a_null_character_a_pipe_a_device_and_a_large_file_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UserError, match="cannot be read: Is a directory"):
        read_text(tmp_path)
    with pytest.raises(UserError, match="not a path"):
        read_text(Path("a\0b"))
    os.mkfifo(tmp_path / "pipe")
    for special in (tmp_path / "pipe", Path(os.devnull)):
        with pytest.raises(UserError, match=f"{special}: is not a regular file, expected a poem"):
            read_text(special, "a poem")
    monkeypatch.setattr(files, "LARGEST_TEXT", 1000)
    (tmp_path / "large").write_bytes(b"x" * 1001)
    with pytest.raises(UserError, match="larger than"):
        read_text(tmp_path / "large")


def test_a_tilde_is_the_home_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert user_path("~/a/b.txt") == tmp_path / "a" / "b.txt"
    assert user_path("a/~/b.txt") == Path("a/~/b.txt")
    with pytest.raises(UserError, match="the home folder of ~no-such-user is not known"):
        user_path("~no-such-user/b.txt")
