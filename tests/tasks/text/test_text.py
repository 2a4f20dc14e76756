"""Text from the documentation of pandas or from files; errors name the file."""

from __future__ import annotations

import importlib.metadata
import os
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.cli import completion
from harness.cli.terminal import listing
from harness.errors import UserError
from harness.store.folder import read_summaries
from harness.tasks.sound.recordings import load_recordings
from harness.tasks.text.documentation import PACKAGE, documentation
from harness.tasks.text.text import load_text

ROOT = Path(__file__).parents[3]


PINNED = re.search(rf"^{PACKAGE}==(\S+)(.*)$", (ROOT / "requirements.lock").read_text(encoding="utf-8"), re.MULTILINE)
SHA256 = "6669ccdb025108057f47a0642c6c92c8acbd9eb788260ec66c71f21a6c69fc00"
"""Of the default text with the version in requirements.lock: the same on every Python and platform."""


def test_the_lock_pins_one_version_of_the_default_text_for_every_python() -> None:
    assert PINNED
    assert PINNED[2].strip(" \\") == "", "no marker: one version for every Python"


def test_the_default_text_is_the_same_wherever_the_lock_is_installed() -> None:
    text = load_text(None)
    assert text.source == f"documentation of {PACKAGE} {importlib.metadata.version(PACKAGE)}"
    if PINNED and importlib.metadata.version(PACKAGE) != PINNED[1]:
        pytest.skip(f"another version of {PACKAGE} than the lock's is installed")
    assert text.sha256 == SHA256
    assert len(text.characters) == 426_775


def test_the_default_text_is_prose_and_has_each_paragraph_once() -> None:
    text = load_text(None)
    paragraphs = text.characters.split("\n\n")
    assert len(text.characters) > 400_000
    assert len(set(paragraphs)) == len(paragraphs)
    assert text.repeated > 0
    assert all(paragraph[0].isupper() and paragraph[-1] in ".?!" for paragraph in paragraphs)
    assert not re.search(r">>>|^\.\. |\||%\(", text.characters, re.MULTILINE)
    assert np.mean([character.isalpha() or character == " " for character in text.characters]) > 0.94


def test_documentation_is_read_without_importing_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "toy" / "tests").mkdir(parents=True)
    (tmp_path / "toy-1.5.dist-info").mkdir()
    (tmp_path / "toy-1.5.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: toy\nVersion: 1.5\n")
    module = [
        '"""The first sentence of a module, which is long enough."""',
        "raise RuntimeError",
        "def f():",
        "    '''Not in double quotes, and therefore not read by anybody.'''",
        'x = """A string that is no documentation, although it has a sentence."""',
        "class C:",
        '    r"""A summary that goes on',
        "    in a second line of the documentation string.",
        "",
        "    Parameters",
        "    ----------",
        "    x : int",
        "        This is a description of a parameter, which is left out.",
        "",
        "    >>> this is an example. It is left out, however long it may be.",
        "",
        "    | this is a table. It is left out, however long it may be.",
        "",
        "    The first sentence of a module, which is long enough.",
        '    """',
    ]
    (tmp_path / "toy" / "__init__.py").write_text("\n".join(module))
    (tmp_path / "toy" / "tests" / "test_it.py").write_text('"""A sentence in a test, which is left out in any case."""')
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr("harness.tasks.text.documentation.PACKAGE", "toy")
    text = documentation.__wrapped__()
    assert text.source == "documentation of toy 1.5"
    assert text.repeated == 1
    assert text.characters == (
        "The first sentence of a module, which is long enough.\n\n"
        "A summary that goes on in a second line of the documentation string."
    )


def test_the_documentation_is_kept_in_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path))
    first = documentation.__wrapped__()
    monkeypatch.setattr("harness.tasks.text.documentation._collected", lambda *_: pytest.fail("read again"))
    assert documentation.__wrapped__() == first


def test_little_of_the_documentation_s_end_occurs_before_it() -> None:
    characters = load_text(None).characters
    before, end = characters[:-20_000], characters[-20_000:]
    known = {before[i : i + 60] for i in range(len(before) - 60)}
    repeated = [end[i : i + 60] in known for i in range(len(end) - 60)]
    assert sum(repeated) / len(repeated) < 0.03


def test_a_folder_is_its_text_files_in_the_order_of_their_names(tmp_path: Path) -> None:
    for name, content in (("b.txt", "second"), ("a.TXT", "first"), ("c.md", "no"), ("._b.txt", "\0")):
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
    [
        (b"", "is empty"),
        (b"ab\xff", r"not UTF-8 text \(invalid start byte at byte 2\)"),
        (None, "no such file"),
        ("grün".encode("cp1252"), "not UTF-8 text .* Save it as UTF-8; many programs on Windows write cp1252"),
    ],
)
def test_an_unusable_file_is_named_with_its_fault(tmp_path: Path, content: bytes | None, said: str) -> None:
    path = tmp_path / "book.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=f"book.txt: {said}"):
        load_text((path,))


def test_folders_without_text_and_special_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no \.txt files in this folder"):
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
    if b"\0" in content:
        return False
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def test_dot_files_of_macos_are_ignored_by_every_task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("experiments/._a.toml", "summaries/._gru.txt", "texts/._a.txt", "sounds/._a.wav"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(b"\0\5\x16\7")
    assert "._a" not in "\n".join(listing("experiments"))
    assert read_summaries(tmp_path) == {}
    assert [name for name in completion.experiments("experiments/") if "._a" in name] == []
    with pytest.raises(UserError, match=r"no \.txt files in this folder"):
        load_text((tmp_path / "texts",))
    with pytest.raises(UserError, match="no WAV or FLAC files"):
        load_recordings(tmp_path / "sounds")
