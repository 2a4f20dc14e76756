"""Reading files that the user names. Error messages state the file, what was found and what is expected."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from harness.errors import UserError
from harness.files import reading


class Stamp(NamedTuple):
    """A file's path, modification time and size: a cache key for its content."""

    path: Path
    modified_ns: int
    size: int


def stamp(path: Path, expected: str, largest: int) -> Stamp:
    """The file's stamp; `expected` describes the expected file for messages, `largest` is its maximum size in bytes.

    Raises UserError if the file is missing, empty, too large or not a regular file.
    """
    with reading(path, expected):
        stat = path.stat()
    if not path.is_file():
        raise UserError(f"{path}: is not a regular file, expected {expected}")
    if not stat.st_size:
        raise UserError(f"{path}: is empty, expected {expected}")
    if stat.st_size > largest:
        raise UserError(f"{path}: has {stat.st_size:,} bytes, expected at most {largest:,}")
    return Stamp(path, stat.st_mtime_ns, stat.st_size)


def read_bytes(path: Path, expected: str) -> bytes:
    """The content of a file; `expected` describes it for messages. Raises UserError if it cannot be read."""
    with reading(path, expected):
        return path.read_bytes()


def check_trainable(source: object, available: int, unit: str, train_size: int) -> None:
    """Raise UserError if the `source` has fewer examples to train on than `train_size`; `unit` names them."""
    if train_size > available:
        raise UserError(f"{source}: {available:,} {unit} to train on, fewer than train_size {train_size:,}")


def files_in(folder: Path, *suffixes: str) -> list[Path]:
    """Paths in the folder whose names end in one of the suffixes (case-insensitive), sorted by name.

    Names that begin with a dot are skipped, because macOS adds such files on foreign file systems.
    """
    return [path for name in _names(folder) if (path := folder / name).suffix.lower() in suffixes]


def entries(folder: Path) -> str:
    """The first ten names in a folder, for messages: 'a, b, ...', or 'nothing'."""
    names = _names(folder) if folder.is_dir() else []
    return ", ".join([*names[:10], *["..."][: len(names) > 10]]) or "nothing"


def _names(folder: Path) -> list[str]:
    with reading(folder, "a folder"):
        return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
