"""The isolated process that runs trials which share a compiled program, and its messages to the runner.

The runner sends orders on a pipe, one at a time: the JSON of an `Order`. The process sends messages as lines of JSON on
another pipe: {"phase": name} when a phase begins; {"measured": {...}} with all measurements so far
(`harness.store.record.Measured`); {"turn": seconds} when a speed trial waits for its next turn, to which the runner
replies on the first pipe; {"failure": {...}}; and finally {"end": status, "waits": true or false}, where true means
that the process waits for another order. Printed output goes to a third pipe; the runner keeps the end of it.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import psutil
from pydantic import BaseModel

from harness.errors import UserError
from harness.spec.trial import TrialSpec
from harness.stopping import end_on_signals
from harness.store.record import Measured, PhaseName
from harness.trial.measure import Meter
from harness.trial.quiet import quiet_stderr

_OOM_SCORE = Path("/proc/self/oom_score_adj")


class Order(BaseModel):
    """One trial to run."""

    spec: TrialSpec
    core: int | None
    """The core to which the process is pinned; None: all cores."""
    temporary: str
    """The trial's folder for temporary files; the runner removes it."""


def run_in_process(
    threads: int, cache: str | None, orders: Connection, events: Connection, output: Connection, lifeline: Connection
) -> None:
    """The main function of the process: run trials until one fails or leaves a thread or process, or orders end.

    cache: folder in which tasks cache data that are slow to make. It ends the process with `os._exit`.
    """
    os.setsid()
    end_on_signals()
    for number, name in ((1, "stdout"), (2, "stderr")):
        os.dup2(output.fileno(), number)  # line-buffered, so that output arrives even if this process dies
        setattr(sys, name, os.fdopen(number, "w", buffering=1, errors="backslashreplace", closefd=False))
    threading.Thread(target=_end_with_the_runner, args=(lifeline,), daemon=True).start()
    if cache is not None:
        os.environ["HARNESS_CACHE"] = cache
    with suppress(OSError):  # if memory runs out, Linux should kill a trial, not the runner
        _OOM_SCORE.write_text("500", encoding="ascii")

    def send(**message: Any) -> None:
        line = json.dumps(message).encode() + b"\n"
        with os.fdopen(events.fileno(), "wb", closefd=False) as pipe:
            pipe.write(line)

    def next_turn(seconds: float) -> int:
        send(turn=seconds)
        return int(json.loads(orders.recv_bytes()))

    environment, folder, python_threads = dict(os.environ), Path.cwd(), threading.active_count()
    waits = True
    while waits:
        try:
            order = Order.model_validate_json(orders.recv_bytes())
        except EOFError:
            break
        if order.core is not None and hasattr(os, "sched_setaffinity"):
            _stay_on(order.core)
        use_temporary_folder(order.temporary)
        status = run_trial(order.spec, threads, send, next_turn)
        sys.stdout.flush()
        sys.stderr.flush()
        waits = status == "ok" and threading.active_count() == python_threads and not psutil.Process().children()
        os.environ.clear()
        os.environ.update(environment)
        os.chdir(folder)
        send(end=status, waits=waits)
    os._exit(0)  # TensorFlow's threads and finalisers have nothing left to do, and can take seconds


def _stay_on(core: int) -> None:
    """Pin every thread of this process to a core."""
    threads = Path("/proc/self/task")
    for thread in threads.iterdir() if threads.is_dir() else [Path("0")]:
        with suppress(OSError):  # the thread has ended in the meantime
            os.sched_setaffinity(int(thread.name), {core})


def run_trial(
    spec: TrialSpec, threads: int, send: Callable[..., None], next_turn: Callable[[float], int] | None = None
) -> str:
    """Train in this process and send messages; returns the status. Exceptions are sent as failures."""
    from harness.trial.train import Diverged, train, use_threads

    meter, device = _Announcing(send), None
    latest = Measured()
    """The measurements sent last."""

    def report(measured: Measured) -> None:
        nonlocal latest
        measured = replace(measured, device=device, phases=dict(meter.phases))
        send(measured=measured.fields())
        latest = measured

    status, message = "ok", ""
    try:
        device = use_threads(threads)
        report(latest)
        train(spec, meter, report, reuse=True, next_turn=next_turn)
    except Diverged as error:
        status, message = "diverged", str(error)
    except MemoryError as error:
        status, message = "out_of_memory", f"MemoryError: {error}"
    except UserError as error:
        status, message = "crashed", str(error)
    except Exception as error:
        status, message = "crashed", _in_short(error)
        if type(error).__name__ == "ResourceExhaustedError":
            status = "out_of_memory"
        traceback.print_exc()
    if status != "ok":
        send(failure={"phase": meter.latest or "start", "message": message})
    report(latest)  # includes the time of the last phase
    return status


def _in_short(error: BaseException) -> str:
    """The type and message of an error, without the code that AutoGraph quotes around an error in a traced function."""
    while str(error).startswith("in user code:") and error.__context__ is not None:
        error = error.__context__
    return f"{type(error).__name__}: {error}"


def begin_in(folder: str) -> None:
    """Set up a process that runs no trial: stop signals end it, and temporary files go to `folder`."""
    end_on_signals()
    use_temporary_folder(folder)


def use_temporary_folder(folder: str) -> None:
    """Set the folder for temporary files of this process, including C++ code and child processes."""
    os.environ["TMPDIR"] = tempfile.tempdir = folder


class _Announcing(Meter):
    """A meter that sends a message to the runner when a different phase begins."""

    def __init__(self, send: Callable[..., None]) -> None:
        super().__init__()
        self._send = send

    @contextmanager
    def phase(self, name: PhaseName) -> Iterator[None]:
        if name != self.latest:
            self._send(phase=name)
        with super().phase(name):
            yield


def _end_with_the_runner(lifeline: Connection) -> None:
    """End the process group when the runner's end of the pipe closes, so that no trial outlives a killed runner."""
    try:
        lifeline.recv_bytes()
    except EOFError:
        os.killpg(0, 9)


def model_summary(cell: str) -> str:
    """The Keras summary of the article's model for a cell, with the first backend that the cell has."""
    from harness.cells import cells

    with quiet_stderr():
        from harness.trial.settings import settle

        settle()
        from harness.cells.network import summary_text

        return summary_text(cell, backend=cells[cell].backends[0], width=64)
