"""Reads cell arrays of matrices from MATLAB 5 files with SciPy, with a limit on the unpacked size."""

from __future__ import annotations

import io
import math
import struct
import warnings
import zlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from harness.errors import UserError
from harness.tasks.common.task import Array

_LARGEST_CONTENT = 1 << 29
"""Maximum unpacked bytes."""
_HEADER = 128
_COMPRESSED = 15


def cells_of(content: bytes, path: Path, names: Iterable[str]) -> dict[str, list[Array]]:
    """The matrices (rows, columns) in the cell arrays with these names, by name, from the content of a MATLAB 5 file.

    Other kinds of variables are skipped. Raises UserError for a file that is malformed or too large when unpacked.
    """
    try:
        variables = _loaded(_unpacked(content), list(names))
    except NotImplementedError as error:
        raise UserError(f"{path}: a MATLAB file of version 7.3; save it with save(name, ..., '-v7')") from error
    except Exception as error:  # SciPy raises undocumented exceptions of many types for malformed files
        raise UserError(
            f"{path}: not a MATLAB 5 file ({error}); write it with save(name, ..., '-v7') or scipy.io.savemat"
        ) from error
    cells = {name: list(value.ravel(order="F")) for name, value in variables.items() if value.dtype == object}
    return {name: cell for name, cell in cells.items() if all(map(_is_matrix, cell))}


def _unpacked(content: bytes) -> bytes:
    """The file with its compressed variables unpacked. Raises ValueError if they exceed the limit."""
    order = "<" if content[126:128] == b"IM" else ">"
    parts, at, left = [content[:_HEADER]], _HEADER, _LARGEST_CONTENT
    while at + 8 <= len(content):
        kind, size = struct.unpack_from(f"{order}II", content, at)
        element = content[at : at + 8 + size]
        if kind == _COMPRESSED:
            element = zlib.decompressobj().decompress(element[8:], left)
        left -= len(element)
        if left <= 0:
            raise ValueError(f"it unpacks to more than {_LARGEST_CONTENT:,} bytes")
        parts.append(element)
        at += 8 + size
    return b"".join(parts)


def _loaded(content: bytes, names: list[str]) -> dict[str, Array]:
    from scipy import io as scipy_io

    with warnings.catch_warnings():
        warnings.simplefilter("error")  # SciPy warns about a variable that it cannot read
        for name, shape, kind in scipy_io.whosmat(io.BytesIO(content)):
            if kind == "cell" and math.prod(shape) > len(content):
                raise ValueError(f"{name!r} has {' x '.join(map(str, shape))} cells, more than the file can contain")
        variables = scipy_io.loadmat(io.BytesIO(content), variable_names=names)
    return {name: value for name, value in variables.items() if isinstance(value, np.ndarray)}


def _is_matrix(cell: object) -> bool:
    return isinstance(cell, np.ndarray) and cell.ndim == 2 and cell.dtype.kind in "buif"
