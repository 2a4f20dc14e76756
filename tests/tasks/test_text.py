"""Text from Python's documentation or from a file; whatever is wrong with the file is one message that names it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.errors import UserError
from harness.tasks.text import load_text


def test_the_documentation_is_long_and_hardly_repeats_itself() -> None:
    text = load_text(None)
    paragraphs = [paragraph.strip() for paragraph in text.characters.split("\n\n")]
    assert len(text.characters) > 300_000
    assert len(set(paragraphs)) == len(paragraphs)
    assert "Python" in text.source


def test_little_of_the_documentation_s_end_stands_before_it() -> None:
    characters = load_text(None).characters
    before, end = characters[:-20_000], characters[-20_000:]
    known = {before[i : i + 60] for i in range(len(before) - 60)}
    repeated = [end[i : i + 60] in known for i in range(len(end) - 60)]
    assert sum(repeated) / len(repeated) < 0.03


def test_a_folder_is_its_text_files_in_the_order_of_their_names(tmp_path: Path) -> None:
    for name, content in (("b.txt", "second"), ("a.txt", "first"), ("c.md", "not read")):
        (tmp_path / name).write_text(content)
    assert load_text((tmp_path,)).characters == "first\n\nsecond"
    (tmp_path / "b.txt").write_bytes(b"\xff")
    with pytest.raises(UserError, match=r"b\.txt: not UTF-8"):
        load_text((tmp_path,))


def test_several_files_and_folders_are_one_text_in_their_order(tmp_path: Path) -> None:
    for name in ("z.txt", "a.md", "folder/b.txt", "folder/a.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    text = load_text(tuple(tmp_path / name for name in ("z.txt", "folder", "a.md")))
    assert text.characters == "z.txt\n\nfolder/a.txt\n\nfolder/b.txt\n\na.md"
    assert "z.txt, " in text.source
    with pytest.raises(UserError, match="none: no such file"):
        load_text((tmp_path / "z.txt", tmp_path / "none"))


def test_a_file_is_read_as_utf_8_with_any_line_ends(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("\ufeffgrün\r\nblau\rrot".encode())
    assert load_text((path,)).characters == "grün\nblau\nrot"


def test_the_hash_is_of_the_content_and_follows_it(tmp_path: Path) -> None:
    first, copy = tmp_path / "a.txt", tmp_path / "b.txt"
    first.write_text("one text")
    copy.write_text("one text")
    before = load_text((first,)).sha256
    assert before == load_text((copy,)).sha256
    first.write_text("another text")
    assert load_text((first,)).sha256 != before


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "is empty"), (b"ab\xff", r"not UTF-8 text \(invalid start byte at byte 2\)"), (None, "no such file")],
)
def test_an_unusable_file_is_named_with_its_fault(tmp_path: Path, content: bytes | None, said: str) -> None:
    path = tmp_path / "book.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=f"book.txt: {said}"):
        load_text((path,))


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"a folder without \.txt files"):
        load_text((tmp_path,))
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UserError, match="is not a regular file"):
        load_text((tmp_path / "pipe",))
    with pytest.raises(UserError, match="not a path"):
        load_text((Path("a\0b"),))
    (tmp_path / "file").write_text("x")
    with pytest.raises(UserError, match="cannot be read: Not a directory"):
        load_text((tmp_path / "file" / "below",))


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_without_permission_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "secret.txt"
    path.write_text("text")
    path.chmod(0)
    with pytest.raises(UserError, match="cannot be read: Permission denied"):
        load_text((path,))


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(content=st.binary(max_size=60))
def test_any_bytes_are_text_or_a_message(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "any.txt"
    path.unlink(missing_ok=True)
    path.write_bytes(content)
    if content.removeprefix(b"\xef\xbb\xbf") and is_utf_8(content):
        assert load_text((path,)).characters
    else:
        with pytest.raises(UserError, match=r"any\.txt"):
            load_text((path,))


def is_utf_8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True
