"""A pretended trainer: trials take milliseconds and need no TensorFlow; all other parts are real.

`tests.runner.preload` puts it in the real one's place. Run as a program, this is the command `harness` with such
trials, without verdicts and report; with JUMPING in its environment, the wall clock jumps there.
"""

from __future__ import annotations

import itertools
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from harness.spec.trial import TrialSpec
from harness.store.record import CurvePoint, Measured, Memory
from harness.tasks import tasks
from harness.trial.measure import Meter, resident_bytes

PRELOAD = "tests.runner.preload"
READY = "imported"
"""Printed after all imports, when the command starts."""
JUMPING = "PRETEND_JUMPING_CLOCK"


class Diverged(Exception):
    pass


def use_threads(threads: int) -> str:
    return "CPU"


def train(
    spec: TrialSpec,
    meter: Meter,
    report: Callable[[Measured], None],
    *,
    reuse: bool = False,
    next_turn: Callable[[float], int] | None = None,
) -> None:
    """Report numbers that the spec alone decides, and leave a temporary file, as TensorFlow does.

    In the speed lane take turns of `units` milliseconds an update, and report when each began. Times of an LSTM vary.
    """
    task = tasks[spec.task]
    with meter.phase("data"):
        dataset = task.make(spec.train_size, spec.sequence_length, spec.seed, spec.task_options())
    measured = Measured(data_fingerprint=dataset.fingerprint)
    report(measured)
    if not np.isfinite(dataset.train.x).all():
        raise Diverged("the training loss is nan")
    with tempfile.NamedTemporaryFile(prefix="__autograph_generated_file", delete=False) as file:
        file.write(b"left behind")
    with meter.phase("build"):
        generator = np.random.default_rng(int(spec.id(), 16))
    measured = replace(measured, parameters=7)
    report(measured)
    if spec.lane == "speed" and next_turn is not None:
        with meter.phase("first_step"):
            seconds = spec.units / 1000
        rounds, turns = [], []
        latest = seconds
        while updates := next_turn(latest):
            turns.append(time.monotonic())
            time.sleep(seconds * updates)
            latest = seconds * (1 + generator.random() * (spec.cell == "lstm"))
            rounds.append(latest)
        memory = Memory(baseline_bytes=100 * 2**20, peak_bytes=150 * 2**20, method=meter.memory_method)
        began_at = {"turns": {str(at): began for at, began in enumerate(turns)}}
        report(replace(measured, memory=memory, rounds=tuple(rounds), baselines=began_at))
        return
    for update in range(spec.evaluate_every, spec.updates + 1, spec.evaluate_every):
        with meter.phase("train"):
            time.sleep(0.005)
        point = CurvePoint(
            update=update,
            seconds=meter.phases["train"].wall_seconds,
            train_loss=generator.random(),
            validation_loss=generator.random(),
        )
        memory = Memory(baseline_bytes=resident_bytes(), peak_bytes=resident_bytes(), method=meter.memory_method)
        curve = (*measured.curve, point)
        measured = replace(measured, updates=update, curve=curve, memory=memory, seconds_per_update=0.005)
        report(measured)
    train, validation, test = ({"loss": generator.random()} for _ in range(3))
    report(replace(measured, train=train, validation=validation, test=test))


def let_the_clock_jump() -> None:
    """Make every reading of the wall clock some days earlier or later than the last one."""
    import harness.results
    import harness.runner.local.attempt

    days = itertools.cycle((0, 4000, -2000, 1, -1, 300))
    seconds, nanoseconds, date = time.time, time.time_ns, datetime

    class Jumping(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
            return date.now(tz) + timedelta(days=next(days))

    time.time = lambda: seconds() + 86400 * next(days)
    time.time_ns = lambda: nanoseconds() + 86400 * 10**9 * next(days)
    for module in (harness.runner.local.attempt, harness.results):
        module.datetime = Jumping  # type: ignore[attr-defined]


def main() -> None:
    from harness.cli.main import main as command
    from harness.runner import backends, flow, lanes

    if os.environ.get(JUMPING):
        let_the_clock_jump()
    lanes.LOCK_FILE = (
        Path(os.environ["HARNESS_TEST"]) / "machine.lock"
    )  # separate from the lock of other runs on this machine
    flow.LocalEngine = partial(flow.LocalEngine, preload=PRELOAD)  # type: ignore[misc, assignment]
    backends.LocalEngine = flow.LocalEngine  # type: ignore[misc]
    flow._summarise_models = lambda *_: None
    flow.judge_and_render = lambda directory, **_: ([], directory / "report.html", ())
    print(READY, flush=True)
    command()


if __name__ == "__main__":
    main()
