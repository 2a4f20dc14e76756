"""What a trial may take."""

from __future__ import annotations

from harness.cgroup import usable_memory
from harness.runner.limits import Limits


def test_the_memory_not_limited_is_shared_out_among_the_jobs() -> None:
    assert Limits(memory_bytes=5).memory(4) == 5
    assert Limits().memory(2) == Limits().memory(1) // 2 < usable_memory() / 2
