"""Arrays that are slow to make, kept on disk by what they were made from.

The folder is named by the environment variable HARNESS_CACHE; without it nothing is kept. It can be deleted at any
time. An entry appears whole or not at all, so that processes making the same one do not disturb each
other: each writes a file of its own and renames it.
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
    """What `make` gives, from the cache where it is there. `key` is the text of all that decides it.

    An entry that cannot be read is made again; a cache that cannot be written is done without.
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
