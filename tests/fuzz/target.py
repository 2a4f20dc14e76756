"""What is fuzzed: a target makes an input from a seed and gives it to the program, in an empty folder of its own."""

from __future__ import annotations

import faulthandler
import os
import signal
import sys
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
"""So that what is written to '../..' is removed with the rest."""
SECONDS = 120
"""After which an input counts as one on which the program hangs."""


@dataclass(frozen=True)
class Target:
    """`attempt(random, folder)` raises nothing but UserError, or the program has a fault."""

    name: str
    attempt: Callable[[Random, Path], None]

    def failure(self, seed: int) -> str:
        """The traceback of the fault that the input of this seed shows; empty where there is none."""
        with tempfile.TemporaryDirectory(prefix="fuzz-", dir=_IN_MEMORY if _IN_MEMORY.is_dir() else None) as name:
            folder = Path(name, *_WITHIN)
            folder.mkdir(parents=True)
            try:
                with limited(SECONDS):
                    self.attempt(Random(f"{self.name} {seed}"), folder)
            except UserError:
                return ""
            except BaseException as error:
                if isinstance(error, KeyboardInterrupt):
                    raise
                return "".join(traceback.format_exception(error))
        return ""

    def failures(self, seeds: Iterable[int]) -> dict[int, str]:
        """The tracebacks, by seed, of those that show a fault."""
        by_seed = {seed: self.failure(seed) for seed in seeds}
        return {seed: text for seed, text in by_seed.items() if text}


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
    """Replace the file by a folder, a pipe, an empty file, a link that leads nowhere or to itself, or nothing."""
    if path.is_dir() and not path.is_symlink():
        return
    path.unlink(missing_ok=True)
    match random.randrange(6):
        case 0:
            path.mkdir()
        case 1:
            os.mkfifo(path)
        case 2:
            path.symlink_to(path.with_name("nowhere"))
        case 3:
            path.symlink_to(path)
        case 4:
            path.touch()
        case _:
            pass


@contextmanager
def arguments(*words: str) -> Iterator[None]:
    """The command line, for `harness.cli.main.main`."""
    before, sys.argv = sys.argv, ["harness", *words]
    try:
        yield
    finally:
        sys.argv = before
