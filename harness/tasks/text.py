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

_LARGEST = 1 << 30


@dataclass(frozen=True)
class Text:
    """A text, what to call it in messages, and the SHA-256 (hex) of its UTF-8 bytes."""

    characters: str
    source: str
    sha256: str


def load_text(path: Path | None) -> Text:
    """The text of a UTF-8 file, line ends as '\\n'; of a folder, that of its `.txt` files in the order of their names.

    Without a path, the topics of Python's own reference documentation. Raises UserError for a file that is missing,
    empty, unreadable, larger than 1 GiB or not UTF-8, and for a folder without text files.
    """
    if path is None:
        return _python_topics()
    try:
        if not path.is_dir():
            return _checked_file(path)
        parts = [_checked_file(part) for part in sorted(path.glob("*.txt"))]
    except ValueError as error:  # a null character in the path
        raise UserError(f"{str(path)!r}: not a path ({error})") from error
    if not parts:
        raise UserError(f"{path}: a folder without .txt files, expected a UTF-8 text file or a folder of some")
    return _text("\n\n".join(part.characters for part in parts), str(path))


def _checked_file(path: Path) -> Text:
    try:
        stat = path.stat()
        if not path.is_file():
            raise UserError(f"{path}: is not a regular file, expected a UTF-8 text file")
        if stat.st_size > _LARGEST:
            raise UserError(f"{path}: has {stat.st_size:,} bytes, expected at most {_LARGEST:,}")
        return _file(path, stat.st_mtime_ns, stat.st_size)
    except FileNotFoundError:
        raise UserError(f"{path}: no such file, expected a UTF-8 text file") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not UTF-8 text ({error.reason} at byte {error.start})") from error
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from error


@lru_cache(maxsize=4)
def _file(path: Path, _modified_ns: int, _size: int) -> Text:
    characters = path.read_text(encoding="utf-8-sig")
    if not characters:
        raise UserError(f"{path}: is empty, expected a UTF-8 text file")
    return _text(characters, str(path))


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
