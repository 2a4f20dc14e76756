"""Messages for errors of SQLite: a damaged file, a full disk, missing rights."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.errors import UserError
from harness.store import FILE_NAME
from harness.store.tables import primary_code

FROM_A_COPY = "Restore it from a copy, or name another folder"
_OF_CONTENT = (0, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CONSTRAINT)
"""Codes of errors of which the content of an intact file is the reason, such as a missing table; 0: not UTF-8 text."""
_REMEDIES = {
    sqlite3.SQLITE_NOTADB: "not an SQLite file. Move it away, or name another results folder",
    sqlite3.SQLITE_CORRUPT: "a damaged SQLite file. Move it away; `sqlite3 FILE .recover` may save its records",
    sqlite3.SQLITE_FULL: "the disk is full. What was stored before is intact; free some space and run again",
    sqlite3.SQLITE_READONLY: "cannot be written (read-only). Copy the folder to a writable place and use the copy",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened. Is the folder readable and writable?",
    sqlite3.SQLITE_IOERR: "the disk failed or is full. What was stored before is intact",
    sqlite3.SQLITE_BUSY: "in use by another process for more than 30 s; or its file system has no file locks",
    sqlite3.SQLITE_IOERR_LOCK: "its file system has no file locks. Use a folder on another file system",
    sqlite3.SQLITE_IOERR_RDLOCK: "its file system has no file locks. Use a folder on another file system",
}


@contextmanager
def clear_errors(directory: Path) -> Iterator[None]:
    """Raises UserError for an error of SQLite in the block, with what to do about it."""
    path = directory / FILE_NAME
    try:
        yield
    except sqlite3.DatabaseError as error:
        code, primary = getattr(error, "sqlite_errorcode", 0), primary_code(error)
        wrong = str(error) if primary not in _OF_CONTENT else f"damaged ({str(error)[:100]}). {FROM_A_COPY}"
        raise UserError(f"{path}: {_REMEDIES.get(code) or _REMEDIES.get(primary, wrong)}") from error
    except UnicodeDecodeError as error:  # of SQLite's message or of a text
        raise UserError(f"{path}: {_REMEDIES[sqlite3.SQLITE_CORRUPT]}") from error
