"""Real text: the reference documentation that every Python brings along, or files of the user's."""

from __future__ import annotations

import hashlib
import importlib
import platform
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from harness.errors import UserError
from harness.tasks.files import Stamp, named, stamp

_LARGEST = 1 << 30
_EXPECTED = "a UTF-8 text file"


@dataclass(frozen=True)
class Text:
    """A text, what to call it in messages, and the SHA-256 (hex) of its UTF-8 bytes."""

    characters: str
    source: str
    sha256: str


def load_text(paths: tuple[Path, ...] | None) -> Text:
    """The texts of UTF-8 files one after the other, line ends as '\\n'; of a folder, its `.txt` files by their names.

    Without paths, the topics of Python's own reference documentation. Raises UserError for a file that is missing,
    empty, unreadable, larger than 1 GiB or not UTF-8, and for a folder without text files.
    """
    if paths is None:
        return _python_topics()
    return _read(tuple(stamp(file, _EXPECTED, _LARGEST) for path in paths for file in _files(path)), *map(str, paths))


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    files = sorted(path.glob("*.txt"))
    if not files:
        raise UserError(f"{path}: a folder without .txt files, expected {_EXPECTED} or a folder of some")
    return files


@lru_cache(maxsize=4)
def _read(files: tuple[Stamp, ...], *sources: str) -> Text:
    parts = []
    for file in files:
        with named(file.path, _EXPECTED):
            parts.append(file.path.read_text(encoding="utf-8-sig"))
        if not parts[-1]:
            raise UserError(f"{file.path}: is empty but for a byte order mark, expected {_EXPECTED}")
    return _text("\n\n".join(parts), ", ".join(sources))


@lru_cache(maxsize=1)
def _python_topics() -> Text:
    """Topics in alphabetical order, each paragraph kept where it first stands.

    The documentation repeats a fifth of its paragraphs under several topics; left in, the last topics, which are tested
    on, would have been read in training.
    """
    topics: dict[str, str] = importlib.import_module("pydoc_data.topics").topics
    kept: dict[str, str] = {}
    for name in sorted(topics):
        for paragraph in re.split(r"\n\s*\n", topics[name]):
            kept.setdefault(" ".join(paragraph.split()), paragraph.rstrip())
    kept.pop("", None)
    return _text("\n\n".join(kept.values()), f"Python {platform.python_version()} documentation")


def _text(characters: str, source: str) -> Text:
    return Text(characters, source, hashlib.sha256(characters.encode()).hexdigest())
