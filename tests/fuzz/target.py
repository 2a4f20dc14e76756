"""A target of the fuzz: it makes an input from a seed and gives it to the program, in an empty folder."""

from __future__ import annotations

import faulthandler
import os
import signal
import tempfile
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from types import FrameType

from harness.errors import UserError

_IN_MEMORY = Path("/dev/shm")
_WITHIN = ("a", "b", "c")
"""Subfolders, so that files written to '../..' are removed too."""
SECONDS = 120
"""After this time an input counts as a failure: the program hangs."""


@dataclass(frozen=True)
class Target:
    """An exception of `attempt(random, folder)` other than UserError is a failure."""

    name: str
    attempt: Callable[[Random, Path], None]

    def failure(self, seed: int) -> str:
        """The traceback of the failure on the input of this seed; empty without a failure."""
        with tempfile.TemporaryDirectory(prefix="fuzz-", dir=_IN_MEMORY if _IN_MEMORY.is_dir() else None) as name:
            folder = Path(name, *_WITHIN)
            folder.mkdir(parents=True)
            try:
                with limited(SECONDS):
                    self.attempt(Random(f"{self.name} {seed}"), folder)
            except UserError:
                return ""
            except KeyboardInterrupt:
                raise
            except BaseException as error:
                return "".join(traceback.format_exception(error))
        return ""

    def failures(self, seeds: Iterable[int]) -> dict[int, str]:
        """The tracebacks of the failures, by seed."""
        return {seed: text for seed in seeds if (text := self.failure(seed))}


class Hangs(BaseException):
    """Not an Exception, which the program might catch."""


@contextmanager
def limited(seconds: int) -> Iterator[None]:
    """Raises Hangs in the block after this number of seconds.

    A call that goes on after the signal, such as SQLite's of `open`, ends the process after twice the time.
    """

    def stop(number: int, frame: FrameType | None) -> None:
        raise Hangs(f"more than {seconds} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    faulthandler.dump_traceback_later(2 * seconds, exit=True, file=2)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def odd_file(random: Random, path: Path) -> None:
    """Replace the file by a folder, a pipe, an empty file, a link to nowhere or to itself, or remove it."""
    if path.is_dir() and not path.is_symlink():
        return
    path.unlink(missing_ok=True)
    random.choice(_MAKE)(path)


_MAKE: tuple[Callable[[Path], object], ...] = (
    Path.mkdir, os.mkfifo, Path.touch, bool, lambda path: path.symlink_to(path.with_name("nowhere")),
    lambda path: path.symlink_to(path),
)  # fmt: skip
