"""A plan of 100,000 trials and a store of as many records; `pytest tests/benchmarks --benchmark-enable` measures them.

Without that option the same is done with a few trials, as a test that it can.
"""

from __future__ import annotations

import resource
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from harness.spec.experiment import Experiment
from harness.store.frame import load_records
from harness.store.record import CurvePoint, Phase, Record
from harness.store.sqlite import FILE_NAME, open_store
from harness.store.status import status_of
from tests.factories import EXPERIMENT, experiment, plan, record

TRIALS, FEW = 100_000, 600
PLAN_SECONDS, STATUS_SECONDS, FRAME_SECONDS = 5.0, 2.0, 10.0
PLAN_BYTES = 1e9


@pytest.fixture(scope="module")
def trials(request: pytest.FixtureRequest) -> int:
    return TRIALS if request.config.getoption("benchmark_enable") else FEW


def large(trials: int) -> Experiment:
    """Three cells, four sizes, five lengths: 60 conditions of a cell, with as many seeds as it takes."""
    seeds = -(-trials // 60)
    return experiment(
        EXPERIMENT,
        ("seeds = 2", f"seeds = {seeds}"),
        ('["gru", "lstm"]', '["simple_rnn", "gru", "lstm"]'),
        ("[20, 40]", "[20, 40, 60, 80]"),
        ("sequence_length = 5", "sequence_length = [5, 6, 7, 8, 9]"),
    )


@contextmanager
def within(seconds: float, trials: int) -> Iterator[None]:
    """Less than so many seconds, where the size is the one that is promised."""
    before = time.perf_counter()
    yield
    taken = time.perf_counter() - before
    assert trials < TRIALS or taken < seconds, f"{taken:.1f} s"


def typical() -> Record:
    """Ten evaluations: some 4 kB of JSON."""
    phase = Phase(wall_seconds=0.123456789, cpu_seconds=0.123456789, memory_peak_bytes=404_590_592)
    scores = {"loss": 2.09639, "accuracy": 0.128}
    point = CurvePoint(update=4, seconds=0.94207, train_loss=2.09414, validation_loss=2.09639, validation=scores)
    return record(
        phases=dict.fromkeys(("data", "build", "first_step", "train", "evaluate"), phase),
        memory={"baseline_bytes": 365_453_312, "peak_bytes": 409_124_864, "method": "VmHWM, reset at each phase"},
        curve=[point] * 10,
        train={"loss": 2.05266, "accuracy": 0.19},
        validation={"loss": 2.07896, "accuracy": 0.142},
        test={"loss": 2.08667, "accuracy": 0.1265},
        baselines={"chance": {"loss": 2.07944, "accuracy": 0.125}},
    )


@pytest.fixture(scope="module")
def directory(trials: int, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A results folder in which nine in ten trials of the plan have a record."""
    folder = tmp_path_factory.mktemp("large")
    specs = plan(large(trials))
    text = typical().model_dump_json()
    head, _, tail = text.partition(typical().spec.model_dump_json())
    old_id = typical().trial_id
    with open_store(folder, create=True) as store:
        store.set_plan(specs)
    rows = (
        (trial_id, 1, "ok", spec.task, spec.cell, 1.5, head.replace(old_id, trial_id) + spec.model_dump_json() + tail)
        for index, (trial_id, spec) in enumerate(specs.items())
        if index % 10
    )
    with closing(sqlite3.connect(folder / FILE_NAME)) as connection, connection:
        connection.executemany("INSERT INTO trial VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
    return folder


def once(benchmark: Callable[..., object], function: Callable[[], object]) -> object:
    return benchmark.pedantic(function, rounds=1, iterations=1)  # type: ignore[attr-defined]


def test_a_large_plan_expands(benchmark, trials: int) -> None:
    wanted = large(trials)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with within(PLAN_SECONDS, trials):
        specs = once(benchmark, lambda: plan(wanted))
    assert len(specs) >= trials
    taken = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * (1024 if sys.platform == "linux" else 1)
    assert taken < PLAN_BYTES


def test_the_status_of_a_large_store(benchmark, trials: int, directory: Path) -> None:
    def look() -> int:
        with open_store(directory) as store:
            return status_of(store, jobs=2).trials_left

    with within(STATUS_SECONDS, trials):
        left = once(benchmark, look)
    assert left == -(-len(plan(large(trials))) // 10)


def test_the_frame_of_a_large_store(benchmark, trials: int, directory: Path) -> None:
    with within(FRAME_SECONDS, trials):
        frame = once(benchmark, lambda: load_records(directory))
    assert len(frame) == len(plan(large(trials))) * 9 // 10
    assert frame["test_accuracy"].notna().all()
