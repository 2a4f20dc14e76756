"""Monitoring of a trial's process from outside: its memory, and whether it is alive."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

import psutil

_SEARCH_SECONDS = 1.0
_VMSTAT = Path("/proc/vmstat")


class MemoryWatch:
    """Reads the resident memory of a process and its descendants.

    The search for descendants reads all processes of the machine, so it happens only once a second.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._process: psutil.Process | None = None
        self._started: list[psutil.Process] = []
        self._searched = 0.0

    def kill_started(self) -> None:
        """Kill the known descendants, including those that have left its process group."""
        for process in self._started:
            with contextlib.suppress(psutil.Error):
                process.kill()

    def resident_bytes(self) -> int | None:
        """Resident memory in bytes; None if the process is gone."""
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
    """Memory of a process that is not shared with others, in bytes. If the system does not report it, resident memory;
    0 if the process is gone."""
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        try:
            return int(process.memory_full_info().uss)
        except (psutil.AccessDenied, AttributeError):
            return int(process.memory_info().rss)
    return 0


def is_alive(pid: int) -> bool:
    """Whether the process runs; False for a zombie."""
    with contextlib.suppress(psutil.Error):
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    return False


def kills_by_the_kernel() -> int:
    """Number of processes that the kernel has killed since boot because memory ran out; 0 if not reported."""
    try:
        for line in _VMSTAT.read_text(encoding="ascii").splitlines():
            name, _, value = line.partition(" ")
            if name == "oom_kill":
                return int(value)
    except (OSError, ValueError):
        pass
    return 0
