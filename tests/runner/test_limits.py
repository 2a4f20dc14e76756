"""Limits of a trial."""

from __future__ import annotations

from harness.cgroup import usable_memory
from harness.runner.limits import Limits


def test_without_a_limit_memory_is_divided_among_the_jobs() -> None:
    assert Limits(memory_bytes=5).memory(4) == 5
    assert Limits().memory(2) == Limits().memory(1) // 2 < usable_memory() / 2
