"""Time and memory of the phases of a trial, measured inside its process.

Peak memory is the high-water mark of the operating system (VmHWM in /proc/self/status). Writing 5 to
/proc/self/clear_refs resets it at the start of a phase. `ru_maxrss` is not suitable, because a process inherits it from
its parent, and polling would miss short peaks. Without /proc, the resident memory at the end of the phase is used
instead; `memory_method` states which of the two was measured.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from harness.store.record import Phase, PhaseName

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")


class Meter:
    """Time and memory of the phases so far. Times of repeated phases are added; the peak is the highest one."""

    def __init__(self) -> None:
        self.phases: dict[PhaseName, Phase] = {}
        self.latest: PhaseName | None = None
        """The phase that began last."""
        self._peak_is_reset = _reset_peak()
        fallback = "resident set at the end of each phase"
        self.memory_method = "VmHWM, reset at each phase" if self._peak_is_reset else fallback

    @contextmanager
    def phase(self, name: PhaseName) -> Iterator[None]:
        """Measure the block: wall and CPU seconds (user + system, all threads), peak resident bytes."""
        self.latest = name
        if self._peak_is_reset:
            _reset_peak()
        wall, cpu = time.perf_counter_ns(), time.process_time_ns()
        try:
            yield
        finally:
            wall, cpu = time.perf_counter_ns() - wall, time.process_time_ns() - cpu
            peak = _peak_bytes() if self._peak_is_reset else resident_bytes()
            before = self.phases.get(name, Phase(wall_seconds=0, cpu_seconds=0, memory_peak_bytes=0))
            self.phases[name] = Phase(
                wall_seconds=before.wall_seconds + wall / 1e9,
                cpu_seconds=before.cpu_seconds + cpu / 1e9,
                memory_peak_bytes=max(before.memory_peak_bytes or 0, peak),
            )


def resident_bytes() -> int:
    """Resident memory of this process now, in bytes."""
    return int(psutil.Process().memory_info().rss)


def _peak_bytes() -> int:
    for line in _STATUS.read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"no VmHWM in {_STATUS}")


def _reset_peak() -> bool:
    try:
        _CLEAR.write_text("5", encoding="ascii")
        _peak_bytes()
    except (OSError, RuntimeError):
        return False
    return True
