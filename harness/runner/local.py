"""The engine for one machine: each trial in a process of its own, forked from a server that has TensorFlow imported."""

from __future__ import annotations

import multiprocessing.connection
import os
import time
from collections.abc import Collection, Sequence
from pathlib import Path

from harness.experiment import Lane
from harness.machine import usable_cores
from harness.record import Record
from harness.runner.child import PRELOAD, Child, server_context
from harness.runner.engine import Trial
from harness.runner.lanes import MachineLock
from harness.runner.limits import Limits
from harness.runner.scratch import remove_abandoned

_LOOK_SECONDS = 0.1
"""Between two looks at the memory and the age of the running trials."""


class LocalEngine:
    """At most `jobs` accuracy trials side by side, one thread each; a speed trial has all cores to itself.

    `cache` is the folder in which tasks keep data that take long to make; None: they are made again each time.
    `preload` is the module that the server imports before the first trial.
    """

    waits_for = "another run on this machine: speed trials have it to themselves"

    def __init__(
        self, jobs: int | None = None, limits: Limits | None = None, cache: Path | None = None, preload: str = PRELOAD
    ) -> None:
        self.jobs = jobs or usable_cores()
        self._limits = limits or Limits()
        self._cache = cache
        self._context = server_context(preload)
        remove_abandoned()
        self._cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
        self._running: list[Child] = []
        self._machine = MachineLock()
        self._looked = 0.0

    @property
    def hosts(self) -> Sequence[int]:
        return (self.jobs,)

    def has_room(self, lane: Lane) -> bool:
        if self._running and (lane == "speed" or len(self._running) >= self.jobs):
            return False
        if any(child.trial.spec.lane != lane for child in self._running):
            return False
        return self._machine.take(lane)

    def running(self) -> int:
        return len(self._running)

    def submit(self, trial: Trial) -> None:
        alone = trial.spec.lane == "speed"
        threads, core = (usable_cores(), None) if alone else (1, self._free_core())
        self._running.append(Child(self._context, trial, threads, core, self._cache))

    def wait(self, seconds: float) -> Sequence[Record]:
        if not self._running:
            self._machine.release()
            time.sleep(seconds)
            return []
        news = [source for child in self._running for source in child.news()]
        ready: set[object] = set(multiprocessing.connection.wait(news, min(seconds, _LOOK_SECONDS)))
        ended = [child for child in self._running if child.listen(ready)]
        self._running = [child for child in self._running if child not in ended]
        self._look()
        return [child.finish() for child in ended]

    def stop(self, trial_ids: Collection[str]) -> None:
        """Stop the trials among these that run; their records come as all others do."""
        for child in self._running:
            if child.trial.id in trial_ids:
                child.stop("interrupted", "stopped before it was done")

    def interrupt(self) -> Sequence[Record]:
        self.stop({child.trial.id for child in self._running})
        records: list[Record] = []
        while self._running:
            records += self.wait(0.1)
        return records

    def close(self) -> None:
        self.interrupt()
        self._machine.release()

    def _look(self) -> None:
        now = time.monotonic()
        if now - self._looked >= _LOOK_SECONDS:
            self._looked = now
            for child in self._running:
                child.watch(now, self._limits, self._limits.memory(self.jobs))

    def _free_core(self) -> int | None:
        """The core with the fewest trials on it."""
        taken = [child.core for child in self._running]
        return min(self._cores, key=taken.count, default=None)
