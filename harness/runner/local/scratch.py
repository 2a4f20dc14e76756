"""Temporary files of trials: a folder for each trial, removed when it has ended, however it ended.

TensorFlow writes Python files that it deletes at a normal exit, which a trial never has. The folders lie in the
one that `multiprocessing` makes for the runner's process and removes at its exit. A killed runner leaves it behind; the
lock on a file in it ended with that process, so that the next run knows it for abandoned and removes it.
"""

from __future__ import annotations

import multiprocessing.util
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path

from harness.errors import UserError
from harness.locks import take_if_free

_LOCK = "harness.lock"


def new_folder() -> Path:
    """A folder for the temporary files of one trial. Raises UserError where none can be made."""
    try:
        return Path(tempfile.mkdtemp(prefix="trial-", dir=_own_folder()))
    except OSError as error:
        raise UserError(
            f"no temporary folder can be made ({error.strerror}). Free some space, or name another folder in TMPDIR"
        ) from error


def remove(folder: Path) -> None:
    """Remove it, with whatever the trial left there."""
    shutil.rmtree(folder, ignore_errors=True)


def remove_abandoned() -> None:
    """Remove what runners that were killed left; a folder whose runner lives is locked and stays."""
    for path in Path(tempfile.gettempdir()).glob(f"pymp-*/{_LOCK}"):
        try:
            lock = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except OSError:  # another user's, or just removed
            continue
        if take_if_free(lock):
            remove(path.parent)
        os.close(lock)


@cache
def _own_folder() -> Path:
    folder = Path(multiprocessing.util.get_temp_dir())
    unlocked = folder / f"{_LOCK}.new"
    take_if_free(os.open(unlocked, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))  # held as long as this process lives
    unlocked.rename(folder / _LOCK)  # under that name it is locked from the first moment
    return folder
