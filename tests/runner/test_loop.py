"""`run_plan` with a pretended engine: which trials run, which records are kept, which trials are repeated."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from pathlib import Path

import pytest

from harness.errors import UserError
from harness.runner.engine import Trial
from harness.runner.loop import RunOutcome, left_to_do, run_plan
from harness.spec.factors import Lane
from harness.store.record import MAX_CRASHES, Record, Status
from harness.store.sqlite import Attempts, Store, open_store
from tests.factories import record, spec

SPECS = [spec(seed=seed, cell=cell) for seed in (0, 1) for cell in ("gru", "lstm")]
PLAN = {s.id(): s for s in SPECS}


class Pretend:
    """Ends each trial at the next wait, with a status that depends on the trial; `stop_after` sends Ctrl-C."""

    waits_for = "better times"

    def __init__(self, statuses: dict[str, Status] | None = None, stop_after: int | None = None) -> None:
        self.statuses = statuses or {}
        self.stop_after = stop_after
        self.taken: list[Trial] = []
        self.active: list[Trial] = []
        self.most_at_once = 0
        self.closed = False

    def has_room(self, lane: Lane) -> bool:
        return len(self.active) < 2

    def running(self) -> int:
        return len(self.active)

    def choose(self, waiting: Sequence[Trial]) -> Sequence[int]:
        return [0]

    def submit(self, trials: Sequence[Trial]) -> None:
        self.taken += trials
        self.active += trials
        self.most_at_once = max(self.most_at_once, len(self.active))

    def wait(self, seconds: float) -> Sequence[Record]:
        if self.stop_after is not None and len(self.taken) >= self.stop_after:
            os.kill(os.getpid(), signal.SIGINT)
            return []
        trial = self.active.pop(0)
        status = self.statuses.get(trial.id, "ok")
        return [record(trial.spec, attempt=trial.attempt, status=status)]

    def interrupt(self) -> Sequence[Record]:
        stopped = [record(t.spec, attempt=t.attempt, status="interrupted", test={}) for t in self.active]
        self.active.clear()
        return stopped

    def close(self) -> None:
        self.closed = True


class Silent:
    def started(self, trial: Trial) -> None: ...

    def finished(self, record: Record) -> None: ...

    def held_up(self, waits_for: str) -> None: ...


def run(store: Store, engine: Pretend) -> RunOutcome:
    store.set_plan(PLAN)
    return run_plan(left_to_do(PLAN, store.attempts()), len(PLAN), store, engine, Silent())


def test_every_trial_of_the_plan_gets_a_record(tmp_path: Path) -> None:
    engine = Pretend()
    with open_store(tmp_path, create=True) as store:
        assert run(store, engine) == RunOutcome(planned=4, stored_before=0, finished=4, failed=0, stopped=False)
        assert [r["trial_id"] for r in store.records()] == list(PLAN)
    assert engine.most_at_once == 2
    assert engine.closed


def test_progress_is_updated_while_another_run_holds_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks, lines = iter([False] * 3), []
    engine = Pretend()
    has_room, wait = engine.has_room, engine.wait
    monkeypatch.setattr(engine, "has_room", lambda lane: next(looks, True) and has_room(lane))
    monkeypatch.setattr(engine, "wait", lambda seconds: wait(seconds) if engine.active else [])
    monkeypatch.setattr(Silent, "held_up", lambda self, waits_for: lines.append(waits_for))
    with open_store(tmp_path, create=True) as store:
        assert run(store, engine).finished == 4
    assert lines == ["better times"] * 3


def test_a_second_run_has_nothing_to_do(tmp_path: Path) -> None:
    with open_store(tmp_path, create=True) as store:
        run(store, Pretend())
        engine = Pretend()
        assert run(store, engine) == RunOutcome(planned=4, stored_before=4, finished=0, failed=0, stopped=False)
        assert engine.taken == []


def test_a_failed_trial_is_recorded_and_the_sweep_goes_on(tmp_path: Path) -> None:
    with open_store(tmp_path, create=True) as store:
        outcome = run(store, Pretend({SPECS[1].id(): "crashed", SPECS[2].id(): "diverged"}))
        assert (outcome.finished, outcome.failed) == (4, 2)
        assert [r["status"] for r in store.records()] == ["ok", "crashed", "diverged", "ok"]


def test_ctrl_c_keeps_what_is_finished_and_the_next_run_goes_on_from_there(tmp_path: Path) -> None:
    with open_store(tmp_path, create=True) as store:
        outcome = run(store, Pretend(stop_after=3))
        assert outcome.stopped
        finished = {r["trial_id"] for r in store.records() if r["status"] == "ok"}
        assert 0 < len(finished) < 4
        engine = Pretend()
        assert not run(store, engine).stopped
        assert {trial.id for trial in engine.taken} == set(PLAN) - finished
        assert all(r["status"] == "ok" for r in store.records())


def test_a_trial_that_ends_while_the_run_stops_is_stored_as_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Pretend(stop_after=2)
    monkeypatch.setattr(engine, "interrupt", lambda: [record(engine.active.pop().spec) for _ in range(2)])
    with open_store(tmp_path, create=True) as store:
        assert run(store, engine) == RunOutcome(planned=4, stored_before=0, finished=2, failed=0, stopped=True)


def test_records_of_an_engine_that_fails_are_stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Pretend()

    def fail(seconds: float) -> Sequence[Record]:
        raise UserError("the scheduler is gone")

    def interrupt() -> Sequence[Record]:
        done, stopped = engine.active
        return [record(done.spec), record(stopped.spec, status="interrupted", test={})]

    monkeypatch.setattr(engine, "wait", fail)
    monkeypatch.setattr(engine, "interrupt", interrupt)
    with open_store(tmp_path, create=True) as store:
        with pytest.raises(UserError, match="the scheduler is gone"):
            run(store, engine)
        assert [r["status"] for r in store.records()] == ["ok"], "what it stopped uses up no attempt"
    assert engine.closed


def test_signal_handlers_are_restored_after_the_run(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with open_store(tmp_path, create=True) as store:
        run(store, Pretend(stop_after=1))
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


def test_interruptions_use_up_no_attempt_and_crashes_do(tmp_path: Path) -> None:
    statuses: list[Status] = ["interrupted", "crashed"] * (MAX_CRASHES - 1) + ["interrupted"] * MAX_CRASHES
    with open_store(tmp_path, create=True) as store:
        for number, status in enumerate(statuses, 1):
            store.add(record(SPECS[0], attempt=number, status=status, test={}))
        run(store, Pretend({SPECS[0].id(): "crashed"}))
        assert store.attempts()[SPECS[0].id()] == Attempts(len(statuses) + 1, "crashed", MAX_CRASHES)
        engine = Pretend()
        assert run(store, engine).finished == 0, "it is given up now"


def test_speed_trials_come_after_all_accuracy_trials() -> None:
    specs = [spec(lane="speed"), spec(), spec(lane="speed", seed=1), spec(seed=1)]
    lanes = [trial.spec.lane for trial in left_to_do({s.id(): s for s in specs}, {})]
    assert lanes == ["accuracy", "accuracy", "speed", "speed"]


def test_a_timing_block_is_re_run_as_a_whole() -> None:
    specs = [spec(lane="speed", seed=seed, cell=cell) for seed in (0, 1) for cell in ("gru", "lstm")]
    stored = {s.id(): Attempts(1, "ok", 0) for s in specs} | {specs[0].id(): Attempts(1, "crashed", 1)}
    left = left_to_do({s.id(): s for s in specs}, stored)
    assert {(trial.id, trial.attempt) for trial in left} == {(s.id(), 2) for s in specs[:2]}


def test_all_trials_of_a_timing_block_start_together(tmp_path: Path) -> None:
    specs = [spec(lane="speed", seed=seed, cell=cell) for seed in (0, 1) for cell in ("gru", "lstm", "simple_rnn")]
    planned, started = {s.id(): s for s in specs}, []

    class Blocks(Pretend):
        def submit(self, trials: Sequence[Trial]) -> None:
            started.append({trial.spec.seed for trial in trials})
            super().submit(trials)

    with open_store(tmp_path, create=True) as store:
        store.set_plan(planned)
        assert run_plan(left_to_do(planned, {}), 6, store, Blocks(), Silent()).finished == 6
    assert sorted(started, key=min) == [{0}, {1}]


def test_retried_trials_are_re_run_until_they_have_one_more_attempt() -> None:
    stored = {
        SPECS[0].id(): Attempts(2, "diverged", 0),
        SPECS[1].id(): Attempts(3, "timeout", 0),
        SPECS[2].id(): Attempts(1, "ok", 0),
    }
    left = left_to_do(PLAN, stored, retry={SPECS[0].id(): 2, SPECS[1].id(): 2})
    assert [(trial.id, trial.attempt) for trial in left] == [(SPECS[0].id(), 3), (SPECS[3].id(), 1)]


def test_outcomes_of_the_stages_of_a_run_add_up() -> None:
    first = RunOutcome(planned=10, stored_before=3, finished=7, failed=1, stopped=False)
    second = RunOutcome(planned=16, stored_before=12, finished=4, failed=2, stopped=True)
    assert first.then(second) == RunOutcome(planned=16, stored_before=5, finished=11, failed=3, stopped=True)
    fewer = RunOutcome(planned=16, stored_before=9, finished=4, failed=2, stopped=False)
    assert first.then(fewer).stored_before == 3
    again = RunOutcome(planned=10, stored_before=9, finished=1, failed=0, stopped=False, repeated=1)
    assert first.then(again) == RunOutcome(planned=10, stored_before=3, finished=7, failed=0, stopped=False)


def test_progress_is_updated_for_every_trial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[tuple[str, object]] = []
    monkeypatch.setattr(Silent, "started", lambda self, trial: heard.append(("started", trial.attempt)))
    monkeypatch.setattr(Silent, "finished", lambda self, record: heard.append(("finished", record.status)))
    only = spec(lane="speed")
    with open_store(tmp_path, create=True) as store:
        run_plan([Trial(only.id(), only)], 1, store, Pretend(), Silent())
    assert heard == [("started", 1), ("finished", "ok")]
