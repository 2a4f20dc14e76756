"""File locks (`flock`): they hold across processes and users, and end with the process that holds them."""

from __future__ import annotations

import errno
import sys
from functools import cache
from pathlib import Path

HELD = frozenset({errno.EAGAIN, errno.EWOULDBLOCK, errno.EACCES})
"""The errors that mean that another process holds the lock. Any other means that the file system has no locks."""


def try_lock(file: int, path: Path, *, shared: bool = False) -> bool:
    """Lock an open file (a descriptor) without waiting; whether this process now holds the lock.

    On a file system without locks, warns once for each path and returns True: nothing keeps two processes apart there.
    """
    held, lacking = _flock(file, shared=shared)
    if lacking:
        _warn(f"{path}: its file system has no file locks ({lacking}). Start one run at a time here")
    return held or lacking is not None


def take_if_free(file: int) -> bool:
    """Lock an open file that no other process has locked; False, without a warning, where there are no locks."""
    return _flock(file, shared=False)[0]


def owner(path: Path) -> str:
    """The name of the user whom a file belongs to, or else the number; 'another user' where the file is not seen."""
    try:
        return path.owner()
    except (KeyError, NotImplementedError):
        return f"user {path.stat().st_uid}"
    except OSError:
        return "another user"


def _flock(file: int, *, shared: bool) -> tuple[bool, str | None]:
    """Whether the lock is held by this process; and what the system says where there are no locks."""
    if sys.platform == "win32":
        return False, ""
    import fcntl

    try:
        fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except OSError as error:
        return False, None if error.errno in HELD else error.strerror or str(error)
    return True, None


@cache
def _warn(message: str) -> None:
    print(f"harness: {message}", file=sys.stderr)
