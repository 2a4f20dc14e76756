"""The isolated process of one trial: what it tells the runner, and how it ends.

Messages to the runner are JSON objects on a pipe: {"phase": name} when a phase begins, {"measured": {...}} with fields
of the record as they become known, {"failure": {...}}, and a last {"end": status}. All it prints goes to another pipe,
whose tail the runner keeps.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from harness.errors import UserError
from harness.experiment import TrialSpec
from harness.record import PhaseName
from harness.trial.measure import Meter
from harness.trial.quiet import quiet_stderr

_TAIL = 8192
"""Characters of a traceback that go into the record."""


@dataclass(frozen=True)
class Setting:
    """What the engine gives a trial of the machine."""

    threads: int
    core: int | None = None
    """The one core to stay on; None: all."""
    cache: str | None = None
    """Where tasks keep data that take long to make."""


def run_in_process(
    spec_json: str, setting: Setting, events: Connection, output: Connection, lifeline: Connection
) -> None:
    """The target of the trial's process: train, tell, and leave through `os._exit`."""
    os.setsid()
    for stream in (1, 2):
        os.dup2(output.fileno(), stream)
    threading.Thread(target=_end_with_the_runner, args=(lifeline,), daemon=True).start()
    if setting.core is not None and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {setting.core})
    if setting.cache is not None:
        os.environ["HARNESS_CACHE"] = setting.cache

    def send(**message: Any) -> None:
        events.send_bytes(json.dumps(message).encode())

    status = run_trial(TrialSpec.model_validate_json(spec_json), setting.threads, send)
    send(end=status)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # TensorFlow's threads and finalisers have nothing left to do, and can take seconds


def run_trial(spec: TrialSpec, threads: int, send: Callable[..., None]) -> str:
    """Train in this process, sending messages; returns the status. Any exception becomes a message."""
    from harness.trial.train import Diverged, train, use_threads

    meter = _Announcing(send)

    def report(**fields: Any) -> None:
        phases = fields.pop("phases", None)
        if phases is not None:
            fields["phases"] = {name: phase.model_dump() for name, phase in phases.items()}
        send(measured=fields)

    status = "ok"
    try:
        use_threads(threads)
        train(spec, meter, report)
    except Diverged as error:
        status = "diverged"
        send(failure={"phase": meter.current or "build", "message": str(error)})
    except MemoryError as error:
        status = "out_of_memory"
        send(failure={"phase": meter.current or "build", "message": f"MemoryError: {error}"})
    except UserError as error:
        status = "crashed"
        send(failure={"phase": meter.current or "build", "message": str(error)})
    except Exception as error:
        status = "out_of_memory" if type(error).__name__ == "ResourceExhaustedError" else "crashed"
        message = f"{type(error).__name__}: {error}"[:_TAIL]
        send(failure={"phase": meter.current or "build", "message": message, "stderr": traceback.format_exc()[-_TAIL:]})
    send(measured={"phases": {name: phase.model_dump() for name, phase in meter.phases.items()}})
    return status


class _Announcing(Meter):
    """A meter that tells the runner when a phase begins for the first time."""

    def __init__(self, send: Callable[..., None]) -> None:
        super().__init__()
        self._send = send

    @contextmanager
    def phase(self, name: PhaseName) -> Iterator[None]:
        if name not in self.phases:
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
    """The text of the Keras summary of the document's model for a cell, by the first kernel the cell has."""
    from harness.cells import cells

    with quiet_stderr():
        from harness.model import summary_text

        return summary_text(cell, kernel=cells[cell].kernels[0], width=64)
