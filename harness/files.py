"""Files: text is read by one function; what is written appears whole or not at all."""

from __future__ import annotations

import codecs
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


_UMASK = os.umask(0o077)
"""The user's own: it decides who may read the files that are written."""
os.umask(_UMASK)

LARGEST_TEXT = 1 << 30
"""Bytes."""
_SAVE_AS = ". Save it as UTF-8; many programs on Windows write cp1252 or UTF-16 instead"
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def user_path(path: str | Path) -> Path:
    """A path as a user writes it: a leading `~` is the home folder. Raises UserError where there is no such user."""
    path = Path(path)
    try:
        return path.expanduser()
    except RuntimeError as error:
        raise UserError(f"{path}: the home folder of {path.parts[0]} is not known. Write the path in full") from error


def read_text(path: Path, expected: str = "") -> str:
    """The text of a UTF-8 file, without a byte order mark, each line end as a newline character.

    `expected` says in a message what the file should be. Raises UserError where the file is missing, is a pipe or a
    device, cannot be read, is larger than 1 GiB, or is not UTF-8.
    """
    try:
        if path.exists() and not (path.is_file() or path.is_dir()):  # to open a pipe waits for its writer
            raise UserError(f"{path}: is not a regular file{_expected(expected)}")
        with path.open("rb") as file:
            content = file.read(LARGEST_TEXT + 1)
    except FileNotFoundError:
        raise UserError(f"{path}: no such file{_expected(expected)}") from None
    except ValueError as error:  # a null character
        raise UserError(f"{str(path)!r}: not a path ({error}){_expected(expected)}") from error
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror or error}{_expected(expected)}") from error
    if len(content) > LARGEST_TEXT:
        raise UserError(f"{path}: larger than 1 GiB{_expected(expected)}")
    return decode_text(content, path, expected)


def decode_text(content: bytes, path: str | Path, expected: str = "") -> str:
    """The text of a UTF-8 file's bytes, as `read_text` returns it. Raises UserError where they are not UTF-8."""
    remedy = "" if not content.startswith(_UTF_16) and b"\0" not in content else "; it looks like UTF-16"
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        reason = f"{error.reason} at byte {error.start}{remedy}"
        raise UserError(f"{path}: not UTF-8 text ({reason}){_expected(expected)}{_SAVE_AS}") from error
    if "\0" in text:
        raise UserError(f"{path}: not UTF-8 text (it has null characters{remedy}){_expected(expected)}{_SAVE_AS}")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _expected(what: str) -> str:
    return f", expected {what}" if what else ""


def is_file(path: Path) -> bool:
    """Whether the path leads to a regular file; False also for a path that the system refuses, such as a long one."""
    try:
        return path.is_file()
    except OSError:
        return False


def resolved(path: Path) -> Path:
    """The absolute path without links, as far as it leads: links may lead in a circle. Raises UserError."""
    try:
        return Path(os.path.realpath(path))
    except (OSError, ValueError) as error:  # no current folder; a null character
        raise UserError(f"{str(path)!r}: not a path that can be followed ({error})") from error


@contextmanager
def replacing(path: Path, remedy: str = "") -> Iterator[IO[bytes]]:
    """A file to be written that takes the place of `path` in one step once the block has ended.

    Where the block raises, `path` is as it was. Raises UserError, which ends with the `remedy`, where it cannot be
    written, or is a device or a pipe: root could replace /dev/null by a file.
    """
    name = None
    try:
        if (path.exists() and not path.is_file() and not path.is_dir()) or resolved(path.parent) == Path("/dev"):
            raise UserError(f"{path}: is a device or a pipe, expected a regular file{remedy and f'. {remedy}'}")
        prefix = f".{path.name}.{THIS_HOST}-{os.getpid()}-"
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=prefix, suffix=".part")
        with os.fdopen(handle, "wb") as file:
            yield file
        Path(name).chmod(0o666 & ~_UMASK)
        Path(name).replace(path)
    except BaseException as error:
        if name is not None:
            Path(name).unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise UserError(f"{path}: cannot be written ({error.strerror}){remedy and f'. {remedy}'}") from error
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


def write_atomically(path: Path, text: str) -> None:
    """Replace a text file in one step, so that a reader sees the old or the new one whole. Raises UserError."""
    with replacing(path) as file:
        file.write(text.encode())
