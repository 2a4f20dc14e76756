"""What else the machine did while a speed trial was timed, and whether that spoils its times."""

from __future__ import annotations

import resource
import statistics
from collections.abc import Mapping, Sequence
from contextlib import suppress

import psutil

SPREAD_ALLOWED = 0.10
"""Interquartile range of the rounds over their median; above it the trial is noisy."""
STEAL_ALLOWED = 0.01
"""Share of the machine's time that the hypervisor gave to others during the rounds; above it the trial is noisy."""

Reading = dict[str, float | None]


def read_surroundings() -> Reading:
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


def spread(rounds: Sequence[float]) -> float:
    """Interquartile range over median; 0 for fewer than two rounds."""
    if len(rounds) < 2:
        return 0.0
    low, middle, high = statistics.quantiles(rounds, n=4, method="inclusive")
    return (high - low) / middle if middle > 0 else float("inf")


def is_noisy(rounds: Sequence[float], before: Mapping[str, float | None], after: Mapping[str, float | None]) -> bool:
    """Whether the rounds spread too far, or the machine was taken away too often, to trust the times."""
    stolen = _difference("steal_seconds", before, after)
    passed = _difference("cpu_seconds", before, after)
    return spread(rounds) > SPREAD_ALLOWED or (passed > 0 and stolen / passed > STEAL_ALLOWED)


def _difference(name: str, before: Mapping[str, float | None], after: Mapping[str, float | None]) -> float:
    first, last = before.get(name), after.get(name)
    return 0.0 if first is None or last is None else last - first
