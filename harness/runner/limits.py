"""Time and memory limits of a trial."""

from __future__ import annotations

from dataclasses import dataclass

from harness.cgroup import usable_memory

GRACE_SECONDS = 2.0
"""Between SIGTERM and SIGKILL."""


@dataclass(frozen=True)
class Limits:
    """Limits of one trial: wall time in seconds, resident memory in bytes."""

    seconds: float = 3600.0
    memory_bytes: int | None = None
    """None: 90 % of the memory that this process may use, divided by the number of parallel trials."""

    def memory(self, jobs: int) -> int:
        """The memory limit of a trial in bytes, for `jobs` parallel trials."""
        return self.memory_bytes or int(0.9 * usable_memory() / jobs)
