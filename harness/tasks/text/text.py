"""Real text: the documentation of pandas, or files of the user."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from harness.errors import UserError
from harness.files import read_text
from harness.tasks.common.user_files import Stamp, files_in, stamp
from harness.tasks.text.documentation import Text, documentation

_LARGEST = 1 << 30
_EXPECTED = "a UTF-8 text file"


def load_text(paths: tuple[Path, ...] | None) -> Text:
    """The concatenated text of UTF-8 files, with line ends '\\n'; a folder stands for its `.txt` files, sorted by name.

    In folders, names that begin with a dot are skipped. Without paths, the text is `documentation`. Raises UserError
    for a file that is missing, empty, unreadable, larger than 1 GiB or not UTF-8, and for a folder without text files.
    """
    if paths is None:
        return documentation()
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
    return Text("\n\n".join(parts), ", ".join(sources))
