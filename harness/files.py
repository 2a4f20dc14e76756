"""Files that appear whole or not at all, whoever reads them and whatever becomes of their writer."""

from __future__ import annotations

import os
import re
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import psutil

from harness.errors import UserError

THIS_HOST = re.sub(r"[^A-Za-z0-9_-]", "-", socket.gethostname())
"""As names of unfinished files have it: where hosts share storage, a process's id tells nothing to another host."""


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """A file to be written that takes the place of `path` in one step once the block has ended.

    Where the block raises, `path` is as it was. Raises UserError where it cannot be written.
    """
    name = None
    try:
        prefix = f".{path.name}.{THIS_HOST}-{os.getpid()}-"
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=prefix, suffix=".part")
        with os.fdopen(handle, "wb") as file:
            yield file
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException as error:
        if name is not None:
            Path(name).unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise UserError(f"{path}: cannot be written ({error.strerror})") from error
        raise


def make_folder(path: Path) -> None:
    """Make a folder and those above it, where they are missing. Raises UserError."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{path}: cannot be made ({error.strerror})") from error


def remove_parts(folder: Path) -> None:
    """Remove, from a folder and those in it, the unfinished files of this host's processes that are no more."""
    part = re.compile(rf"\..*\.{THIS_HOST}-(\d+)-[^.]*\.part")
    for path in folder.rglob(".*.part"):
        written_by = part.fullmatch(path.name)
        if written_by and not psutil.pid_exists(int(written_by[1])):
            with suppress(OSError):
                path.unlink()
