"""Reading of text files with clear errors, and atomic writing of files."""

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
"""Part of the names of unfinished files, because process ids are not unique where hosts share storage."""


_UMASK = os.umask(0o077)
"""The umask of the process; it decides who may read the written files."""
os.umask(_UMASK)

LARGEST_TEXT = 1 << 30
"""Bytes."""
_SAVE_AS = ". Save it as UTF-8; many programs on Windows write cp1252 or UTF-16 instead"
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def user_path(path: str | Path) -> Path:
    """Expand a leading `~` to the home folder. Raises UserError if the user is not known."""
    path = Path(path)
    try:
        return path.expanduser()
    except RuntimeError as error:
        raise UserError(f"{path}: the home folder of {path.parts[0]} is not known. Write the path in full") from error


def read_text(path: Path, expected: str = "") -> str:
    """The text of a UTF-8 file, without byte order mark and with newline characters as line ends.

    expected: names the expected content in error messages. Raises UserError if the file is missing, a pipe or a device,
    not readable, larger than 1 GiB, or not UTF-8.
    """
    with reading(path, expected):
        if path.exists() and not (path.is_file() or path.is_dir()):  # opening a pipe would wait for its writer
            raise UserError(f"{path}: is not a regular file{_expected(expected)}")
        with path.open("rb") as file:
            content = file.read(LARGEST_TEXT + 1)
    if len(content) > LARGEST_TEXT:
        raise UserError(f"{path}: larger than 1 GiB{_expected(expected)}")
    return decode_text(content, path, expected)


@contextmanager
def reading(path: Path, expected: str = "") -> Iterator[None]:
    """Turn errors of opening or reading the file in the block into a UserError that names it."""
    try:
        yield
    except FileNotFoundError:
        raise UserError(f"{path}: no such file{_expected(expected)}") from None
    except ValueError as error:  # a null character
        raise UserError(f"{str(path)!r}: not a path ({error}){_expected(expected)}") from error
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror or error}{_expected(expected)}") from error


def decode_text(content: bytes, path: str | Path, expected: str = "") -> str:
    """Decode the bytes of a UTF-8 file as `read_text` does. Raises UserError if they are not UTF-8."""
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
    """Whether the path is a regular file; False also for an invalid path, such as one that is too long."""
    try:
        return path.is_file()
    except OSError:
        return False


def resolved(path: Path) -> Path:
    """The absolute path with symbolic links resolved; a circle of links stays as it is. Raises UserError."""
    try:
        return Path(os.path.realpath(path))
    except (OSError, ValueError) as error:  # the current folder does not exist; a null character
        raise UserError(f"{str(path)!r}: cannot resolve this path ({error})") from error


@contextmanager
def replacing(path: Path, remedy: str = "") -> Iterator[IO[bytes]]:
    """Yields a temporary file that replaces `path` atomically at the end of the block.

    If the block raises, `path` is unchanged. Raises UserError, with the `remedy` at its end, if the file cannot be
    written, or if `path` is a device or a pipe, because root could replace /dev/null by a file.
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
    """Create a folder and its missing parents. Raises UserError."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{path}: cannot create this folder ({error.strerror})") from error


def remove_parts(folder: Path) -> None:
    """Remove the unfinished files of ended processes of this host, in a folder and its subfolders."""
    part = re.compile(rf"\..*\.{THIS_HOST}-(\d+)-[^.]*\.part")
    for path in folder.rglob(".*.part"):
        written_by = part.fullmatch(path.name)
        if written_by and not psutil.pid_exists(int(written_by[1])):
            with suppress(OSError):
                path.unlink()


def write_atomically(path: Path, text: str) -> None:
    """Replace a text file atomically: a reader sees either the old or the new text. Raises UserError."""
    with replacing(path) as file:
        file.write(text.encode())
