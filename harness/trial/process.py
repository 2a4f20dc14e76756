"""The isolated process of trials that share a compiled program: its messages to the runner, and how it ends.

Orders come from the runner on a pipe, one at a time: the JSON of an `Order`. Messages to the runner are lines of JSON
on another pipe: {"phase": name} when a phase begins, {"measured": {...}} with all that is measured so far
(`harness.store.record.Measured`), {"failure": {...}}, and a last {"end": status, "waits": true} where the process waits
for the next order. All that is printed goes to a third pipe, whose tail the runner keeps.
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
from dataclasses import dataclass, replace
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


@dataclass(frozen=True)
class Setting:
    """What the engine gives a process of the machine."""

    threads: int
    cache: str | None = None
    """Where tasks keep data that take long to make."""


class Order(BaseModel):
    """One trial to run."""

    spec: TrialSpec
    core: int | None
    """The one core to stay on; None: all."""
    temporary: str
    """The trial's folder for temporary files; the runner removes it."""


def run_in_process(
    orders: Connection, setting: Setting, events: Connection, output: Connection, lifeline: Connection
) -> None:
    """The target of the process: run trials until one of them fails or leaves something running, or no order is left.

    It ends through `os._exit`.
    """
    os.setsid()
    end_on_signals()
    for number, name in ((1, "stdout"), (2, "stderr")):
        os.dup2(output.fileno(), number)  # what is printed arrives line by line, whatever becomes of this process
        setattr(sys, name, os.fdopen(number, "w", buffering=1, errors="backslashreplace", closefd=False))
    threading.Thread(target=_end_with_the_runner, args=(lifeline,), daemon=True).start()
    if setting.cache is not None:
        os.environ["HARNESS_CACHE"] = setting.cache
    with suppress(OSError):  # short of memory, the kernel is to kill a trial and not the runner
        _OOM_SCORE.write_text("500", encoding="ascii")

    def send(**message: Any) -> None:
        line = json.dumps(message).encode() + b"\n"
        with os.fdopen(events.fileno(), "wb", closefd=False) as pipe:
            pipe.write(line)

    def next_turn(seconds: float) -> int:
        send(turn=seconds)
        return int(json.loads(orders.recv_bytes()))

    environment, folder, threads = dict(os.environ), Path.cwd(), threading.active_count()
    waits = True
    while waits:
        try:
            order = Order.model_validate_json(orders.recv_bytes())
        except EOFError:
            break
        if order.core is not None and hasattr(os, "sched_setaffinity"):
            _stay_on(order.core)
        use_temporary_folder(order.temporary)
        status = run_trial(order.spec, setting.threads, send, next_turn)
        sys.stdout.flush()
        sys.stderr.flush()
        waits = status == "ok" and threading.active_count() == threads and not psutil.Process().children()
        os.environ.clear()
        os.environ.update(environment)
        os.chdir(folder)
        send(end=status, waits=waits)
    os._exit(0)  # TensorFlow's threads and finalisers have nothing left to do, and can take seconds


def _stay_on(core: int) -> None:
    """Pin every thread of this process to a core."""
    threads = Path("/proc/self/task")
    for thread in threads.iterdir() if threads.is_dir() else [Path("0")]:
        with suppress(OSError):  # a thread that has ended meanwhile
            os.sched_setaffinity(int(thread.name), {core})


def run_trial(
    spec: TrialSpec, threads: int, send: Callable[..., None], next_turn: Callable[[float], int] | None = None
) -> str:
    """Train in this process, sending messages; returns the status. Any exception becomes a message."""
    from harness.trial.train import Diverged, train, use_threads

    meter, device = _Announcing(send), None
    latest = Measured()
    """What was sent last."""

    def report(measured: Measured) -> None:
        nonlocal latest
        measured = replace(measured, device=device, phases=dict(meter.phases))
        send(measured=measured.fields())
        latest = measured

    status = "ok"
    try:
        device = use_threads(threads)
        report(latest)
        train(spec, meter, report, reuse=True, next_turn=next_turn)
    except Diverged as error:
        status = "diverged"
        send(failure={"phase": meter.latest or "start", "message": str(error)})
    except MemoryError as error:
        status = "out_of_memory"
        send(failure={"phase": meter.latest or "start", "message": f"MemoryError: {error}"})
    except UserError as error:
        status = "crashed"
        send(failure={"phase": meter.latest or "start", "message": str(error)})
    except Exception as error:
        status = "out_of_memory" if type(error).__name__ == "ResourceExhaustedError" else "crashed"
        traceback.print_exc()
        send(failure={"phase": meter.latest or "start", "message": _in_short(error)})
    report(latest)  # with the time of the phase in which it ended
    return status


def _in_short(error: BaseException) -> str:
    """The type and message of an error, without the code that AutoGraph and Keras quote around it."""
    while error.__context__ is not None and str(error.__context__) in str(error):  # it repeats the error it replaces
        error = error.__context__
    return f"{type(error).__name__}: {error}"


def begin_in(folder: str) -> None:
    """Begin a process that is no trial: stop signals end it, and temporary files go to `folder`."""
    end_on_signals()
    use_temporary_folder(folder)


def use_temporary_folder(folder: str) -> None:
    """Make this process, C++ and what it starts included, put temporary files there."""
    os.environ["TMPDIR"] = tempfile.tempdir = folder


class _Announcing(Meter):
    """A meter that tells the runner when another phase begins than the last one."""

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
    """Wait for the runner's end of the pipe to close: a trial does not outlive a killed runner."""
    try:
        lifeline.recv_bytes()
    except EOFError:
        os.killpg(0, 9)


def model_summary(cell: str) -> str:
    """The text of the Keras summary of the article's model for a cell, by the first backend the cell has."""
    from harness.cells import cells

    with quiet_stderr():
        from harness.trial.settings import settle

        settle()
        from harness.cells.network import summary_text

        return summary_text(cell, backend=cells[cell].backends[0], width=64)
