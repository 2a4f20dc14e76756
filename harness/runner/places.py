"""Predicts when trials would start and end on the slots of hosts; used by the time budget (budget.py)."""

from __future__ import annotations

import heapq
from collections.abc import Sequence

from harness.spec.factors import Lane


class Places:
    """The time at which each slot of each host becomes free, in seconds from now.

    `hosts`: the number of slots of each host. An accuracy trial takes one slot, a timing block all slots of a host.
    """

    def __init__(self, hosts: Sequence[int]) -> None:
        self._free = [[0.0] * places for places in hosts]
        """One heap per host."""

    def put(self, lane: Lane, seconds: float) -> tuple[float, float]:
        """Place a trial or timing block of this length where it can start first; returns its start and its end."""
        if lane == "speed":
            host = min(self._free, key=max)
            begin = max(host)
            host[:] = [begin + seconds] * len(host)
        else:
            host = min(self._free, key=lambda free: free[0])
            begin = host[0]
            heapq.heapreplace(host, begin + seconds)
        return begin, begin + seconds
