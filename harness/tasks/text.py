"""Real text: the reference documentation that every Python brings along, or a file of the user's; split by position."""

from __future__ import annotations

import hashlib
import importlib
import platform
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from harness.errors import UserError

_LARGEST = 1 << 30


@dataclass(frozen=True)
class Text:
    """A text, what to call it in messages, and the SHA-256 (hex) of its UTF-8 bytes."""

    characters: str
    source: str
    sha256: str


class Portions(NamedTuple):
    """Consecutive stretches of a text without overlap."""

    train: str
    validation: str
    test: str


def load_text(path: Path | None) -> Text:
    """The text of a UTF-8 file, line ends as '\\n'; without a path, the topics of Python's own reference documentation.

    Raises UserError for a file that is missing, empty, a folder, unreadable, larger than 1 GiB or not UTF-8.
    """
    if path is None:
        return _python_topics()
    try:
        stat = path.stat()
        if path.is_dir():
            raise UserError(f"{path}: is a folder, expected a UTF-8 text file")
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
    except ValueError as error:  # a null character in the path
        raise UserError(f"{str(path)!r}: not a path ({error})") from error


def split_text(text: Text, validation_size: int, test_size: int) -> Portions:
    """The last `test_size` characters are for test, those before for validation, each at most a tenth of the text."""
    total = len(text.characters)
    test_at = total - min(test_size, total // 10)
    validation_at = test_at - min(validation_size, total // 10)
    return Portions(
        train=text.characters[:validation_at],
        validation=text.characters[validation_at:test_at],
        test=text.characters[test_at:],
    )


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
