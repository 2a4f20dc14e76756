"""Accuracy trials of one program share a process but no state: real processes with pretended training."""

from __future__ import annotations

import json
import multiprocessing.forkserver
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from harness.runner.engine import Trial
from harness.runner.local import engine as local
from harness.runner.local.engine import LocalEngine
from harness.spec.trial import TrialSpec
from harness.store.record import Record
from harness.tasks.synthetic.recall import task as recall
from tests.factories import spec
from tests.runner.pretend import PRELOAD

OPTIONS = recall.options(validation_size=10, test_size=10).model_dump(mode="json")


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalEngine]:
    monkeypatch.setattr("harness.runner.lanes.LOCK_FILE", tmp_path / "lanes.lock")
    multiprocessing.forkserver._forkserver._stop()  # the server of other tests has imported the real trainer
    engine = LocalEngine(jobs=1, preload=PRELOAD)
    yield engine
    children = [child._pid for child in engine._waiting]
    engine.close()
    assert not any(psutil.pid_exists(pid) for pid in children)
    multiprocessing.forkserver._forkserver._stop()


def trial(task: str = "identifying", **changes: Any) -> TrialSpec:
    return spec(task=f"tests.runner.trouble:{task}", options=OPTIONS, **changes)


def run(engine: LocalEngine, *specs: TrialSpec) -> list[Record]:
    """The records in the order in which the engine chose to run the trials."""
    records: list[Record] = []
    waiting = [Trial(s.id(), s) for s in specs]
    deadline = time.monotonic() + 60
    while (waiting or engine.running()) and time.monotonic() < deadline:
        while waiting and engine.has_room(waiting[0].spec.lane):
            (chosen,) = engine.choose(waiting) if waiting[0].spec.lane == "accuracy" else (0,)
            engine.submit([waiting.pop(chosen)])
        records += engine.wait(0.2)
    return records


def state_in(record: Record) -> tuple[int, str, str]:
    assert record.data_fingerprint is not None, record.failure
    process, left, folder = json.loads(record.data_fingerprint)
    return process, left, folder


def processes(records: list[Record]) -> list[int]:
    return [state_in(record)[0] for record in records]


def test_trials_of_one_program_run_one_after_another_in_one_process(engine: LocalEngine) -> None:
    specs = [trial(cell=cell, seed=seed) for seed in (0, 1, 2) for cell in ("gru", "lstm")]
    records = run(engine, *specs)
    assert [record.spec.cell for record in records] == ["gru"] * 3 + ["lstm"] * 3
    assert len(set(processes(records))) == 2
    assert len(set(processes(records[:3]))) == 1


def test_specs_that_differ_in_values_share_a_program_and_those_that_differ_in_shapes_do_not() -> None:
    first = trial().program()
    values = {
        "seed": 7, "train_size": 99, "learning_rate": 0.1, "updates": 9, "patience": 3, "initialiser": "glorot_uniform",
        "forget_bias": 1.0, "purpose": "tuning", "evaluate_every": 1, "stop_at_target": True,
    }  # fmt: skip
    shapes = {"cell": "lstm", "backend": "fused", "units": 9, "batch_size": 5, "dropout": 0.1, "sequence_length": 6}
    shapes |= {
        "optimizer": "sgd",
        "clip_norm": 2.0,
        "weight_decay": 0.1,
        "schedule": "cosine",
        "code": "1" * 12,
        "data": {"made": "2"},
        "layers": 2,
    }
    assert {trial(**{name: value}).program() for name, value in values.items()} == {first}
    assert len({trial(**{name: value}).program() for name, value in shapes.items()} | {first}) == len(shapes) + 1


def test_a_trial_has_no_state_of_an_earlier_one(engine: LocalEngine) -> None:
    records = run(engine, trial(seed=0), trial(seed=1))
    assert len(set(processes(records))) == 1
    assert {state_in(record)[1:] for record in records} == {("", str(Path.cwd()))}


@pytest.mark.parametrize("task", ["threading_on", "forking_on"])
def test_a_trial_that_leaves_something_running_ends_its_process(engine: LocalEngine, task: str) -> None:
    records = run(engine, trial(task, seed=0), trial(task, seed=1))
    assert {record.status for record in records} == {"ok"}
    assert len(set(processes(records))) == 2
    assert [p for p in psutil.process_iter(["cmdline"]) if "54321.5" in (p.info["cmdline"] or [])] == []


def test_a_trial_that_fails_ends_its_process(engine: LocalEngine) -> None:
    before, failed, after = run(engine, *(trial("failing_at_times", seed=seed) for seed in (0, 1, 2)))
    assert (before.status, failed.status, after.status) == ("ok", "crashed", "ok")
    assert state_in(before)[0] != state_in(after)[0]


def test_an_idle_process_that_died_is_replaced(engine: LocalEngine) -> None:
    (before,) = run(engine, trial(seed=0))
    os.kill(state_in(before)[0], signal.SIGKILL)
    psutil.wait_procs([p for p in psutil.process_iter() if p.pid == state_in(before)[0]], timeout=10)
    (after,) = run(engine, trial(seed=1))
    assert after.status == "ok"
    assert state_in(after)[0] != state_in(before)[0]


def test_each_record_has_only_the_output_of_its_trial(engine: LocalEngine) -> None:
    *_, failed = run(engine, *(trial("failing_at_times", seed=seed) for seed in (0, 2, 3, 1)))
    assert failed.failure is not None
    assert failed.failure.stderr.count("Traceback") == 1


def test_the_number_of_idle_processes_is_limited(engine: LocalEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "MAX_WAITING", 2)
    run(engine, *(trial(units=units) for units in (3, 4, 5, 6)))
    assert len(engine._waiting) == 2


def test_idle_processes_end_if_memory_is_short(engine: LocalEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    run(engine, trial(units=3), trial(units=4))
    monkeypatch.setattr(local, "FREE_MEMORY", 1.1)
    run(engine, trial(units=5, updates=200, evaluate_every=1))
    assert len(engine._waiting) <= 1


def test_a_speed_trial_has_a_separate_process(engine: LocalEngine) -> None:
    records = run(engine, trial(lane="speed", seed=0), trial(lane="speed", seed=1))
    assert len(set(processes(records))) == 2
    assert engine._waiting == []
