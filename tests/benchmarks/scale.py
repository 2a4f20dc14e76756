"""What a large sweep costs the coordinator: trials that only sleep, on a real scheduler and real workers.

    python -m tests.benchmarks.scale                          # 1,000 trials
    python -m tests.benchmarks.scale --trials 100000 --folder DIR --most-seconds 280

With --folder, a run that was stopped for time goes on when it is called again, as any run does. The rest is the way of
`harness run --scheduler`: planning, sending, checking and storing every record, progress on a terminal.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from harness.runner import flow, stages
from harness.runner.cluster.connect import Cluster
from harness.runner.progress import ShowProgress
from harness.spec.load import parse_experiment
from harness.spec.trial import TrialSpec
from harness.store.sqlite import open_store
from tests.benchmarks.sleeping import SECONDS, real_size
from tests.runner.cluster.processes import Processes

HOSTS, SLOTS = 4, 8
EXPERIMENT = """
name = "scale"
title = "Scale"
cells = "gru"
backend = "keras"
seeds = {seeds}

[[sweep]]
task = "recall"
train_size = {sizes}
sequence_length = 5
units = 4
updates = 10
"""
_PER_SEED = 100


class Progress(ShowProgress):
    """Remembers the longest time in which it showed nothing new."""

    longest = 0.0
    _shown: float | None = None

    def _update(self) -> None:
        super()._update()
        now = time.monotonic()
        type(self).longest = max(self.longest, now - (self._shown or now))
        self._shown = now


def timed(seconds: dict[str, float], name: str, function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    start = time.monotonic()
    try:
        return function(*arguments, **options)
    finally:
        seconds[name] = seconds.get(name, 0.0) + time.monotonic() - start


def run(trials: int, folder: Path, sleep: float, most_seconds: int) -> dict[str, float]:
    """Run as many trials as there are left and time allows; what it took."""
    text = EXPERIMENT.format(seeds=trials // _PER_SEED, sizes=list(range(20, 20 + _PER_SEED)))
    experiment = parse_experiment(text, source="scale.toml", folder=folder)
    seconds: dict[str, float] = {}
    flow.make_plan = partial(timed, seconds, "plan", flow.make_plan)
    stages.run_plan = partial(timed, seconds, "run", stages.run_plan)
    stages.ShowProgress = Progress  # type: ignore[misc]
    flow._summarise_models = lambda *_: None
    flow.judge_and_render = lambda directory, **_: ([], directory / "report.html", ())
    processes = Processes(folder, {SECONDS: str(sleep)}, module="tests.benchmarks.sleeping")
    address = processes.start_scheduler()
    try:
        for number in range(HOSTS):
            processes.start_worker(number, slots=SLOTS)
        processes.wait_for_workers(HOSTS)
        terminal = Console(file=io.StringIO(), force_terminal=True, width=100)
        signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGINT))
        signal.alarm(most_seconds)
        before = time.process_time()
        finished = flow.run_experiment(experiment, results=folder, console=terminal, cluster=Cluster(address))
        signal.alarm(0)
    finally:
        processes.stop_all()
    return {
        "trials": finished.outcome.finished,
        "left": finished.outcome.planned - finished.outcome.stored_before - finished.outcome.finished,
        "planning": seconds["plan"],
        "run": seconds["run"],
        "coordinator_cpu": time.process_time() - before,
        "memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "longest_without_progress": Progress.longest,
    }


def status_seconds(folder: Path) -> float:
    start = time.monotonic()
    command = [sys.executable, "-m", "harness", "status", str(folder / "scale")]
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return time.monotonic() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=1000, help="a multiple of 100")
    parser.add_argument("--sleep", type=float, default=0.02, help="seconds a trial takes")
    parser.add_argument("--folder", type=Path, help="where results go; default: a temporary folder")
    parser.add_argument("--most-seconds", type=int, default=0, help="stop then; 0: at the end")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        figures = run(arguments.trials, folder, arguments.sleep, arguments.most_seconds)
        with open_store(folder / "scale") as store:
            spec = TrialSpec.model_validate_json(store.plan()[0].spec)
        figures["status"] = status_seconds(folder)
    kib = len(real_size(spec, 1).model_dump_json()) / 1024
    each = {name: 1000 * figures[name] / max(1, figures["trials"]) for name in ("run", "coordinator_cpu")}
    asleep = 1000 * arguments.sleep / (HOSTS * SLOTS)
    print(
        f"{figures['trials']:,} trials on {HOSTS * SLOTS} slots, {figures['left']:,} left; a record has {kib:.1f} KiB"
    )
    print(f"{figures['run']:.1f} s, {each['run']:.2f} ms a trial, {asleep:.2f} of them asleep")
    print(
        f"coordinator: {each['coordinator_cpu']:.2f} ms of CPU a trial, {figures['memory_mib']:,.0f} MiB at most;",
        end=" ",
    )
    print(f"planning {figures['planning']:.1f} s")
    print(f"without news for {figures['longest_without_progress']:.2f} s at most; status in {figures['status']:.1f} s")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
