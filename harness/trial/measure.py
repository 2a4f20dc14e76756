"""Time and memory of the phases of a trial, read inside its process.

Peak memory is the kernel's own high-water mark (VmHWM of /proc/self/status), reset at the start of a phase by writing 5
to /proc/self/clear_refs. `ru_maxrss` would not do: it is inherited from the process that launched this one; polling
would miss short peaks. Where there is no /proc the resident memory at the end of the phase stands in, and
`memory_method` says so.
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
    """What the phases of this process took so far. A phase entered several times adds up; its peak is the highest."""

    def __init__(self) -> None:
        self.phases: dict[PhaseName, Phase] = {}
        self.latest: PhaseName | None = None
        """The phase entered last."""
        self.memory_method = "VmHWM, reset at each phase" if _reset_peak() else "resident set at the end of each phase"
        self._peak_is_reset = self.memory_method.startswith("VmHWM")

    @staticmethod
    def clock() -> float:
        """Seconds on the clock that the phases are timed by."""
        return time.perf_counter_ns() / 1e9

    @contextmanager
    def phase(self, name: PhaseName) -> Iterator[None]:
        """Measure a block: wall and CPU seconds (user + system, all threads), peak resident bytes."""
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
