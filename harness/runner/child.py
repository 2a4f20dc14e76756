"""A trial's process as the runner sees it: started, listened to, watched, stopped, and in the end a record."""

from __future__ import annotations

import contextlib
import multiprocessing
import multiprocessing.forkserver
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from pathlib import Path
from types import ModuleType

from harness.errors import UserError
from harness.record import Record, Status
from harness.runner import scratch
from harness.runner.attempt import Attempt
from harness.runner.engine import Trial
from harness.runner.limits import GRACE_SECONDS, Limits
from harness.runner.watch import MemoryWatch, is_alive, kills_by_the_kernel
from harness.stopping import stop_signals_blocked
from harness.trial.process import Setting, run_in_process

PRELOAD = "harness.trial.preload"
_PAUSES = (0.02, 0.1, 0.5, 1.0, 2.0)
"""Seconds before each further try to start a process: a fork server that is being killed refuses for a moment before it
has ended, and multiprocessing starts another only then."""
_TOO_LONG = "path too long"
"""In what CPython says where the fork server's socket, which lies in the temporary folder, has too long a path."""
_READ_BYTES = 65536
_LAST_READS = 16
"""Of a pipe whose trial has ended: more than it holds, so that what got away and writes on is not read for ever."""


def server_context(preload: str = PRELOAD) -> ForkServerContext:
    """The fork server's context; the server itself starts with the first process and imports `preload` once."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([preload])
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


class Child:
    """One trial's process, and what it has told so far. Raises UserError where no process can be started."""

    def __init__(
        self, context: ForkServerContext, trial: Trial, threads: int, core: int | None, cache: Path | None
    ) -> None:
        self.trial = trial
        self.core = core
        self._scratch = scratch.new_folder()
        self._setting = Setting(threads, core, str(cache.resolve()) if cache else None, str(self._scratch))
        self._kernel_kills = kills_by_the_kernel()
        self._orphan = False
        """Whether its fork server is gone: its exit code will never be known."""
        self._stopped_as: Status | None = None
        self._why: str | None = None
        self._kill_at = float("inf")
        self._start(context)
        self._attempt = Attempt(trial, threads)  # its clock starts now: the server's own start is no trial's time
        self._memory = MemoryWatch(self._pid)

    def _start(self, context: ForkServerContext) -> None:
        for pause in (*_PAUSES, None):
            try:
                self._try_to_start(context)
                return
            except (OSError, EOFError) as error:
                too_long = _TOO_LONG in str(error)
                if pause is None or too_long:
                    scratch.remove(self._scratch)
                    advice = f". Name a folder with a shorter path than {tempfile.gettempdir()} in TMPDIR"
                    message = f"no process can be started for a trial: {error}{advice if too_long else ''}"
                    raise UserError(message) from error
            time.sleep(pause)

    def _try_to_start(self, context: ForkServerContext) -> None:
        pipes = [context.Pipe(duplex=False) for _ in range(3)]
        (events, child_events), (output, child_output), (child_lifeline, lifeline) = pipes
        ours, theirs = (events, output, lifeline), (child_events, child_output, child_lifeline)
        spec = self.trial.spec.model_dump_json()
        process = context.Process(
            target=run_in_process, args=(spec, self._setting, *theirs), name=f"trial-{self.trial.id}"
        )
        try:
            with stop_signals_blocked():  # a signal to all processes of a job does not end the server, which knows
                multiprocessing.forkserver.ensure_running()  # how its trials ended
            with without_main():
                process.start()
        except BaseException:
            _close(ours)
            raise
        finally:
            _close(theirs)
        assert process.pid is not None
        self._process, self._pid = process, process.pid
        self._events, self._output, self._lifeline = ours

    def news(self) -> list[Connection | int]:
        """What becomes ready when it has told something, or has ended."""
        return [*self._pipes(), *([] if self._orphan else [self._process.sentinel])]

    def listen(self, ready: set[object]) -> bool:
        """Take in what is ready; whether the process has ended."""
        for pipe in self._pipes():
            if pipe in ready:
                self._read(pipe)
        if self._orphan:
            return self._events.closed or not is_alive(self._pid)
        ended = self._process.sentinel in ready
        self._orphan = ended and is_alive(self._pid)
        return ended and not self._orphan

    def watch(self, now: float, limits: Limits, memory_limit: int) -> None:
        """Sample its memory; stop it where it takes more than it may. `now` is the monotonic clock's."""
        age = now - self._attempt.started
        resident = self._memory.resident_bytes()
        if resident is not None:
            self._attempt.timeline.add(age, resident)
            if resident > memory_limit:
                found, allowed = resident / 2**20, memory_limit / 2**20
                self.stop("out_of_memory", f"{found:,.0f} MiB resident, {allowed:,.0f} MiB allowed", grace=0)
        if age > limits.seconds:
            self.stop("timeout", f"not done after the {limits.seconds:g} s it is allowed")
        if now > self._kill_at:
            _signal_group(self._pid, signal.SIGKILL)

    def stop(self, status: Status, why: str, *, grace: float = GRACE_SECONDS) -> None:
        """Ask its process group to end, and say when it will be made to; the first reason counts."""
        if self._stopped_as is None:
            self._stopped_as, self._why = status, why
            self._kill_at = time.monotonic() + grace
            _signal_group(self._pid, signal.SIGTERM if grace else signal.SIGKILL)

    def finish(self) -> Record:
        """The record of a process that has ended; nothing that it started or wrote is left."""
        _signal_group(self._pid, signal.SIGKILL)
        self._memory.kill_started()
        for pipe in self._pipes():
            for _ in range(_LAST_READS):
                if pipe.closed or not pipe.poll(0):
                    break
                self._read(pipe)
        _close((self._events, self._output, self._lifeline))
        self._process.join()
        exit_code = None if self._orphan else self._process.exitcode
        self._process.close()
        scratch.remove(self._scratch)
        status, why = self._stopped_as, self._why
        killed = exit_code == -signal.SIGKILL and self._attempt.end is None
        if status is None and killed and kills_by_the_kernel() > self._kernel_kills:
            status, why = "out_of_memory", "killed by the kernel for want of memory"
        return self._attempt.record(status, exit_code, why)

    def _pipes(self) -> list[Connection]:
        return [pipe for pipe in (self._events, self._output) if not pipe.closed]

    def _read(self, pipe: Connection) -> None:
        """Take in what is waiting in a pipe, without waiting for more; at its end, close it."""
        try:
            data = os.read(pipe.fileno(), _READ_BYTES)
            if pipe is self._events:
                self._attempt.told(data)
            else:
                self._attempt.output(data)
        except (OSError, ValueError) as error:
            self.stop("crashed", f"what it told cannot be taken in: {error}")
            data = b""
        if not data:
            pipe.close()


def _close(ends: Iterable[Connection]) -> None:
    for end in ends:
        end.close()


def _signal_group(pid: int, number: signal.Signals) -> None:
    """Signal the trial's process group; the process alone where it has not made its group yet."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)
        return
    if is_alive(pid):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
