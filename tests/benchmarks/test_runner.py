"""What a trial costs beside its training; `pytest tests/benchmarks/test_runner.py --benchmark-enable` measures it.

Overhead is the wall time of a trial, from the decision to run it to its record, without the phases build, first step,
train and evaluate. That is more than the time from the process's start to the first update, which is to stay under
0.5 s. Without that option each case runs once, as a test that it can.
"""

from __future__ import annotations

import contextlib
import json
import statistics
import subprocess
import sys
import time

import pytest

from harness.runner.engine import Trial
from harness.runner.local.engine import LocalEngine
from harness.spec.trial import TrialSpec
from tests.benchmarks.sweep import ROOT, run_by_harness, run_by_plain_loop, specs

TARGET_SECONDS = 0.5
TRAINING = ("build", "first_step", "train", "evaluate")


def overhead_in_a_fork(spec: TrialSpec) -> float:
    """Overhead in seconds of a trial in a fresh process: a new engine has none to reuse. The fork server stays."""
    with contextlib.closing(LocalEngine(jobs=1)) as engine:
        start = time.monotonic()
        engine.submit([Trial(spec.id(), spec)])
        records = []
        while engine.running():
            records += engine.wait(1)
        wall = time.monotonic() - start
    (record,) = records
    assert (record.status, record.program) == ("ok", "compiled")
    return wall - sum(record.phases[name].wall_seconds for name in TRAINING)


def overhead_of_an_interpreter(spec: TrialSpec) -> float:
    command = [sys.executable, "-m", "tests.benchmarks.plain", spec.model_dump_json()]
    start = time.monotonic()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    wall = time.monotonic() - start
    return wall - sum(json.loads(done.stdout)["seconds"][name] for name in TRAINING)


def test_overhead_of_a_trial(benchmark) -> None:
    (spec,) = specs(1, 2, "keras")
    overhead_in_a_fork(spec)  # starts the fork server
    overheads: list[float] = []
    benchmark.pedantic(lambda: overheads.append(overhead_in_a_fork(spec)), rounds=10)
    show(benchmark, overheads)


def test_overhead_of_a_fresh_interpreter(benchmark, request) -> None:
    if request.config.getoption("benchmark_disable"):
        pytest.skip("measured with --benchmark-enable")
    (spec,) = specs(1, 2, "keras")
    overheads: list[float] = []
    benchmark.pedantic(lambda: overheads.append(overhead_of_an_interpreter(spec)), rounds=5)
    show(benchmark, overheads)


def show(benchmark, overheads: list[float]) -> None:
    median = statistics.median(overheads)
    benchmark.extra_info |= {"overhead_seconds": median, "target_seconds": TARGET_SECONDS}
    print(f"overhead: median {median:.3f} s of {len(overheads)} trials, target under {TARGET_SECONDS} s")


def test_a_sweep_can_be_timed_in_every_way() -> None:
    ours, plain = specs(4, 2, "fused"), specs(4, 2, "article")
    assert [spec.cell for spec in ours] == ["simple_rnn", "gru", "lstm", "simple_rnn"]
    assert [spec.model_copy(update={"backend": "fused"}) for spec in plain] == ours
    assert len(run_by_harness(ours[:2], jobs=2)) == 2
    run_by_plain_loop(plain[:1])
