"""Reads piano rolls from a file: MATLAB 5 (as in the literature), JSON note lists, or NPZ; pickle is not supported."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from harness.errors import UserError
from harness.files import decode_text
from harness.tasks.common.task import Array
from harness.tasks.common.user_files import Stamp, read_bytes, stamp
from harness.tasks.files.matlab import cells_of

NOTES = 88
LOWEST = 21
"""The MIDI number of a piano's lowest note."""
_SPLITS = {
    "train": ("traindata", "train"),
    "validation": ("validdata", "valid", "validation"),
    "test": ("testdata", "test"),
}
_LARGEST_FILE = 1 << 26
_EXPECTED = "piano rolls as .mat, .json or .npz"
_LARGEST_CONTENT = 1 << 29


@dataclass(frozen=True)
class PianoRolls:
    """The pieces of each split, (steps, 88) of 0 and 1, uint8; the SHA-256 of the file."""

    train: tuple[Array, ...]
    validation: tuple[Array, ...]
    test: tuple[Array, ...]
    source: str
    sha256: str
    short: int = 0
    """Number of pieces that are left out because they have only one step."""
    repeated: int = 0
    """Number of pieces that are left out because they equal a piece of the validation or test split."""


def load_piano_rolls(path: Path) -> PianoRolls:
    """The pieces of a `.mat`, `.json` or `.npz` file, without pieces of a single step.

    A `.mat` file has cell arrays `traindata`, `validdata` and `testdata` of matrices (steps, 88). A `.json` file has an
    object {"train": pieces, "valid": pieces, "test": pieces}: a piece is a list of steps, a step a list of MIDI numbers
    21 to 108, whole or as floats; -1, null and NaN stand for a silent voice. An `.npz` file has arrays (steps, 88)
    named `train_<anything>`, `valid_<anything>`, `test_<anything>`. Raises UserError for a file that is missing, of
    another format, malformed, or that lacks a split.
    """
    file = stamp(path, _EXPECTED, _LARGEST_FILE)
    if path.suffix.lower() not in _READERS:
        raise UserError(f"{path}: expected a file whose name ends in .mat, .json or .npz")
    return _loaded(file)


@lru_cache(maxsize=2)
def _loaded(file: Stamp) -> PianoRolls:
    path = file.path
    content = read_bytes(path, _EXPECTED)
    by_name = _READERS[path.suffix.lower()](content, path)
    parts, short = [], 0
    for split, names in _SPLITS.items():
        name = next((name for name in names if name in by_name), None)
        pieces = () if name is None else tuple(_roll(piece, path, split) for piece in by_name[name])
        short += sum(len(piece) < 2 for piece in pieces)
        pieces = tuple(piece for piece in pieces if len(piece) > 1)
        if not pieces:
            raise UserError(f"{path}: no pieces of at least two steps under {' or '.join(map(repr, names))}")
        parts.append(pieces)
    train, validation, test = parts
    given = len(train) + len(validation)
    measuring = {piece.tobytes() for piece in (*validation, *test)}
    tested = {piece.tobytes() for piece in test}
    train = tuple(piece for piece in train if piece.tobytes() not in measuring)
    validation = tuple(piece for piece in validation if piece.tobytes() not in tested)
    if not train or not validation:
        raise UserError(f"{path}: the splits contain the same pieces")
    repeated = given - len(train) - len(validation)
    return PianoRolls(train, validation, test, str(path), hashlib.sha256(content).hexdigest(), short, repeated)


def _from_json(content: bytes, path: Path) -> Mapping[str, Sequence[Array]]:
    try:
        by_name = json.loads(decode_text(content, path, _EXPECTED))
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path}: not JSON ({error})") from error
    if not isinstance(by_name, dict) or not all(isinstance(pieces, list) for pieces in by_name.values()):
        raise UserError(f'{path}: expected an object of lists of pieces, {{"train": [...], "valid": ..., "test": ...}}')
    return {name: [_from_notes(piece, path, name) for piece in pieces] for name, pieces in by_name.items()}


def _from_npz(content: bytes, path: Path) -> Mapping[str, Sequence[Array]]:
    by_name: dict[str, list[Array]] = {}
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
        if unpacked > _LARGEST_CONTENT:
            raise UserError(f"{path}: unpacks to more than {_LARGEST_CONTENT:,} bytes")
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            for name in sorted(arrays.files):
                by_name.setdefault(name.partition("_")[0], []).append(arrays[name])
    except UserError:
        raise
    except Exception as error:  # NumPy raises undocumented exceptions of many types for malformed files
        raise UserError(f"{path}: not an NPZ file of plain arrays ({error})") from error
    return by_name


_READERS: Mapping[str, Callable[[bytes, Path], Mapping[str, Sequence[Array]]]] = {
    ".mat": cells_of,
    ".json": _from_json,
    ".npz": _from_npz,
}


def _from_notes(piece: object, path: Path, split: str) -> Array:
    if not isinstance(piece, list) or not all(isinstance(step, list) for step in piece):
        raise UserError(f"{path}: {split!r}: a piece is not a list of steps, each a list of MIDI numbers")
    roll = np.zeros((len(piece), NOTES), dtype=np.uint8)
    for at, step in enumerate(piece):
        for note in step:
            if note is None or note == -1 or note != note:  # NaN, unequal to itself
                continue
            if type(note) not in (int, float) or note not in range(LOWEST, LOWEST + NOTES):
                raise UserError(
                    f"{path}: {split!r}: a note is {str(note)[:40]!r}, expected MIDI numbers {LOWEST} to "
                    f"{LOWEST + NOTES - 1}, and -1 or null for a silent voice"
                )
            roll[at, int(note) - LOWEST] = 1
    return roll


def _roll(piece: Array, path: Path, split: str) -> Array:
    if piece.ndim != 2 or piece.shape[1] != NOTES or piece.dtype.kind not in "buif":
        raise UserError(
            f"{path}: {split}: a piece is {piece.shape} of {piece.dtype}, expected numbers (steps, {NOTES})"
        )
    if not ((piece == 0) | (piece == 1)).all():
        raise UserError(f"{path}: {split}: a piece has values other than 0 and 1")
    return np.ascontiguousarray(piece, dtype=np.uint8)
