"""Text from Python's documentation or from a file; whatever is wrong with the file is one message that names it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.errors import UserError
from harness.tasks.text import Text, load_text, split_text


def test_the_documentation_is_long_and_hardly_repeats_itself() -> None:
    text = load_text(None)
    paragraphs = [paragraph.strip() for paragraph in text.characters.split("\n\n")]
    assert len(text.characters) > 300_000
    assert len(set(paragraphs)) == len(paragraphs)
    assert "Python" in text.source


def test_little_of_the_documentation_s_test_portion_stands_in_its_training_portion() -> None:
    portions = split_text(load_text(None), 20_000, 20_000)
    trained_on = {portions.train[i : i + 60] for i in range(len(portions.train) - 60)}
    repeated = [portions.test[i : i + 60] in trained_on for i in range(len(portions.test) - 60)]
    assert sum(repeated) / len(repeated) < 0.03


@given(st.text(max_size=300), st.integers(1, 50), st.integers(1, 50))
def test_portions_follow_each_other_and_are_all_of_the_text(characters: str, validation: int, test: int) -> None:
    portions = split_text(Text(characters, "it", ""), validation, test)
    assert "".join(portions) == characters
    assert len(portions.validation) == min(validation, len(characters) // 10)
    assert len(portions.test) == min(test, len(characters) // 10)


def test_a_file_is_read_as_utf_8_with_any_line_ends(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("\ufeffgrün\r\nblau\rrot".encode())
    assert load_text(path).characters == "grün\nblau\nrot"


def test_the_hash_is_of_the_content_and_follows_it(tmp_path: Path) -> None:
    first, copy = tmp_path / "a.txt", tmp_path / "b.txt"
    first.write_text("one text")
    copy.write_text("one text")
    before = load_text(first).sha256
    assert before == load_text(copy).sha256
    first.write_text("another text")
    assert load_text(first).sha256 != before


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "is empty"), (b"ab\xff", r"not UTF-8 text \(invalid start byte at byte 2\)"), (None, "no such file")],
)
def test_an_unusable_file_is_named_with_its_fault(tmp_path: Path, content: bytes | None, said: str) -> None:
    path = tmp_path / "book.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=f"book.txt: {said}"):
        load_text(path)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is a folder, expected a UTF-8 text file"):
        load_text(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UserError, match="is not a regular file"):
        load_text(tmp_path / "pipe")
    with pytest.raises(UserError, match="not a path"):
        load_text(Path("a\0b"))
    (tmp_path / "file").write_text("x")
    with pytest.raises(UserError, match="cannot be read: Not a directory"):
        load_text(tmp_path / "file" / "below")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_without_permission_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "secret.txt"
    path.write_text("text")
    path.chmod(0)
    with pytest.raises(UserError, match="cannot be read: Permission denied"):
        load_text(path)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(content=st.binary(max_size=60))
def test_any_bytes_are_text_or_a_message(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "any.txt"
    path.unlink(missing_ok=True)
    path.write_bytes(content)
    if content.removeprefix(b"\xef\xbb\xbf") and is_utf_8(content):
        assert load_text(path).characters
    else:
        with pytest.raises(UserError, match=r"any\.txt"):
            load_text(path)


def is_utf_8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True
