"""Who may run beside whom: the order of speed trials, and the lock that keeps the machine free for them.

Accuracy trials hold the machine's lock together, a speed trial alone. It is a file lock: it holds across all runs on
the machine, whoever started them, and ends with the process that holds it.
"""

from __future__ import annotations

import os
import random
import sys
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
    """Seed by seed; within a seed the blocks, and within a block its cells and backends, in random order.

    The order depends on the ids alone, so that a plan always has the same one.
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
"""Not in TMPDIR, which two runs may have set differently."""


class MachineLock:
    """This run's share in the machine's lock. `take` never waits."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path or LOCK_FILE
        self._file: int | None = None
        self._held: Lane | None = None

    def take(self, lane: Lane) -> bool:
        """Hold the lock for trials of that lane, if nobody is in the way. Raises UserError where it has no file."""
        if self._held == lane or sys.platform == "win32":
            return True
        if self._file is None:
            self._file = _open(self._path)
        held = try_lock(self._file, self._path, shared=lane == "accuracy")
        self._held = lane if held else None  # a failed change of kind has given up the old one
        return held

    def release(self) -> None:
        """Give it back."""
        if self._file is not None:
            os.close(self._file)
        self._file = self._held = None


def _open(path: Path) -> int:
    """The file, made where it is missing; opened to be read, which is enough to lock a file that another user made."""
    try:
        with suppress(FileExistsError):
            new = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
            os.fchmod(new, 0o644)  # with any umask every user can open it
            os.close(new)
        return os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except PermissionError as error:
        of = owner(path)
        raise UserError(
            f"{path}: the machine's lock belongs to {of} and cannot be opened ({error.strerror})."
            f" Ask {of} to run: chmod a+r {path}"
        ) from error
    except OSError as error:
        raise UserError(f"{path}: the machine's lock cannot be opened ({error.strerror}); it must be a file") from error
