"""A process that runs trials, as the runner sees it: started, given trials, watched, stopped; records come out."""

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
from harness.trial.process import Order, Setting, run_in_process

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
    """A process that runs trials of one program, one after another. Raises UserError where it cannot be started."""

    def __init__(
        self, context: ForkServerContext, trial: Trial, threads: int, core: int | None, cache: Path | None
    ) -> None:
        self._setting = Setting(threads, str(cache.resolve()) if cache else None)
        self._name = f"trial-{trial.id}"
        self._orphan = False
        """Whether its fork server is gone: its exit code will never be known."""
        # Before the server puts its socket beside it: the folder of a killed runner is then known as abandoned.
        folder = scratch.new_folder()
        try:
            self._start(context)
        except UserError:
            scratch.remove(folder)
            raise
        self._memory = MemoryWatch(self._pid)
        self.begin(trial, core, folder)

    def begin(self, trial: Trial, core: int | None, folder: Path | None = None) -> None:
        """Give it a trial, once it has none, with a folder for temporary files. The trial's clock starts now."""
        self.trial = trial
        self.core = core
        self.waits = False
        """Whether its trial has ended well, and it waits for another."""
        self._scratch = folder or scratch.new_folder()
        self._kernel_kills = kills_by_the_kernel()
        self._stopped_as: Status | None = None
        self._why: str | None = None
        self._kill_at = float("inf")
        self._attempt = Attempt(trial, self._setting.threads)
        order = Order(spec=trial.spec, core=core, temporary=str(self._scratch))
        with contextlib.suppress(OSError):  # it has just died, as will be seen
            self._orders.send_bytes(order.model_dump_json().encode())

    def _start(self, context: ForkServerContext) -> None:
        for pause in (*_PAUSES, None):
            try:
                self._try_to_start(context)
                return
            except (OSError, EOFError) as error:
                too_long = _TOO_LONG in str(error)
                if pause is None or too_long:
                    advice = f". Name a folder with a shorter path than {tempfile.gettempdir()} in TMPDIR"
                    message = f"no process can be started for a trial: {error}{advice if too_long else ''}"
                    raise UserError(message) from error
            time.sleep(pause)

    def _try_to_start(self, context: ForkServerContext) -> None:
        pipes = [context.Pipe(duplex=False) for _ in range(4)]
        (events, child_events), (output, child_output), (child_lifeline, lifeline), (child_orders, orders) = pipes
        kept_ends = events, output, lifeline, orders
        child_ends = child_events, child_output, child_lifeline, child_orders
        process = context.Process(
            target=run_in_process,
            args=(child_orders, self._setting, child_events, child_output, child_lifeline),
            name=self._name,
        )
        try:
            with stop_signals_blocked():  # a signal to all processes of a job does not end the server, which knows
                multiprocessing.forkserver.ensure_running()  # how its trials ended
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
        """Seconds per update, or per prediction, of the warm-up and then of each turn that it was given."""
        return self._attempt.turns

    def take_turn(self, count: int) -> None:
        """Have it do this number of updates, or of predictions; 0 ends its trial."""
        self._attempt.goes_on()
        with contextlib.suppress(OSError):  # it has just died, as will be seen
            self._orders.send_bytes(json.dumps(count).encode())

    def own_bytes(self) -> int:
        """Memory that its process shares with no other, in bytes."""
        return own_bytes(self._pid)

    def note(self, timing_block: str, noisy: bool | None = None) -> None:
        """What the record is to say of the trial's timing block."""
        self._attempt.timing_block, self._attempt.noisy = timing_block, noisy

    def news(self) -> list[Connection | int]:
        """What becomes ready when it has told something, or has ended."""
        return [*self._pipes(), *([] if self._orphan else [self._process.sentinel])]

    def listen(self, ready: set[object]) -> bool:
        """Take in what is ready; whether the trial has ended, and with it the process unless it waits for another."""
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
        """Sample its memory; stop it where it takes more than it may. `now` is the monotonic clock's."""
        age = self._attempt.seconds(now)
        resident = self._memory.resident_bytes()
        if resident is not None:
            self._attempt.timeline.add(age, resident)
            if resident > memory_limit:
                sizes = f"{resident / 2**20:,.0f} MiB resident, {memory_limit / 2**20:,.0f} MiB allowed"
                self.stop("out_of_memory", sizes, grace=0)
        if age > limits.seconds:
            self.stop("timeout", f"not finished after the {limits.seconds:g} s it is allowed")
        if now > self._kill_at:
            _signal_group(self._pid, signal.SIGKILL)

    def stop(self, status: Status, why: str, *, grace: float = GRACE_SECONDS) -> None:
        """Ask its process group to end, and say when it will be made to; the first reason counts."""
        if self._stopped_as is None:
            self._stopped_as, self._why = status, why
            self._kill_at = time.monotonic() + grace
            _signal_group(self._pid, signal.SIGTERM if grace else signal.SIGKILL)

    def finish(self) -> Record:
        """The record of a trial that has ended; nothing that it started or wrote is left."""
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
        """End the process and all that it started, if it has not ended yet; its exit code, where that is known."""
        _signal_group(self._pid, signal.SIGKILL)
        self._memory.kill_started()
        self._read_the_rest()
        _close((self._events, self._output, self._lifeline, self._orders))
        self._process.join()
        exit_code = None if self._orphan else self._process.exitcode
        self._process.close()
        return exit_code

    def is_alive(self) -> bool:
        """Whether a process that waits for a trial still does."""
        return not self._orphan and is_alive(self._pid)  # what the fork server knows of it comes later

    def _read_the_rest(self) -> None:
        for pipe in self._pipes():
            for _ in range(_LAST_READS):
                if pipe.closed or not pipe.poll(0):
                    break
                self._read(pipe)

    def _pipes(self) -> list[Connection]:
        return [pipe for pipe in (self._events, self._output) if not pipe.closed]

    def _read(self, pipe: Connection) -> None:
        """Take in what is waiting in a pipe, without waiting for more; at its end, close it."""
        try:
            data = os.read(pipe.fileno(), _READ_BYTES)
            if pipe is self._events:
                self._attempt.receive(data)
            else:
                self._attempt.output(data)
        except (OSError, ValueError) as error:
            self.stop("crashed", f"its message cannot be read: {error}")
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
