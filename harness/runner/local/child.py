"""A process that runs trials, seen from the runner: it is started, receives trials, is watched and stopped."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import multiprocessing.forkserver
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from pathlib import Path
from types import ModuleType

from harness.errors import UserError
from harness.runner.engine import Trial
from harness.runner.limits import GRACE_SECONDS, Limits
from harness.runner.local import scratch
from harness.runner.local.attempt import Attempt
from harness.runner.local.watch import MemoryWatch, is_alive, kills_by_the_kernel, own_bytes
from harness.stopping import stop_signals_blocked
from harness.store.record import Record, Status
from harness.trial.process import Order, run_in_process

PRELOAD = "harness.trial.preload"
_PAUSES = (0.02, 0.1, 0.5, 1.0, 2.0)
"""Seconds before each retry of starting a process. A fork server that is being killed refuses requests until it has
ended, and only then multiprocessing starts another one."""
_TOO_LONG = "path too long"
"""Part of CPython's error if the path of the fork server's socket, in the temporary folder, is too long."""
_READ_BYTES = 65536
_LAST_READS = 16
"""Maximum number of reads from a pipe after its trial has ended: enough for all it holds, but bounded, because an
escaped process of the trial may still write."""


def server_context(preload: str = PRELOAD) -> ForkServerContext:
    """The fork server's context; the server itself starts with the first process and imports `preload` once."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([preload])
    return context


@contextlib.contextmanager
def without_main() -> Iterator[None]:
    """Hide `__main__`, so that multiprocessing does not import it in the child: scripts need no `__main__` guard."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


class Child:
    """A process that runs trials of one program, one after another. Raises UserError if it cannot be started."""

    def __init__(
        self, context: ForkServerContext, trial: Trial, threads: int, core: int | None, cache: Path | None
    ) -> None:
        self._threads, self._cache = threads, str(cache.resolve()) if cache else None
        self._orphan = False
        """Whether its fork server is gone, so that its exit code cannot be known."""
        # Locked before the server puts its socket there, so that the folder of a killed runner is recognised.
        folder = scratch.new_folder()
        try:
            self._start(context, f"trial-{trial.id}")
        except UserError:
            scratch.remove(folder)
            raise
        self._memory = MemoryWatch(self._pid)
        self.begin(trial, core, folder)

    def begin(self, trial: Trial, core: int | None, folder: Path | None = None) -> None:
        """Send a trial to the process, which must be idle. folder: for temporary files. The trial's time starts now."""
        self.trial = trial
        self.core = core
        self.waits = False
        """Whether its trial has succeeded and it waits for another one."""
        self._scratch = folder or scratch.new_folder()
        self._kernel_kills = kills_by_the_kernel()
        self._stopped_as: Status | None = None
        self._why: str | None = None
        self._kill_at = float("inf")
        self._attempt = Attempt(trial, self._threads)
        order = Order(spec=trial.spec, core=core, temporary=str(self._scratch))
        with contextlib.suppress(OSError):  # the process has just died; `listen` will report it
            self._orders.send_bytes(order.model_dump_json().encode())

    def _start(self, context: ForkServerContext, name: str) -> None:
        for pause in (*_PAUSES, None):
            try:
                self._try_to_start(context, name)
                return
            except (OSError, EOFError) as error:
                too_long = _TOO_LONG in str(error)
                if pause is None or too_long:
                    advice = f". Set TMPDIR to a folder with a shorter path than {tempfile.gettempdir()}"
                    message = f"cannot start a process for a trial: {error}{advice if too_long else ''}"
                    raise UserError(message) from error
            time.sleep(pause)

    def _try_to_start(self, context: ForkServerContext, name: str) -> None:
        pipes = [context.Pipe(duplex=False) for _ in range(4)]
        (events, child_events), (output, child_output), (child_lifeline, lifeline), (child_orders, orders) = pipes
        kept_ends = events, output, lifeline, orders
        child_ends = child_events, child_output, child_lifeline, child_orders
        process = context.Process(
            target=run_in_process,
            args=(self._threads, self._cache, child_orders, child_events, child_output, child_lifeline),
            name=name,
        )
        try:
            with stop_signals_blocked():  # signals to all processes of a job must not end the server:
                multiprocessing.forkserver.ensure_running()  # only the server knows the exit codes of trials
            with without_main():
                process.start()
        except BaseException:
            _close(kept_ends)
            raise
        finally:
            _close(child_ends)
        assert process.pid is not None
        self._process, self._pid = process, process.pid
        self._events, self._output, self._lifeline, self._orders = kept_ends

    @property
    def turns(self) -> Sequence[float]:
        """Seconds per update, or per prediction: first of the warm-up, then of each turn."""
        return self._attempt.turns

    def take_turn(self, count: int) -> None:
        """Let it run this number of updates or predictions; 0 ends its trial."""
        self._attempt.goes_on()
        with contextlib.suppress(OSError):  # the process has just died; `listen` will report it
            self._orders.send_bytes(json.dumps(count).encode())

    def own_bytes(self) -> int:
        """Memory of its process that is not shared with other processes, in bytes."""
        return own_bytes(self._pid)

    def note(self, timing_block: str, noisy: bool | None = None) -> None:
        """Set the fields of the record on the timing block."""
        self._attempt.timing_block, self._attempt.noisy = timing_block, noisy

    def news(self) -> list[Connection | int]:
        """Pipes and the sentinel, one of which becomes ready when the process sends something or ends."""
        return [*self._pipes(), *([] if self._orphan else [self._process.sentinel])]

    def listen(self, ready: set[object]) -> bool:
        """Read from the ready pipes. Returns whether the trial has ended; its process has ended too, unless `waits`."""
        for pipe in self._pipes():
            if pipe in ready:
                self._read(pipe)
        if self._attempt.waits and self._stopped_as is None:
            self.waits = True
            return True
        if self._orphan:
            return self._events.closed or not is_alive(self._pid)
        ended = self._process.sentinel in ready
        self._orphan = ended and is_alive(self._pid)
        return ended and not self._orphan

    def watch(self, now: float, limits: Limits, memory_limit: int) -> None:
        """Sample its memory; stop it if it exceeds a limit. now: on the monotonic clock."""
        age = self._attempt.seconds(now)
        resident = self._memory.resident_bytes()
        if resident is not None and resident > memory_limit:
            sizes = f"{resident / 2**20:,.0f} MiB resident, {memory_limit / 2**20:,.0f} MiB allowed"
            self.stop("out_of_memory", sizes, grace=0)
        if age > limits.seconds:
            self.stop("timeout", f"not finished within the time limit of {limits.seconds:g} s")
        if now > self._kill_at:
            _signal_group(self._pid, signal.SIGKILL)

    def stop(self, status: Status, why: str, *, grace: float = GRACE_SECONDS) -> None:
        """Send SIGTERM to its process group, and SIGKILL after the grace time. Only the first reason is recorded."""
        if self._stopped_as is None:
            self._stopped_as, self._why = status, why
            self._kill_at = time.monotonic() + grace
            _signal_group(self._pid, signal.SIGTERM if grace else signal.SIGKILL)

    def finish(self) -> Record:
        """The record of an ended trial. Its processes and temporary files are removed."""
        if self.waits:
            self._read_the_rest()
            scratch.remove(self._scratch)
            return self._attempt.record(None, None)
        exit_code = self.end()
        scratch.remove(self._scratch)
        status, why = self._stopped_as, self._why
        killed = exit_code == -signal.SIGKILL and self._attempt.end is None
        if status is None and killed and kills_by_the_kernel() > self._kernel_kills:
            status, why = "out_of_memory", "killed by the operating system because memory ran out"
        return self._attempt.record(status, exit_code, why)

    def end(self) -> int | None:
        """Kill the process, if it still runs, and all processes that it started; its exit code, if known."""
        _signal_group(self._pid, signal.SIGKILL)
        self._memory.kill_started()
        self._read_the_rest()
        _close((self._events, self._output, self._lifeline, self._orders))
        self._process.join()
        exit_code = None if self._orphan else self._process.exitcode
        self._process.close()
        return exit_code

    def is_alive(self) -> bool:
        """Whether an idle process is still alive."""
        return not self._orphan and is_alive(self._pid)  # the fork server reports an end with a delay

    def _read_the_rest(self) -> None:
        for pipe in self._pipes():
            for _ in range(_LAST_READS):
                if pipe.closed or not pipe.poll(0):
                    break
                self._read(pipe)

    def _pipes(self) -> list[Connection]:
        return [pipe for pipe in (self._events, self._output) if not pipe.closed]

    def _read(self, pipe: Connection) -> None:
        """Read what a pipe holds without waiting for more; close it at its end."""
        try:
            data = os.read(pipe.fileno(), _READ_BYTES)
            if pipe is self._events:
                self._attempt.receive(data)
            else:
                self._attempt.output(data)
        except (OSError, ValueError) as error:
            self.stop("crashed", f"invalid message from its process: {error}")
            data = b""
        if not data:
            pipe.close()


def _close(ends: Iterable[Connection]) -> None:
    for end in ends:
        end.close()


def _signal_group(pid: int, number: signal.Signals) -> None:
    """Signal the trial's process group, or only the process if it has not created its group yet."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)
        return
    if is_alive(pid):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
