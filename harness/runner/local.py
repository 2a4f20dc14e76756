"""The engine for one machine: each trial in a process of its own, forked from a server that has TensorFlow imported."""

from __future__ import annotations

import contextlib
import multiprocessing
import multiprocessing.connection
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import ModuleType

from harness.experiment import Lane
from harness.machine import usable_cores
from harness.record import Record, Status
from harness.runner.attempt import MESSAGE_BYTES, Attempt
from harness.runner.engine import Trial
from harness.runner.lanes import MachineLock
from harness.runner.limits import GRACE_SECONDS, Limits, MemoryWatch, is_alive, kills_by_the_kernel
from harness.trial.process import Setting, run_in_process

_LOOK_SECONDS = 0.1
"""Between two looks at the memory and the age of the running trials."""


def server_context() -> ForkServerContext:
    """The fork server's context; the server itself starts with the first process."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["harness.trial.preload"])
    return context


@contextlib.contextmanager
def without_main() -> Iterator[None]:
    """Hide `__main__`, which multiprocessing would import again in the child: a user's script needs no guard."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


@dataclass
class _Running:
    attempt: Attempt
    process: BaseProcess
    pid: int
    events: Connection
    output: Connection
    lifeline: Connection
    core: int | None
    memory: MemoryWatch
    kernel_kills: int = field(default_factory=kills_by_the_kernel)
    orphan: bool = False
    """Whether its fork server is gone: its end is then told by its pipes alone."""
    stopped_as: Status | None = None
    why: str | None = None
    kill_at: float = float("inf")

    def pipes(self) -> list[Connection]:
        return [pipe for pipe in (self.events, self.output) if not pipe.closed]

    def stop(self, status: Status, why: str, *, grace: float = GRACE_SECONDS) -> None:
        """Ask the process group to end, and say when it will be made to; the first reason counts."""
        if self.stopped_as is None:
            self.stopped_as, self.why = status, why
            self.kill_at = time.monotonic() + grace
            _signal_group(self.pid, signal.SIGTERM if grace else signal.SIGKILL)


class LocalEngine:
    """At most `jobs` accuracy trials side by side, one thread each; a speed trial has all cores to itself.

    `cache` is the folder in which tasks keep data that take long to make; None: they are made again each time.
    """

    def __init__(self, jobs: int | None = None, limits: Limits | None = None, cache: Path | None = None) -> None:
        self.jobs = jobs or usable_cores()
        self._limits = limits or Limits()
        self._cache = cache
        self._context = server_context()
        self._cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
        self._running: list[_Running] = []
        self._machine = MachineLock()
        self._looked = 0.0

    def has_room(self, lane: Lane) -> bool:
        if self._running and (lane == "speed" or len(self._running) >= self.jobs):
            return False
        if any(running.attempt.trial.spec.lane != lane for running in self._running):
            return False
        return self._machine.take(lane)

    def running(self) -> int:
        return len(self._running)

    def submit(self, trial: Trial) -> None:
        alone = trial.spec.lane == "speed"
        threads = usable_cores() if alone else 1
        core = None if alone else self._free_core()
        attempt = Attempt(trial, threads)
        events, child_events = self._context.Pipe(duplex=False)
        output, child_output = self._context.Pipe(duplex=False)
        child_lifeline, lifeline = self._context.Pipe(duplex=False)
        setting = Setting(threads, core, str(self._cache.resolve()) if self._cache else None)
        process = self._context.Process(
            target=run_in_process,
            args=(trial.spec.model_dump_json(), setting, child_events, child_output, child_lifeline),
            name=f"trial-{trial.id}",
        )
        with without_main():
            process.start()
        for pipe in (child_events, child_output, child_lifeline):
            pipe.close()
        assert process.pid is not None
        self._running.append(
            _Running(attempt, process, process.pid, events, output, lifeline, core, MemoryWatch(process.pid))
        )

    def wait(self, seconds: float) -> Sequence[Record]:
        if not self._running:
            time.sleep(seconds)
            return []
        waiting = [pipe for running in self._running for pipe in running.pipes()]
        sentinels = [running.process.sentinel for running in self._running if not running.orphan]
        ready = set(multiprocessing.connection.wait([*waiting, *sentinels], min(seconds, _LOOK_SECONDS)))
        records = []
        for running in list(self._running):
            for pipe in running.pipes():
                if pipe in ready:
                    self._read(running, pipe)
            if not running.orphan and running.process.sentinel in ready and is_alive(running.pid):
                running.orphan = True
            ended = running.events.closed if running.orphan else running.process.sentinel in ready
            if ended:
                records.append(self._finish(running))
        self._look()
        return records

    def interrupt(self) -> Sequence[Record]:
        for running in self._running:
            running.stop("interrupted", "stopped before it was done")
        records: list[Record] = []
        while self._running:
            records += self.wait(0.1)
        return records

    def close(self) -> None:
        self.interrupt()
        self._machine.release()

    def _look(self) -> None:
        """Sample the memory of the running trials, and stop those that take more than they may."""
        now = time.monotonic()
        if now - self._looked < _LOOK_SECONDS:
            return
        self._looked = now
        memory_limit = self._limits.memory(self.jobs)
        for running in self._running:
            age = now - running.attempt.started
            resident = running.memory.resident_bytes()
            if resident is not None:
                running.attempt.timeline.add(age, resident)
                if resident > memory_limit:
                    found, allowed = resident / 2**20, memory_limit / 2**20
                    running.stop("out_of_memory", f"{found:,.0f} MiB resident, {allowed:,.0f} MiB allowed", grace=0)
            if age > self._limits.seconds:
                running.stop("timeout", f"not done after the {self._limits.seconds:g} s it is allowed")
            if now > running.kill_at:
                _signal_group(running.pid, signal.SIGKILL)

    def _free_core(self) -> int | None:
        """The core with the fewest trials on it."""
        taken = [running.core for running in self._running]
        return min(self._cores, key=taken.count, default=None)

    @staticmethod
    def _read(running: _Running, pipe: Connection) -> bool:
        """Take in what is waiting in a pipe; False, and the pipe closed, at its end."""
        try:
            if pipe is running.events:
                running.attempt.message(pipe.recv_bytes(MESSAGE_BYTES))
                return True
            data = os.read(pipe.fileno(), 65536)
            running.attempt.output(data)
            if data:
                return True
        except EOFError:
            pass
        except (OSError, ValueError) as error:
            running.stop("crashed", f"sent what is no message of at most {MESSAGE_BYTES >> 20} MiB: {error}")
        pipe.close()
        return False

    def _finish(self, running: _Running) -> Record:
        process = running.process
        _signal_group(running.pid, signal.SIGKILL)  # what the trial may have started and left behind
        for pipe in running.pipes():
            while not pipe.closed and pipe.poll(0) and self._read(running, pipe):
                pass
            pipe.close()
        running.lifeline.close()
        process.join()
        exit_code = None if running.orphan else process.exitcode
        process.close()
        self._running.remove(running)
        if not self._running:
            self._machine.release()
        status, why = running.stopped_as, running.why
        killed = exit_code == -signal.SIGKILL and running.attempt.end is None
        if status is None and killed and kills_by_the_kernel() > running.kernel_kills:
            status, why = "out_of_memory", "killed by the kernel for want of memory"
        return running.attempt.record(status, exit_code, why)


def _signal_group(pid: int, number: signal.Signals) -> None:
    """Signal the trial's process group; the process alone where it has not made its group yet."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)
        return
    if is_alive(pid):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
