"""File locks (`flock`): they apply across processes and users, and end with the process that holds them."""

from __future__ import annotations

import errno
import fcntl
import sys
from functools import cache
from pathlib import Path

HELD = frozenset({errno.EAGAIN, errno.EWOULDBLOCK, errno.EACCES})
"""Errors for a lock held by another process. Any other error means that the file system does not support locks."""


def try_lock(file: int, path: Path, *, shared: bool = False) -> bool:
    """Try to lock an open file (a descriptor) without waiting; returns whether this process holds the lock.

    On a file system without locks, warns once for each path and returns True.
    """
    held, lacking = _flock(file, shared=shared)
    if lacking:
        _warn(f"{path}: its file system does not support locks ({lacking}). Run one command at a time here")
    return held or lacking is not None


def take_if_free(file: int) -> bool:
    """Try to lock an open file. Returns False, without a warning, on a file system that does not support locks."""
    return _flock(file, shared=False)[0]


def owner(path: Path) -> str:
    """The name of a file's owner, or the user id if it has no name; 'another user' if the file is not accessible."""
    try:
        return path.owner()
    except KeyError:
        return f"user {path.stat().st_uid}"
    except OSError:
        return "another user"


def _flock(file: int, *, shared: bool) -> tuple[bool, str | None]:
    """Whether this process holds the lock; and the system's error text if locks are not supported, otherwise None."""
    try:
        fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except OSError as error:
        return False, None if error.errno in HELD else error.strerror or str(error)
    return True, None


@cache
def _warn(message: str) -> None:
    print(f"harness: {message}", file=sys.stderr)
