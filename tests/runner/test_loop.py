"""The loop that sends trials to an engine and stores their records, with simulated engines."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from pathlib import Path

import pytest

from harness.errors import UserError
from harness.runner.engine import Trial
from harness.runner.loop import left_to_do, run_plan
from harness.store.record import MAX_CRASHES, Record, Status
from harness.store.sqlite import Attempts, Store, open_store
from tests.factories import record, spec
from tests.runner.simulated import Simulated

SPECS = [spec(seed=seed, cell=cell) for seed in (0, 1) for cell in ("gru", "lstm")]
PLAN = {s.id(): s for s in SPECS}


class Silent:
    def started(self, trial: Trial) -> None: ...

    def finished(self, record: Record) -> None: ...

    def held_up(self, waits_for: str) -> None: ...


def run(store: Store, engine: Simulated) -> bool:
    store.set_plan(PLAN)
    return run_plan(left_to_do(PLAN, store.attempts()), store, engine, Silent())


def ending(statuses: dict[str, Status] | None = None, *, stop_at: int | None = None) -> Simulated:
    """An engine whose trials end with these statuses, by id; Ctrl-C comes at the end of this number of trials."""

    def result(trial: Trial) -> Record:
        if len(engine.ran) == stop_at:
            os.kill(os.getpid(), signal.SIGINT)
        return record(trial.spec, attempt=trial.attempt, status=(statuses or {}).get(trial.id, "ok"))

    engine = Simulated(result=result)
    return engine


def test_every_trial_of_the_plan_gets_a_record(tmp_path: Path) -> None:
    engine = ending()
    with open_store(tmp_path, create=True) as store:
        assert not run(store, engine)
        assert [(r["trial_id"], r["status"]) for r in store.records()] == [(id, "ok") for id in PLAN]
    assert engine.now == 20, "four trials of ten seconds, two in parallel"
    assert engine.closed


def test_progress_is_updated_while_another_run_holds_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks, lines = iter([False] * 3), []
    engine = ending()
    has_room = engine.has_room
    monkeypatch.setattr(engine, "has_room", lambda lane: next(looks, True) and has_room(lane))
    monkeypatch.setattr(Silent, "held_up", lambda self, waits_for: lines.append(waits_for))
    with open_store(tmp_path, create=True) as store:
        run(store, engine)
    assert len(engine.ran) == 4
    assert lines == [engine.waits_for] * 3


def test_a_second_run_has_nothing_to_do(tmp_path: Path) -> None:
    with open_store(tmp_path, create=True) as store:
        run(store, ending())
        engine = ending()
        assert not run(store, engine)
        assert engine.ran == []


def test_a_failed_trial_is_recorded_and_the_run_continues(tmp_path: Path) -> None:
    with open_store(tmp_path, create=True) as store:
        assert not run(store, ending({SPECS[1].id(): "crashed", SPECS[2].id(): "diverged"}))
        assert [r["status"] for r in store.records()] == ["ok", "crashed", "diverged", "ok"]


def test_ctrl_c_keeps_finished_trials_and_the_next_run_continues(tmp_path: Path) -> None:
    with open_store(tmp_path, create=True) as store:
        assert run(store, ending(stop_at=2))
        finished = {r["trial_id"] for r in store.records() if r["status"] == "ok"}
        assert len(finished) == 2
        engine = ending()
        assert not run(store, engine)
        assert {trial.id for trial in engine.ran} == set(PLAN) - finished
        assert all(r["status"] == "ok" for r in store.records())


def test_a_trial_that_ends_while_the_run_stops_is_stored_as_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = ending(stop_at=1)
    monkeypatch.setattr(engine, "interrupt", lambda: [record(SPECS[1])])
    with open_store(tmp_path, create=True) as store:
        assert run(store, engine)
        assert [r["status"] for r in store.records()] == ["ok", "ok"]


def test_records_of_an_engine_that_fails_are_stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = ending()

    def fail(seconds: float) -> Sequence[Record]:
        raise UserError("the scheduler is gone")

    done, stopped = record(SPECS[0]), record(SPECS[1], status="interrupted", test={})
    monkeypatch.setattr(engine, "wait", fail)
    monkeypatch.setattr(engine, "interrupt", lambda: [done, stopped])
    with open_store(tmp_path, create=True) as store:
        with pytest.raises(UserError, match="the scheduler is gone"):
            run(store, engine)
        assert [r["status"] for r in store.records()] == ["ok"], "the stopped trial has no attempt"
    assert engine.closed


def test_signal_handlers_are_restored_after_the_run(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with open_store(tmp_path, create=True) as store:
        run(store, ending(stop_at=1))
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


@pytest.mark.parametrize(
    ("status", "attempts", "crashes", "tried_again"),
    [
        ("ok", 1, 0, False),
        ("diverged", 1, 0, False),
        ("timeout", 1, 0, False),
        ("out_of_memory", 1, 0, False),
        ("crashed", 1, 1, True),
        ("crashed", MAX_CRASHES + 3, MAX_CRASHES - 1, True),
        ("crashed", MAX_CRASHES, MAX_CRASHES, False),
        ("interrupted", 1, 0, True),
        ("interrupted", 100, 0, True),
        ("interrupted", MAX_CRASHES + 1, MAX_CRASHES, True),
    ],
)
def test_which_trials_are_repeated(status: str, attempts: int, crashes: int, tried_again: bool) -> None:
    only = {SPECS[0].id(): SPECS[0]}
    left = left_to_do(only, {SPECS[0].id(): Attempts(attempts, status, crashes)})
    assert [trial.attempt for trial in left] == ([attempts + 1] if tried_again else [])


def test_crashes_count_against_a_trial_and_interruptions_do_not(tmp_path: Path) -> None:
    statuses: list[Status] = ["interrupted", "crashed"] * (MAX_CRASHES - 1) + ["interrupted"] * MAX_CRASHES
    with open_store(tmp_path, create=True) as store:
        for number, status in enumerate(statuses, 1):
            store.add(record(SPECS[0], attempt=number, status=status, test={}))
        run(store, ending({SPECS[0].id(): "crashed"}))
        assert store.attempts()[SPECS[0].id()] == Attempts(len(statuses) + 1, "crashed", MAX_CRASHES)
        engine = ending()
        run(store, engine)
        assert engine.ran == [], "the trial is given up"


def test_speed_trials_come_after_all_accuracy_trials() -> None:
    specs = [spec(lane="speed"), spec(), spec(lane="speed", seed=1), spec(seed=1)]
    lanes = [trial.spec.lane for trial in left_to_do({s.id(): s for s in specs}, {})]
    assert lanes == ["accuracy", "accuracy", "speed", "speed"]


def test_a_timing_block_is_re_run_as_a_whole() -> None:
    specs = [spec(lane="speed", seed=seed, cell=cell) for seed in (0, 1) for cell in ("gru", "lstm")]
    stored = {s.id(): Attempts(1, "ok", 0) for s in specs} | {specs[0].id(): Attempts(1, "crashed", 1)}
    left = left_to_do({s.id(): s for s in specs}, stored)
    assert {(trial.id, trial.attempt) for trial in left} == {(s.id(), 2) for s in specs[:2]}


def test_all_trials_of_a_timing_block_start_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    specs = [spec(lane="speed", seed=seed, cell=cell) for seed in (0, 1) for cell in ("gru", "lstm", "simple_rnn")]
    planned, started = {s.id(): s for s in specs}, []
    engine = ending()
    submit = engine.submit

    def submitted(trials: Sequence[Trial]) -> None:
        started.append([trial.spec.seed for trial in trials])
        submit(trials)

    monkeypatch.setattr(engine, "submit", submitted)
    with open_store(tmp_path, create=True) as store:
        store.set_plan(planned)
        run_plan(left_to_do(planned, {}), store, engine, Silent())
    assert started == [[0] * 3, [1] * 3]
    assert len(engine.ran) == 6


def test_retried_trials_are_re_run_until_they_have_one_more_attempt() -> None:
    stored = {
        SPECS[0].id(): Attempts(2, "diverged", 0),
        SPECS[1].id(): Attempts(3, "timeout", 0),
        SPECS[2].id(): Attempts(1, "ok", 0),
    }
    left = left_to_do(PLAN, stored, retry={SPECS[0].id(): 2, SPECS[1].id(): 2})
    assert [(trial.id, trial.attempt) for trial in left] == [(SPECS[0].id(), 3), (SPECS[3].id(), 1)]


def test_progress_is_updated_for_every_trial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[tuple[str, object]] = []
    monkeypatch.setattr(Silent, "started", lambda self, trial: heard.append(("started", trial.attempt)))
    monkeypatch.setattr(Silent, "finished", lambda self, record: heard.append(("finished", record.status)))
    only = spec(lane="speed")
    with open_store(tmp_path, create=True) as store:
        run_plan([Trial(only.id(), only)], store, ending(), Silent())
    assert heard == [("started", 1), ("finished", "ok")]
