"""How much a trial may take."""

from __future__ import annotations

from dataclasses import dataclass

from harness.cgroup import usable_memory

GRACE_SECONDS = 2.0
"""Between SIGTERM and SIGKILL."""


@dataclass(frozen=True)
class Limits:
    """What one trial may take: wall time in seconds, resident memory in bytes."""

    seconds: float = 3600.0
    memory_bytes: int | None = None
    """None: nine tenths of the memory that this process may use, shared out among the trials that run side by side."""

    def memory(self, jobs: int) -> int:
        """The limit in bytes with so many trials side by side."""
        return self.memory_bytes or int(0.9 * usable_memory() / jobs)
