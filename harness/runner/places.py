"""When trials would be done on hosts with so many places each: what a budget of time reckons with (budget.py)."""

from __future__ import annotations

import heapq
from collections.abc import Sequence

from harness.spec.factors import Lane


class Places:
    """When each place of each host is free, in seconds from now.

    `hosts` are the places of each. An accuracy trial takes one of them, a block of speed trials all of a host.
    """

    def __init__(self, hosts: Sequence[int]) -> None:
        self._free = [[0.0] * places for places in hosts]
        """Of each host a heap."""

    def copy(self) -> Places:
        """Others that are as free as these."""
        copy = Places(())
        copy._free = [list(host) for host in self._free]
        return copy

    def put(self, lane: Lane, seconds: float) -> tuple[float, float]:
        """Put what takes so many seconds where it can begin first; when it begins, and when it is done."""
        if lane == "speed":
            host = min(self._free, key=max)
            begin = max(host)
            host[:] = [begin + seconds] * len(host)
        else:
            host = min(self._free, key=lambda free: free[0])
            begin = host[0]
            heapq.heapreplace(host, begin + seconds)
        return begin, begin + seconds
