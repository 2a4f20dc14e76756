"""Reads cell arrays of matrices from MATLAB 5 files (MathWorks, "MAT-File Format", chapter 1), and nothing else.

Not by SciPy: its reader trusts the sizes that a file states, and damaged files crash the process.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from harness.errors import UserError
from harness.tasks.common.task import Array

_LARGEST_CONTENT = 1 << 29
"""Maximum unpacked bytes."""
_NUMBERS = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
_MATRIX, _COMPRESSED = 14, 15
_CELL, _FIRST_NUMERIC, _LAST_NUMERIC = 1, 6, 15
_COMPLEX = 0x0800


class _Element(NamedTuple):
    kind: int
    data: bytes


class _Matrix(NamedTuple):
    name: str
    value: Array | list[Array] | None
    """A matrix, the matrices of a cell array, or None for anything else."""


class _Malformed(Exception):
    """What is wrong with the file, without its name."""


def cells_of(content: bytes, path: Path) -> dict[str, list[Array]]:
    """The matrices (rows, columns) in each cell array, by its name, from the content of a MATLAB 5 file.

    Other kinds of variables are skipped. Raises UserError for a file that is malformed or too large when unpacked.
    """
    try:
        if content[:8] == b"\x89HDF\r\n\x1a\n" or content[512:520] == b"\x89HDF\r\n\x1a\n":
            raise _Malformed("it has version 7.3; save it with save(name, ..., '-v7')")
        order = {b"IM": "<", b"MI": ">"}.get(content[126:128])
        if order is None:
            raise _Malformed("it has no MATLAB 5 header; write it with save(name, ..., '-v7') or scipy.io.savemat")
        variables = [_matrix(element, order) for element in _unpacked(content[128:], order)]
    except _Malformed as error:
        raise UserError(f"{path}: not a MATLAB 5 file: {error}") from error
    return {one.name: one.value for one in variables if isinstance(one.value, list)}


def _elements(data: bytes, order: str) -> Iterator[_Element]:
    at = 0
    while at + 8 <= len(data):
        first, size = (int(word) for word in np.frombuffer(data, dtype=f"{order}u4", count=2, offset=at))
        begin = at + 8
        kind = first
        if first >> 16:  # a small element: size and type share a word, and the data the next
            kind, size, begin = first & 0xFFFF, first >> 16, at + 4
            if size > 4:
                raise _Malformed(f"a small element of {size} bytes")
        if begin + size > len(data):
            raise _Malformed(f"an element announces {size:,} bytes, {max(0, len(data) - begin):,} are left")
        yield _Element(kind, data[begin : begin + size])
        at = at + 8 if begin == at + 4 else begin + size + (0 if kind == _COMPRESSED else -size % 8)


def _unpacked(data: bytes, order: str) -> Iterator[_Element]:
    left = _LARGEST_CONTENT
    for element in _elements(data, order):
        if element.kind != _COMPRESSED:
            yield element
            continue
        try:
            content = zlib.decompressobj().decompress(element.data, left)
        except zlib.error as error:
            raise _Malformed(f"a compressed variable cannot be unpacked ({error})") from error
        left -= len(content)
        if left <= 0:
            raise _Malformed(f"it unpacks to more than {_LARGEST_CONTENT:,} bytes")
        yield from _elements(content, order)


def _matrix(element: _Element, order: str, *, in_cell: bool = False) -> _Matrix:
    if element.kind != _MATRIX:
        return _Matrix("", None)
    parts = _elements(element.data, order)
    flags, shape, name = (next(parts, None) for _ in range(3))
    if flags is None or shape is None or name is None or len(flags.data) < 8 or len(shape.data) % 4:
        raise _Malformed("a variable without its flags, dimensions and name")
    flag_word = int(np.frombuffer(flags.data, dtype=f"{order}u4", count=1)[0])
    kind = flag_word & 0xFF
    dimensions = tuple(int(size) for size in np.frombuffer(shape.data, dtype=f"{order}i4"))
    label = name.data.decode("latin-1")
    if kind == _CELL and not in_cell:
        cells = [_matrix(part, order, in_cell=True).value for part in parts]
        if len(cells) != math.prod(dimensions):
            raise _Malformed(f"{label!r} announces {math.prod(dimensions):,} cells, {len(cells):,} were found")
        matrices = [cell for cell in cells if isinstance(cell, np.ndarray)]
        return _Matrix(label, matrices if len(matrices) == len(cells) else None)
    if not _FIRST_NUMERIC <= kind <= _LAST_NUMERIC or flag_word & _COMPLEX or len(dimensions) != 2:
        return _Matrix(label, None)
    return _Matrix(label, _numbers(next(parts, None), dimensions, label, order))


def _numbers(part: _Element | None, shape: tuple[int, ...], name: str, order: str) -> Array:
    if part is None or part.kind not in _NUMBERS:
        raise _Malformed(f"the matrix {name!r} has no numbers")
    dtype = np.dtype(_NUMBERS[part.kind]).newbyteorder("<" if order == "<" else ">")
    if min(shape) < 0 or math.prod(shape) * dtype.itemsize != len(part.data):
        raise _Malformed(
            f"a matrix announces {' x '.join(map(str, shape))} numbers, {len(part.data) // dtype.itemsize:,} were found"
        )
    return np.frombuffer(part.data, dtype=dtype).reshape(shape, order="F")
