"""Timing blocks with real processes and pretended training: trials take turns."""

from __future__ import annotations

import multiprocessing.forkserver
import os
import signal
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from harness.errors import UserError
from harness.runner.engine import Trial
from harness.runner.local import turns
from harness.runner.local.child import Child
from harness.runner.local.engine import LocalEngine
from harness.runner.precision import Precision
from harness.spec.trial import TrialSpec
from harness.store.record import Record
from harness.tasks.synthetic.recall import task as recall
from harness.verdicts.rounds import FEWEST_ROUNDS, MOST_ROUNDS
from tests.factories import spec
from tests.runner.pretend import PRELOAD

CELLS = ("gru", "lstm", "simple_rnn")
OPTIONS = recall.options(validation_size=10, test_size=10).model_dump(mode="json")


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalEngine]:
    monkeypatch.setattr("harness.runner.lanes.LOCK_FILE", tmp_path / "lanes.lock")
    monkeypatch.setattr(turns, "TURN_SECONDS", 0.01)
    multiprocessing.forkserver._forkserver._stop()  # the server of other tests has imported the real trainer
    engine = LocalEngine(jobs=2, preload=PRELOAD)
    yield engine
    engine.close()
    multiprocessing.forkserver._forkserver._stop()


def contestant(task: str = "recall", **changes: object) -> TrialSpec:
    task = task if task == "recall" else f"tests.runner.trouble:{task}"
    return spec(task=task, options=OPTIONS, lane="speed", **changes)


def run(engine: LocalEngine, *specs: TrialSpec, seconds: float = 60.0) -> list[Record]:
    assert engine.has_room("speed")
    engine.submit([Trial(s.id(), s) for s in specs])
    assert engine.running() == len(specs)
    assert not engine.has_room("speed")
    assert not engine.has_room("accuracy")
    records: list[Record] = []
    deadline = time.monotonic() + seconds
    while engine.running() and time.monotonic() < deadline:
        records += engine.wait(0.2)
    assert engine.has_room("accuracy")
    return records


def turns_of(record: Record) -> list[float]:
    """When each turn began, on the machine's monotonic clock."""
    return list(record.baselines["turns"].values())


def test_trials_take_turns_round_by_round_in_random_order(engine: LocalEngine) -> None:
    records = run(engine, *(contestant(cell=cell, units=2) for cell in ("gru", "lstm", "simple_rnn")))
    assert {record.status for record in records} == {"ok"}
    assert len({record.timing_block for record in records}) == 1
    assert records[0].timing_block is not None
    rounds = {len(record.rounds) for record in records}
    assert rounds == {len(turns_of(records[0]))}
    order = sorted((began, record.spec.cell) for record in records for began in turns_of(record))
    by_round = [tuple(cell for _, cell in order[at : at + 3]) for at in range(0, len(order), 3)]
    assert all(len(set(cells)) == 3 for cells in by_round), "each trial has one turn in each round"
    assert len(set(by_round)) > 1, "the order changes"
    assert all(after - before >= 0.01 for (before, _), (after, _) in pairwise(order)), "one process works at a time"


def test_rounds_are_added_until_the_ratios_have_the_required_precision(engine: LocalEngine) -> None:
    known = run(engine, contestant(cell="gru", units=2), contestant(cell="simple_rnn", units=3))
    assert {len(record.rounds) for record in known} == {FEWEST_ROUNDS}
    assert {record.noisy for record in known} == {False}
    unknown = run(engine, contestant(cell="gru", units=2), contestant(cell="lstm", units=3))
    assert {len(record.rounds) for record in unknown} == {MOST_ROUNDS}
    assert {record.noisy for record in unknown} == {True}


def test_each_pair_can_require_another_precision(engine: LocalEngine) -> None:
    engine._precision = Precision((("gru", "lstm", 0.9), ("gru", "simple_rnn", 0.001)), most_rounds=30)
    specs = [contestant(cell="gru", units=2), contestant(cell="lstm", units=3), contestant(cell="simple_rnn", units=2)]
    assert {len(record.rounds) for record in run(engine, *specs)} == {FEWEST_ROUNDS}, "LSTM/RNN is not compared"
    engine._precision = Precision((("lstm", "gru", 0.001),), most_rounds=30)
    records = run(engine, *specs)
    assert {(len(record.rounds), record.noisy) for record in records} == {(30, True)}


def test_a_turn_has_the_minimum_length(engine: LocalEngine) -> None:
    fast, slow = run(engine, contestant(cell="gru", units=1), contestant(cell="simple_rnn", units=30))
    records = {record.spec.cell: record for record in (fast, slow)}
    starts = sorted((began, cell) for cell, record in records.items() for began in turns_of(record))
    lengths = [after - before for (before, cell), (after, _) in pairwise(starts) if cell == "gru"]
    assert min(lengths) >= 0.01


def test_the_time_of_a_trial_is_not_that_of_the_others(engine: LocalEngine) -> None:
    started = time.monotonic()
    records = run(engine, contestant(cell="gru", units=20), contestant(cell="simple_rnn", units=20))
    lasted = time.monotonic() - started
    assert sum(record.seconds_total or 0.0 for record in records) <= lasted + 0.1
    assert all((record.seconds_total or 0.0) < 0.8 * lasted for record in records)


@pytest.mark.parametrize("fault", ["raising", "leaving", "killed"])
def test_the_other_trials_of_a_block_continue_after_a_failure(engine: LocalEngine, fault: str) -> None:
    records = run(
        engine, contestant(cell="gru", units=2), contestant(fault, cell="lstm"), contestant(cell="simple_rnn", units=2)
    )
    assert sorted(record.status for record in records) == ["crashed", "ok", "ok"]
    assert {len(record.rounds) for record in records if record.status == "ok"} == {FEWEST_ROUNDS}


def short_of_memory(monkeypatch: pytest.MonkeyPatch, engine: LocalEngine, most: int) -> None:
    """Pretend that memory holds this number of processes; rounds are few."""
    engine._precision = Precision(most_rounds=10)
    monkeypatch.setattr(turns, "free_memory", lambda: 2**60 if len(engine._running) < most else 0)


def test_a_block_that_is_too_large_for_memory_is_split_into_groups_that_share_a_trial(
    engine: LocalEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    short_of_memory(monkeypatch, engine, 3)
    backends = ("article", "keras", "fused")
    specs = [contestant(cell=cell, backend=backend, units=2) for backend in backends for cell in ("gru", "simple_rnn")]
    records = run(engine, *specs)
    assert {record.status for record in records} == {"ok"}
    assert sorted(record.trial_id for record in records) == sorted(s.id() for s in specs), "each trial has one record"
    assert len({record.timing_block for record in records}) == 1
    groups = [(record.timing_group, record.spec.backend, record.spec.cell) for record in records]
    assert sorted(groups) == [
        (1, "article", "gru"), (1, "article", "simple_rnn"), (1, "keras", "gru"),
        (2, "fused", "gru"), (2, "keras", "simple_rnn"),
        (3, "fused", "simple_rnn"),
    ]  # fmt: skip
    assert {(len(record.rounds), len(record.reference_rounds)) for record in records} == {(10, 10)}


def test_a_block_that_fits_into_memory_has_no_groups(engine: LocalEngine) -> None:
    records = run(engine, contestant(cell="gru", units=2), contestant(cell="lstm", units=2))
    assert {(record.timing_group, tuple(record.reference_rounds)) for record in records} == {(None, ())}


def test_two_trials_are_timed_together_even_without_free_memory(
    engine: LocalEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    short_of_memory(monkeypatch, engine, 0)
    records = run(engine, *(contestant(cell=cell, units=2) for cell in CELLS))
    assert sorted(record.timing_group or 0 for record in records) == [1, 1, 2]


@pytest.mark.parametrize("fault", ["raising", "killed"])
def test_a_failure_in_a_group_does_not_affect_other_groups(
    engine: LocalEngine, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    short_of_memory(monkeypatch, engine, 2)
    specs = [contestant(cell=cell, units=2) for cell in CELLS]
    records = run(engine, specs[0], contestant(fault, cell="lstm", backend="fused"), *specs[1:])
    assert sorted(record.status for record in records) == ["crashed", "ok", "ok", "ok"]
    assert all(record.reference_rounds for record in records)


def test_a_stopped_split_block_returns_all_records(engine: LocalEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    short_of_memory(monkeypatch, engine, 2)
    specs = [contestant(cell=cell, units=20) for cell in CELLS]
    engine.submit([Trial(s.id(), s) for s in specs])
    assert engine._block is not None
    while engine._block._group == 1 or len(engine._running) < 2:
        assert engine.wait(0.05) == []
    records = engine.interrupt()
    assert sorted(record.trial_id for record in records) == sorted(s.id() for s in specs)
    assert sorted(record.status for record in records) == ["interrupted", "ok", "ok"]
    assert engine.running() == 0


@pytest.mark.parametrize("started", [0, 1])
def test_a_block_whose_processes_cannot_be_started_can_be_stopped(
    engine: LocalEngine, monkeypatch: pytest.MonkeyPatch, started: int
) -> None:
    specs = [contestant(cell=cell, units=2) for cell in CELLS]
    real = engine._start_alone

    def start(trial: Trial) -> Child:
        if len(engine._running) == started:
            raise UserError("cannot start a process")
        return real(trial)

    monkeypatch.setattr(engine, "_start_alone", start)
    with pytest.raises(UserError, match="cannot start a process"):
        run(engine, *specs)
    records = engine.interrupt()
    assert sorted(record.trial_id for record in records) == sorted(s.id() for s in specs)
    assert {record.status for record in records} <= {"interrupted", "ok"}
    assert engine.running() == 0


def test_a_block_that_is_stopped_returns_all_records(engine: LocalEngine) -> None:
    specs = [contestant(cell=cell, units=50) for cell in ("gru", "lstm", "simple_rnn")]
    engine.submit([Trial(s.id(), s) for s in specs])
    assert engine.wait(0.2) == []
    records = engine.interrupt()
    assert sorted(record.trial_id for record in records) == sorted(s.id() for s in specs)
    assert {record.status for record in records} == {"interrupted"}
    assert engine.running() == 0


def test_a_process_that_is_killed_between_turns_is_noticed(engine: LocalEngine) -> None:
    specs = [contestant(cell="gru", units=40), contestant(cell="lstm", units=40)]
    engine.submit([Trial(s.id(), s) for s in specs])
    records: list[Record] = []
    while len(engine._running) < 2 or not engine._running[1].turns:
        assert not engine.wait(0.05)
    os.kill(engine._running[0]._pid, signal.SIGKILL)
    deadline = time.monotonic() + 60
    while engine.running() and time.monotonic() < deadline:
        records += engine.wait(0.2)
    assert sorted(record.status for record in records) == ["crashed", "ok"]
