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
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from types import ModuleType

from harness.experiment import Lane
from harness.machine import usable_cores
from harness.record import Record, Status
from harness.runner.attempt import MESSAGE_BYTES, Attempt
from harness.runner.engine import Trial
from harness.trial.process import run_in_process

GRACE_SECONDS = 2.0
"""Between SIGTERM and SIGKILL."""


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
    events: Connection
    output: Connection
    lifeline: Connection
    core: int | None
    stopped_as: Status | None = None

    def pipes(self) -> list[Connection]:
        return [pipe for pipe in (self.events, self.output) if not pipe.closed]


class LocalEngine:
    """At most `jobs` accuracy trials side by side, one thread each; a speed trial has all cores to itself."""

    def __init__(self, jobs: int | None = None) -> None:
        self.jobs = jobs or usable_cores()
        self._context = server_context()
        self._cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
        self._running: list[_Running] = []

    def has_room(self, lane: Lane) -> bool:
        if lane == "speed":
            return not self._running
        return len(self._running) < self.jobs and all(
            running.attempt.trial.spec.lane == lane for running in self._running
        )

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
        process = self._context.Process(
            target=run_in_process,
            args=(trial.spec.model_dump_json(), threads, core, child_events, child_output, child_lifeline),
            name=f"trial-{trial.id}",
        )
        with without_main():
            process.start()
        for pipe in (child_events, child_output, child_lifeline):
            pipe.close()
        self._running.append(_Running(attempt, process, events, output, lifeline, core))

    def wait(self, seconds: float) -> Sequence[Record]:
        if not self._running:
            return []
        waiting = [pipe for running in self._running for pipe in running.pipes()]
        sentinels = [running.process.sentinel for running in self._running]
        ready = set(multiprocessing.connection.wait([*waiting, *sentinels], seconds))
        records = []
        for running in list(self._running):
            for pipe in running.pipes():
                if pipe in ready:
                    self._read(running, pipe)
            if running.process.sentinel in ready:
                records.append(self._finish(running))
        return records

    def interrupt(self) -> Sequence[Record]:
        for running in self._running:
            running.stopped_as = "interrupted"
            _signal_group(running.process, signal.SIGTERM)
        deadline = time.monotonic() + GRACE_SECONDS
        records: list[Record] = []
        while self._running and time.monotonic() < deadline:
            records += self.wait(0.1)
        for running in self._running:
            _signal_group(running.process, signal.SIGKILL)
        while self._running:
            records += self.wait(0.1)
        return records

    def close(self) -> None:
        self.interrupt()

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
        except (EOFError, OSError, ValueError):
            pass
        pipe.close()
        return False

    def _finish(self, running: _Running) -> Record:
        process = running.process
        process.join()
        for pipe in running.pipes():
            while not pipe.closed and pipe.poll(0) and self._read(running, pipe):
                pass
            pipe.close()
        running.lifeline.close()
        _signal_group(process, signal.SIGKILL)  # what the trial may have started and left behind
        self._running.remove(running)
        exit_code = process.exitcode
        process.close()
        message = "stopped before it was done" if running.stopped_as == "interrupted" else None
        return running.attempt.record(running.stopped_as, exit_code, message)


def _signal_group(process: BaseProcess, number: signal.Signals) -> None:
    """Signal the trial's process group; the process alone where it has not made its group yet."""
    assert process.pid is not None
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)
        return
    if process.is_alive():
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, number)
