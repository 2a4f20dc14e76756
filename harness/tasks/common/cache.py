"""A cache on disk for arrays that are slow to make; the key is everything that determines their content.

The environment variable HARNESS_CACHE names the folder; without it there is no cache. The folder can be deleted at any
time. Each process writes an entry to a temporary file and renames it, so that other processes never read a partial
entry.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from harness.errors import UserError
from harness.files import replacing
from harness.tasks.common.task import Array

VARIABLE = "HARNESS_CACHE"


def cached(key: object, make: Callable[[], Mapping[str, Array]]) -> dict[str, Array]:
    """The arrays that `make` returns, from the cache if they are there. `str(key)` must determine the result.

    An unreadable entry is recomputed. If the cache cannot be written, the result is not cached.
    """
    folder = os.environ.get(VARIABLE)
    if not folder:
        return dict(make())
    path = Path(folder) / f"{hashlib.sha256(str(key).encode()).hexdigest()}.npz"
    entry = _read(path)
    if entry is None:
        entry = dict(make())
        _write(path, entry)
    return entry


def _read(path: Path) -> dict[str, Array] | None:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as entry:
            return dict(entry)
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile, zlib.error, MemoryError):
        return None


def _write(path: Path, arrays: Mapping[str, Array]) -> None:
    with contextlib.suppress(OSError, UserError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as file:
            np.savez(file, allow_pickle=False, **arrays)
