"""The order of speed trials, and the lock that keeps other trials off the machine while speed trials run.

Accuracy trials share the machine's lock; a timing block holds it exclusively. It is a file lock: it applies to all runs
of all users on the machine, and the system releases it when its process ends.
"""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from contextlib import suppress
from itertools import groupby
from pathlib import Path

from harness.errors import UserError
from harness.locks import owner, try_lock
from harness.runner.engine import Trial
from harness.spec.factors import Lane
from harness.spec.trial import block_of


def in_blocks(trials: Sequence[Trial]) -> list[list[Trial]]:
    """The trials block by block, blocks in the order of their first trial."""
    blocks: dict[tuple[object, ...], list[Trial]] = {}
    for trial in trials:
        blocks.setdefault(block_of(trial.spec), []).append(trial)
    return list(blocks.values())


def speed_order(trials: Sequence[Trial]) -> list[Trial]:
    """The trials seed by seed; blocks within a seed, and trials within a block, are in random order.

    The random order depends only on the trial ids, so it is the same each time a plan is run.
    """
    ordered: list[Trial] = []
    for seed, of_seed in groupby(sorted(trials, key=lambda trial: trial.spec.seed), key=lambda trial: trial.spec.seed):
        blocks = in_blocks(sorted(of_seed, key=lambda trial: trial.id))
        shuffler = random.Random(f"{seed} {blocks[0][0].id}")
        shuffler.shuffle(blocks)
        for block in blocks:
            shuffler.shuffle(block)
            ordered += block
    return ordered


LOCK_FILE = Path("/tmp/harness-lanes.lock")
"""Not in TMPDIR, because two runs may have different values of it."""


class MachineLock:
    """The machine's lock, as this run holds it. `take` returns without waiting."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path or LOCK_FILE
        self._file: int | None = None
        self._held: Lane | None = None

    def take(self, lane: Lane) -> bool:
        """Try to take the lock for a lane; whether it succeeded. Raises UserError if the lock file cannot be opened."""
        if self._held == lane:
            return True
        if self._file is None:
            self._file = _open(self._path)
        held = try_lock(self._file, self._path, shared=lane == "accuracy")
        self._held = lane if held else None  # flock releases the old lock if a change of its kind fails
        return held

    def release(self) -> None:
        """Release the lock."""
        if self._file is not None:
            os.close(self._file)
        self._file = self._held = None


def _open(path: Path) -> int:
    """Open the lock file for reading, which is enough to lock a file of another user; create it if it is missing."""
    try:
        with suppress(FileExistsError):
            new = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
            os.fchmod(new, 0o644)  # every user can open it, with any umask
            os.close(new)
        return os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except PermissionError as error:
        of = owner(path)
        raise UserError(
            f"{path}: cannot open this lock file of {of} ({error.strerror}). Ask {of} to run: chmod a+r {path}"
        ) from error
    except OSError as error:
        raise UserError(f"{path}: cannot open this lock file ({error.strerror}); expected a regular file") from error
