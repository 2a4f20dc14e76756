"""How the memory of a process grows with the trials that it runs: short trials of one program, one after another.

    python -m tests.benchmarks.memory                                   # 200 trials by each of two backends; minutes
    python -m tests.benchmarks.memory --trials 60 --backend keras

Each backend has a process of its own, as trials have. Printed after 20, 100 and 200 trials: resident memory, and how
many Keras models, TensorFlow graphs and variables are alive; at the end the growth a trial from the 20th on.
"""

from __future__ import annotations

import argparse
import gc
import subprocess
import sys
from pathlib import Path
from typing import Any

from harness.spec.trial import TrialSpec
from harness.tasks.synthetic.recall import task
from harness.trial.measure import resident_bytes
from harness.trial.process import run_trial
from harness.trial.quiet import quiet_stderr
from tests.factories import spec

ROOT = Path(__file__).parents[2]
SETTLED = 20
"""Trials after which all is compiled and caches are full."""
MARKS = (SETTLED, 100, 200)
OPTIONS = task.options(validation_size=100, test_size=100).model_dump(mode="json")


def short_trial(seed: int, backend: str) -> TrialSpec:
    """A trial with all that leaves something: dropout, other lengths, gradient reach."""
    return spec(
        options=OPTIONS, backend=backend, cell="lstm", units=32, train_size=256, sequence_length=16, batch_size=32,
        updates=20, evaluate_every=5, dropout=0.1, recurrent_dropout=0.1, evaluate_lengths=(8,), gradient_reach=True,
        seed=seed,
    )  # fmt: skip


def alive() -> dict[str, int]:
    """How many objects there are that hold most of what a trial makes; no garbage among them."""
    import keras
    import tensorflow as tf

    gc.collect()
    kinds = {"models": keras.Model, "graphs": tf.Graph, "variables": keras.Variable}
    objects = gc.get_objects()
    return {name: sum(isinstance(one, kind) for one in objects) for name, kind in kinds.items()}


def grow(backend: str, trials: int) -> None:
    """Run the trials here, and print what they leave."""
    settled = (0, 0)

    def send(**message: Any) -> None:
        assert "failure" not in message, message

    for number in range(1, trials + 1):
        with quiet_stderr():
            run_trial(short_trial(number, backend), 1, send)
        if number in MARKS or number == trials:
            uncollected = resident_bytes()
            counts = ", ".join(f"{count} {name}" for name, count in alive().items())
            now = resident_bytes()
            print(f"{backend}, {number} trials: {uncollected / 2**20:.0f} MiB resident, {now / 2**20:.0f} MiB", end=" ")
            print(f"without garbage; {counts}", flush=True)
            if number == SETTLED:
                settled = (number, now)
    if settled[0] and trials > SETTLED:
        each = (now - settled[1]) / (trials - settled[0]) / 1024
        print(f"{backend}: {each:.0f} KiB a trial from the {settled[0]}th on", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--backend", help="run this one in this process")
    arguments = parser.parse_args()
    if arguments.backend:
        grow(arguments.backend, arguments.trials)
        return
    for backend in ("fused", "keras"):
        options = ["--backend", backend, "--trials", str(arguments.trials)]
        subprocess.run([sys.executable, "-m", "tests.benchmarks.memory", *options], cwd=ROOT, check=True)


if __name__ == "__main__":
    main()
