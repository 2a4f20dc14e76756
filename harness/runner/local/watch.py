"""A trial's process watched from outside: its memory, and whether it still runs."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

import psutil

TIMELINE_POINTS = 200
"""At most so many samples of a trial's memory are kept; beyond, every other one goes."""
_SEARCH_SECONDS = 1.0
_VMSTAT = Path("/proc/vmstat")


class Timeline:
    """Samples of a trial's resident memory, thinned as they become many."""

    def __init__(self) -> None:
        self.samples: list[tuple[float, int]] = []
        self._every = 1
        self._seen = 0

    def add(self, seconds: float, resident: int) -> None:
        """A sample: seconds since the trial began, resident bytes."""
        if self._seen % self._every == 0:
            self.samples.append((round(seconds, 3), resident))
        self._seen += 1
        if len(self.samples) > TIMELINE_POINTS:
            del self.samples[1::2]
            self._every *= 2


class MemoryWatch:
    """Reads the resident memory of a process and of what it started.

    To find what it started, every process of the machine is read, so that is done once a second only.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._process: psutil.Process | None = None
        self._started: list[psutil.Process] = []
        self._searched = 0.0

    def kill_started(self) -> None:
        """End what it was seen to start, even what has left its process group since."""
        for process in self._started:
            with contextlib.suppress(psutil.Error):
                process.kill()

    def resident_bytes(self) -> int | None:
        """In bytes; None where the process is gone."""
        try:
            self._process = self._process or psutil.Process(self._pid)
            total = int(self._process.memory_info().rss)
            if time.monotonic() - self._searched > _SEARCH_SECONDS:
                self._searched = time.monotonic()
                self._started = self._process.children(recursive=True)
        except psutil.Error:
            return None
        for process in self._started:
            with contextlib.suppress(psutil.Error):
                total += int(process.memory_info().rss)
        return total


def own_bytes(pid: int) -> int:
    """Memory of a process that it shares with no other, in bytes; its resident memory where the system does not say
    which is shared; 0 where the process is gone."""
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        try:
            return int(process.memory_full_info().uss)
        except (psutil.AccessDenied, AttributeError):
            return int(process.memory_info().rss)
    return 0


def is_alive(pid: int) -> bool:
    """Whether the process still runs; one that ended and was not waited for does not."""
    with contextlib.suppress(psutil.Error):
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    return False


def kills_by_the_kernel() -> int:
    """How many processes the kernel has killed for want of memory since the start; 0 where it does not say."""
    try:
        for line in _VMSTAT.read_text(encoding="ascii").splitlines():
            name, _, value = line.partition(" ")
            if name == "oom_kill":
                return int(value)
    except (OSError, ValueError):
        pass
    return 0
