"""The engine for one machine: it forks processes from a server that has imported TensorFlow.

Each speed trial has a separate process. Accuracy trials of one program run one after another in the same process, which
compiles the program once and is idle between trials. A process ends after a trial that fails.
"""

from __future__ import annotations

import multiprocessing.connection
import multiprocessing.util
import os
import time
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import psutil

from harness.cgroup import usable_cores
from harness.runner.engine import LOOK_AHEAD, Trial
from harness.runner.lanes import MachineLock
from harness.runner.limits import Limits
from harness.runner.local.child import PRELOAD, Child, server_context
from harness.runner.local.scratch import remove_abandoned
from harness.runner.local.turns import TimingBlock
from harness.runner.precision import EVERY_PAIR, Precision
from harness.spec.factors import Lane
from harness.store.record import Record

_WATCH_SECONDS = 0.1
"""Between two checks of the memory and the age of the running trials."""
MAX_WAITING = 32
"""Maximum number of idle processes, which wait for another trial of their program."""
FREE_MEMORY = 0.25
"""Idle processes are ended while less than this share of the machine's memory is available."""


class LocalEngine:
    """Runs up to `jobs` accuracy trials in parallel, with one thread each; a speed trial uses all cores and runs alone.

    cache: the folder in which tasks cache generated data; None: no caching. preload: the module that the server imports
    before the first trial. precision: required in timing blocks. first_core: the index of the core to which the first
    accuracy trial is pinned.
    """

    waits_for = "another run on this machine, because timings need the machine alone"

    def __init__(
        self,
        jobs: int | None = None,
        limits: Limits | None = None,
        cache: Path | None = None,
        preload: str = PRELOAD,
        precision: Precision = EVERY_PAIR,
        first_core: int = 0,
    ) -> None:
        self.jobs = jobs or usable_cores()
        self._limits = limits or Limits()
        self._cache = cache
        self._precision = precision
        self._context = server_context(preload)
        remove_abandoned()
        cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
        first = first_core % max(1, len(cores))
        self._cores = cores[first:] + cores[:first]
        self._running: list[Child] = []
        self._block: TimingBlock | None = None
        self._waiting: list[Child] = []
        """Idle processes, the most recently used one last."""
        # A cluster worker exits without closing its engine; multiprocessing would then wait for these processes.
        multiprocessing.util.Finalize(self, _end_all, args=(self._waiting,), exitpriority=10)
        self._machine = MachineLock()
        self._watched = 0.0

    @property
    def hosts(self) -> Sequence[int]:
        return (self.jobs,)

    def has_room(self, lane: Lane) -> bool:
        if self._block is not None or (self._running and (lane == "speed" or len(self._running) >= self.jobs)):
            return False
        return self._machine.take(lane)

    def running(self) -> int:
        return len(self._running if self._block is None else self._block)

    def choose(self, waiting: Sequence[Trial]) -> Sequence[int]:
        """The first trial whose program an idle process has compiled, else the first whose program no process runs."""
        compiled = self.compiled()
        busy = {child.trial.program for child in self._running}
        other = None
        for index, trial in enumerate(islice(waiting, LOOK_AHEAD)):
            if trial.spec.lane == "speed":
                break
            if trial.program in compiled:
                return [index]
            if other is None and trial.program not in busy:
                other = index
        return [other or 0]

    def compiled(self) -> set[str]:
        """The programs of the idle processes."""
        return {child.trial.program for child in self._waiting}

    def submit(self, trials: Sequence[Trial]) -> None:
        if trials[0].spec.lane == "speed":
            self._block = TimingBlock(trials, self._start_alone, self._precision)
            self._block.advance()
        else:
            self._submit_to_share(trials[0])

    def _start_alone(self, trial: Trial) -> Child:
        self._running.append(Child(self._context, trial, usable_cores(), None, self._cache))
        return self._running[-1]

    def _submit_to_share(self, trial: Trial) -> None:
        child = next((child for child in self._waiting if child.trial.program == trial.program), None)
        if child is not None:
            self._waiting.remove(child)
            if child.is_alive():
                child.begin(trial, self._free_core())
                self._running.append(child)
                return
            child.end()
        self._running.append(Child(self._context, trial, 1, self._free_core(), self._cache))

    def wait(self, seconds: float) -> Sequence[Record]:
        if not self._running and self._block is not None:  # its process could not be started
            records = self._finished_block()
            if self._block is not None:
                self._block.advance()
            return records
        if not self._running:
            self._machine.release()
            time.sleep(seconds)
            return []
        news = [source for child in self._running for source in child.news()]
        ready: set[object] = set(multiprocessing.connection.wait(news, min(seconds, _WATCH_SECONDS)))
        ended = [child for child in self._running if child.listen(ready)]
        self._running = [child for child in self._running if child not in ended]
        self._look()
        records = [record for child in ended for record in self._finish(child)]
        if self._block is not None:
            self._block.advance()
        self._keep_waiting(MAX_WAITING)
        return records

    def interrupt(self) -> Sequence[Record]:
        if self._block is not None:
            self._block.stop()
        for child in self._running:
            child.stop("interrupted", "stopped before the trial was complete")
        records: list[Record] = []
        while self.running():
            records += self.wait(0.1)
        return records

    def close(self) -> None:
        self.interrupt()
        self.rest()

    def rest(self, waiting: int = 0) -> None:
        """While no trial runs: keep at most this number of idle processes, and release the machine's lock."""
        self._keep_waiting(waiting)
        self._machine.release()

    def _finish(self, child: Child) -> Sequence[Record]:
        """The record of an ended trial, or all of a timing block at its end. Keeps the child if it can run another."""
        record = child.finish()
        if child.waits and record.status == "ok" and self._block is None:
            self._waiting.append(child)
        elif child.waits:
            child.end()
        if self._block is None:
            return [record]
        self._block.ended(child, record)
        return self._finished_block()

    def _finished_block(self) -> Sequence[Record]:
        """The records of the timing block, once all of its trials have ended."""
        records = self._block.finished() if self._block is not None else ()
        if records:
            self._block = None
        return records

    def _keep_waiting(self, count: int) -> None:
        """Keep at most this number of idle processes: the most recently used ones."""
        while len(self._waiting) > count:
            self._waiting.pop(0).end()

    def _look(self) -> None:
        now = time.monotonic()
        if now - self._watched >= _WATCH_SECONDS:
            self._watched = now
            for child in self._running:
                child.watch(now, self._limits, self._limits.memory(self.jobs))
            if self._waiting and memory_is_short():
                self._keep_waiting(len(self._waiting) - 1)

    def _free_core(self) -> int | None:
        """The core with the fewest trials on it."""
        taken = [child.core for child in self._running]
        return min(self._cores, key=taken.count, default=None)


def memory_is_short() -> bool:
    """Whether too little memory is available to keep idle processes."""
    memory = psutil.virtual_memory()
    return bool(memory.available < FREE_MEMORY * memory.total)


def _end_all(children: list[Child]) -> None:
    for child in children:
        child.end()
    children.clear()
