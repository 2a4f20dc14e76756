"""Temporary files of trials: a folder for each trial, removed when the trial ends for any reason.

TensorFlow writes Python files that it deletes only at a normal exit, which processes of trials do not have. The folders
are inside the one that `multiprocessing` creates for the runner's process and removes at its exit. A killed runner
leaves that folder behind. The lock on a file in it ends with the process, so the next run recognises the folder as
abandoned and removes it.
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
    """A folder for the temporary files of one trial. Raises UserError if it cannot be created."""
    try:
        return Path(tempfile.mkdtemp(prefix="trial-", dir=_own_folder()))
    except OSError as error:
        raise UserError(
            f"cannot create a temporary folder ({error.strerror}). Free disk space, or set TMPDIR to another folder"
        ) from error


def remove(folder: Path) -> None:
    """Remove the folder and its contents."""
    shutil.rmtree(folder, ignore_errors=True)


def remove_abandoned() -> None:
    """Remove the folders of killed runners. The folder of a living runner is locked and stays."""
    for path in Path(tempfile.gettempdir()).glob(f"pymp-*/{_LOCK}"):
        try:
            lock = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except OSError:  # belongs to another user, or has just been removed
            continue
        if take_if_free(lock):
            remove(path.parent)
        os.close(lock)


@cache
def _own_folder() -> Path:
    folder = Path(multiprocessing.util.get_temp_dir())
    unlocked = folder / f"{_LOCK}.new"
    take_if_free(os.open(unlocked, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))  # held as long as this process lives
    unlocked.rename(folder / _LOCK)  # renamed after locking, so that other runs never see it unlocked
    return folder
