"""IDX files, the format of the MNIST digits (http://yann.lecun.com/exdb/mnist/), plain or gzipped."""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path

import numpy as np

from harness.errors import UserError
from harness.files import reading
from harness.tasks.common.task import Array
from harness.tasks.common.user_files import entries, stamp

_LARGEST = 1 << 28
"""Maximum bytes of a file's content; MNIST's largest file has 47 million."""
_UNSIGNED_BYTES = 8


def read_idx(path: Path, dimensions: int) -> Array:
    """The array of unsigned bytes in an IDX file with this number of dimensions.

    The file's name may end in '.gz' in addition, and may have '.idx' instead of '-idx', as many programs unpack it.
    Raises UserError for a file that is missing, unreadable, of another format, type or number of dimensions, or whose
    size does not match its header.
    """
    names = [path.name, path.name.replace("-idx", ".idx")]
    names = list(dict.fromkeys([*names, *(f"{name}.gz" for name in names)]))
    file = next((other for name in names if (other := path.with_name(name)).is_file()), None)
    if file is None:
        raise UserError(f"{path.parent}: no file {' or '.join(names)}, found {entries(path.parent)}")
    content = _content(file)
    header = 4 + 4 * dimensions
    begin = bytes([0, 0, _UNSIGNED_BYTES, dimensions])
    if len(content) < header or not content.startswith(begin):
        raise UserError(
            f"{file}: {len(content):,} bytes that begin with {content[:4].hex(' ')}, expected an IDX file of unsigned "
            f"bytes with {dimensions} dimensions, which begins with {begin.hex(' ')}"
        )
    shape = tuple(int.from_bytes(content[at : at + 4], "big") for at in range(4, header, 4))
    if math.prod(shape) != len(content) - header:
        raise UserError(
            f"{file}: the header states {' x '.join(map(str, shape))} bytes, found {len(content) - header:,}"
        )
    return np.frombuffer(content, dtype=np.uint8, offset=header).reshape(shape)


def write_idx(path: Path, array: Array) -> None:
    """Write an array of unsigned bytes as an IDX file."""
    shape = b"".join(size.to_bytes(4, "big") for size in array.shape)
    path.write_bytes(bytes([0, 0, _UNSIGNED_BYTES, array.ndim]) + shape + array.astype(np.uint8).tobytes())


def _content(path: Path) -> bytes:
    stamp(path, "an IDX file", _LARGEST)
    try:
        with reading(path, "an IDX file"):
            with path.open("rb") as file:
                zipped = file.read(2) == b"\x1f\x8b"
            with gzip.open(path) if zipped else path.open("rb") as file:
                content = file.read(_LARGEST + 1)
    except (EOFError, zlib.error) as error:
        raise UserError(f"{path}: cannot be read: {error}") from error
    if len(content) > _LARGEST:
        raise UserError(f"{path}: unpacks to more than {_LARGEST:,} bytes")
    return content
