"""What else the machine did while a speed trial was timed."""

from __future__ import annotations

import resource
from contextlib import suppress

import psutil

from harness.store.record import Surroundings


def read_surroundings() -> Surroundings:
    """Load average (1 min), CPU frequency (MHz), steal and all CPU time (s), involuntary context switches so far.

    The switches are those of all threads of this process. None where the system does not tell.
    """
    times = psutil.cpu_times()
    return {
        "load_average": psutil.getloadavg()[0],
        "cpu_mhz": _cpu_mhz(),
        "steal_seconds": getattr(times, "steal", None),
        "cpu_seconds": float(sum(times)),
        "involuntary_switches": float(resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw),
    }


def _cpu_mhz() -> float | None:
    with suppress(OSError, NotImplementedError, AttributeError):
        frequency = psutil.cpu_freq()
        return float(frequency.current) if frequency else None
    return None
