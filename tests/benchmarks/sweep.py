"""How fast a sweep is run: side by side, one by one with the same code, by a plain loop. Leave the machine alone.

    python -m tests.benchmarks.sweep                       # 40 trials of about 3 s each; a quarter of an hour
    python -m tests.benchmarks.sweep --trials 8 --updates 50

The plain loop is what one writes first: it starts `python` for every trial, with the article's code as the backend, and
lets TensorFlow have all cores. Each way is timed from the start of its first process to the end of its last.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from harness.cgroup import usable_cores
from harness.runner.engine import Trial
from harness.runner.local.engine import LocalEngine
from harness.runner.loop import left_to_do, run_plan
from harness.spec.load import parse_experiment
from harness.spec.trial import TrialSpec
from harness.store.machine import this_machine
from harness.store.sqlite import open_store
from tests.factories import plan

ROOT = Path(__file__).parents[2]
TARGETS = {"one after another": 0.60, "plain loop": 0.25}
"""At most this share of that way's time is what running side by side should take."""
EXPERIMENT = """
name = "sweep"
title = "Sweep"
seeds = {seeds}
cells = ["simple_rnn", "gru", "lstm"]
backend = "{backend}"

[[sweep]]
task = "recall"
train_size = 1000
sequence_length = 64
units = 32
updates = {updates}
"""


class Silent:
    """Progress that is not shown."""

    def started(self, trial: object) -> None: ...

    def finished(self, record: object) -> None: ...

    def held_up(self, waits_for: str) -> None: ...


def specs(trials: int, updates: int, backend: str) -> list[TrialSpec]:
    """So many trials of all cells in turn; the same for every backend but for the backend."""
    text = EXPERIMENT.format(seeds=-(-trials // 3), backend=backend, updates=updates)
    planned = plan(parse_experiment(text, source="sweep.toml", folder=Path()))
    by_seed = sorted(planned.values(), key=lambda spec: spec.seed)
    return list(islice(by_seed, trials))


def run_by_harness(wanted: Sequence[TrialSpec], jobs: int) -> list[float]:
    """Run the trials as `harness run` does, with a store; the seconds each took."""
    trials = {spec.id(): spec for spec in wanted}
    with tempfile.TemporaryDirectory() as folder, open_store(folder, create=True) as store:
        store.set_plan(trials)
        left: list[Trial] = left_to_do(trials, store.attempts())
        run_plan(left, store, LocalEngine(jobs), Silent())
        records = list(store.records())
        assert [record["status"] for record in records] == ["ok"] * len(trials)
        return [record["seconds_total"] for record in records]


def run_by_plain_loop(wanted: Sequence[TrialSpec]) -> None:
    """Start an interpreter for each trial."""
    for spec in wanted:
        command = [sys.executable, "-m", "tests.benchmarks.plain", spec.model_dump_json()]
        subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=True)


def timed(arguments: argparse.Namespace, way: str) -> float:
    """Wall time in seconds of one way, in a process of its own."""
    options = ["--way", way, "--trials", str(arguments.trials), "--updates", str(arguments.updates)]
    start = time.monotonic()
    subprocess.run([sys.executable, "-m", "tests.benchmarks.sweep", *options], cwd=ROOT, check=True)
    return time.monotonic() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--updates", type=int, default=300, help="of each trial; the default makes about 3 s")
    parser.add_argument("--way", choices=["side by side", *TARGETS], help="run one way only, without a report")
    arguments = parser.parse_args()
    if arguments.way == "plain loop":
        run_by_plain_loop(specs(arguments.trials, arguments.updates, "article"))
    elif arguments.way:
        jobs = usable_cores() if arguments.way == "side by side" else 1
        seconds = run_by_harness(specs(arguments.trials, arguments.updates, "fused"), jobs)
        print(f"{arguments.way}: {len(seconds)} trials of {sum(seconds) / len(seconds):.1f} s on average", flush=True)
    else:
        machine = this_machine()
        print(f"{machine.cpu}, {machine.cores} cores, TensorFlow {machine.tensorflow}", flush=True)
        ours = timed(arguments, "side by side")
        print(f"side by side: {ours:.1f} s", flush=True)
        for way, target in TARGETS.items():
            timings = timed(arguments, way)
            verdict = "met" if ours / timings <= target else "missed"
            print(
                f"{way}: {timings:.1f} s; side by side takes {ours / timings:.2f} of it, target {target:.2f} {verdict}"
            )


if __name__ == "__main__":
    main()
