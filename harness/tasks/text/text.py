"""Real text: the documentation of pandas, or files of the user."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from harness.errors import UserError
from harness.files import read_text
from harness.tasks.common.user_files import Stamp, files_in, stamp
from harness.tasks.text.documentation import documentation

_LARGEST = 1 << 30
_EXPECTED = "a UTF-8 text file"


@dataclass(frozen=True)
class Text:
    """A text, its name in messages, the SHA-256 (hex) of its UTF-8 bytes, and the number of omitted duplicates."""

    characters: str
    source: str
    sha256: str
    repeated: int = 0


def load_text(paths: tuple[Path, ...] | None) -> Text:
    """The concatenated text of UTF-8 files, with line ends '\\n'; a folder stands for its `.txt` files, sorted by name.

    In folders, names that begin with a dot are skipped. Without paths, the text is `documentation`. Raises UserError
    for a file that is missing, empty, unreadable, larger than 1 GiB or not UTF-8, and for a folder without text files.
    """
    if paths is None:
        return _default()
    return _read(tuple(stamp(file, _EXPECTED, _LARGEST) for path in paths for file in _files(path)), *map(str, paths))


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    files = files_in(path, ".txt")
    if not files:
        raise UserError(f"{path}: no .txt files in this folder, expected {_EXPECTED} or a folder of such files")
    return files


@lru_cache(maxsize=4)
def _read(files: tuple[Stamp, ...], *sources: str) -> Text:
    parts = []
    for file in files:
        parts.append(read_text(file.path, _EXPECTED))
        if not parts[-1]:
            raise UserError(f"{file.path}: contains only a byte order mark, expected {_EXPECTED}")
    return _text("\n\n".join(parts), ", ".join(sources))


@lru_cache(maxsize=1)
def _default() -> Text:
    text = documentation()
    return _text(text.characters, text.source, text.repeated)


def _text(characters: str, source: str, repeated: int = 0) -> Text:
    return Text(characters, source, hashlib.sha256(characters.encode()).hexdigest(), repeated)
