"""The time budget of a run: complete blocks, round by round, as long as they fit."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from pathlib import Path

import pytest

from harness.errors import UserError
from harness.plan.estimate import Estimator, load_of
from harness.runner.budget import CAUTION, Budget, in_rounds, seconds_of
from harness.runner.engine import Trial
from harness.runner.loop import left_to_do, run_plan
from harness.spec.trial import TrialSpec
from harness.store.sqlite import LeftOut, open_store
from tests.factories import record, spec
from tests.runner.simulated import Simulated
from tests.runner.test_loop import Silent


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("10m", 600), ("1h30m", 5400), ("2h", 7200), ("1.5m", 90), ("10 min", 600)]
)
def test_durations_are_read_as_people_write_them(text: str, seconds: float) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "10", "ten minutes", "m", "-5m", "0s", "5m10h", "nans", "1e3s"])
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(UserError, match="expected a duration such as 90s, 10m or 1h30m"):
        seconds_of(text)


def sweep(seeds: Sequence[int] = (0, 1, 2), sizes: Sequence[int] = (20, 40), **changes: object) -> list[TrialSpec]:
    return [
        spec(seed=seed, cell=cell, train_size=size, **changes)
        for seed, size, cell in product(seeds, sizes, ("gru", "lstm"))
    ]


def trials(specs: Sequence[TrialSpec]) -> list[Trial]:
    return [Trial(s.id(), s) for s in specs]


def planned(specs: Sequence[TrialSpec]) -> dict[str, TrialSpec]:
    return {s.id(): s for s in specs}


def test_a_block_is_all_cells_and_backends_of_a_condition_and_seed() -> None:
    specs = sweep() + sweep(backend="fused")
    blocks = in_rounds(trials(specs), planned(specs))
    assert len(blocks) == 3 * 2
    for block in blocks:
        assert {(t.spec.cell, t.spec.backend) for t in block} == set(product(("gru", "lstm"), ("keras", "fused")))
        assert len({(t.spec.seed, t.spec.train_size) for t in block}) == 1


def test_every_condition_has_its_first_seed_before_any_has_its_second() -> None:
    specs = sweep(seeds=(0, 1)) + sweep(seeds=(7, 8), lane="speed") + sweep(seeds=(3, 4), sequence_length=9)
    rounds = in_rounds(trials(specs), planned(specs))
    assert [block[0].spec.seed for block in rounds] == [0, 0, 7, 7, 3, 3, 1, 1, 8, 8, 4, 4]


def test_a_condition_that_has_seeds_already_waits_for_the_others() -> None:
    specs = sweep(seeds=(0, 1), sizes=(20,)) + sweep(seeds=(0, 1), sizes=(40,))
    left = [trial for trial in trials(specs) if not (trial.spec.train_size == 20 and trial.spec.seed == 0)]
    assert [(b[0].spec.train_size, b[0].spec.seed) for b in in_rounds(left, planned(specs))] == [
        (40, 0),
        (20, 1),
        (40, 1),
    ]


def test_a_block_can_have_one_cell() -> None:
    specs = [spec for spec in sweep(seeds=(0, 1), sizes=(20,)) if spec.cell == "gru"]
    assert [[trial.spec.seed for trial in block] for block in in_rounds(trials(specs), planned(specs))] == [[0], [1]]


def test_tuning_trials_come_first() -> None:
    specs = sweep(seeds=(0,)) + sweep(seeds=(1_000_000,), purpose="tuning")
    assert [block[0].spec.purpose for block in in_rounds(trials(specs), planned(specs))][:2] == ["tuning", "tuning"]


def taught(*specs: TrialSpec, seconds: float) -> Estimator:
    estimator = Estimator()
    for s in specs:
        estimator.learn(load_of(s), seconds)
    return estimator


def test_a_block_that_does_not_fit_lets_a_smaller_one_go_first() -> None:
    large, small = sweep(seeds=(0,), sizes=(20,), sequence_length=50), sweep(seeds=(0,), sizes=(40,))
    estimator = taught(*large, seconds=100)
    for s in small:
        estimator.learn(load_of(s), 10)
    budget = Budget([trials(large), trials(small)], estimator, (2,), deadline=60, clock=lambda: 0.0)
    assert budget.next_block() == trials(small)
    assert budget.next_block() == ()
    assert set(budget.left_out()) >= set(planned(large))


@pytest.mark.parametrize(("jobs", "lane", "seconds"), [(1, "accuracy", 20), (2, "accuracy", 10), (2, "speed", 20)])
def test_the_time_of_a_block_depends_on_its_lane_and_the_number_of_jobs(jobs: int, lane: str, seconds: float) -> None:
    block = trials(sweep(seeds=(0,), sizes=(20,), lane=lane))
    estimator = taught(*(t.spec for t in block), seconds=10)
    takes = CAUTION * seconds
    assert Budget([block], estimator, (jobs,), deadline=takes + 0.1, clock=lambda: 0.0).next_block() == block
    assert Budget([block], estimator, (jobs,), deadline=takes - 0.1, clock=lambda: 0.0).next_block() == ()


def test_a_block_starts_after_the_running_trials() -> None:
    first, second = (trials(sweep(seeds=(seed,), sizes=(20,))) for seed in (0, 1))
    estimator = taught(*(t.spec for t in first), seconds=10)
    budget = Budget([first, second], estimator, (2,), deadline=1.5 * 10 * CAUTION, clock=lambda: 0.0)
    for trial in budget.next_block():
        budget.started(trial)
    assert budget.next_block() == (), "the first block takes both slots for the whole time"
    for trial in first:
        budget.ended(trial.id, done=True)
    assert budget.next_block() == second


def run(tmp_path: Path, specs: list[TrialSpec], engine: Simulated, deadline: float, guess: float = 10) -> list[LeftOut]:
    plan = planned(specs)
    with open_store(tmp_path, create=True) as store:
        store.set_plan(plan)
        left = left_to_do(plan, store.attempts())
        budget = Budget(in_rounds(left, plan), taught(*specs, seconds=guess), engine.hosts, deadline, engine.clock)
        assert not run_plan(left, store, engine, Silent(), budget)
        store.leave_out(budget.left_out())
        return store.left_out()


def test_complete_blocks_run_in_time_and_the_others_are_left_out_with_the_reason(tmp_path: Path) -> None:
    engine = Simulated()
    left_out = run(tmp_path, sweep(), engine, deadline=33)
    assert engine.now <= 33
    assert {(t.spec.seed, t.spec.train_size) for t in engine.ran} == {(0, 20), (0, 40), (1, 20)}
    assert len(engine.ran) == 6, "both cells of each"
    assert engine.interrupted == []
    assert [(group.train_size, group.cell, group.seeds) for group in left_out] == [
        (40, "gru", (1, 2)),
        (40, "lstm", (1, 2)),
        (20, "gru", (2,)),
        (20, "lstm", (2,)),
    ]
    assert {block.reason for block in left_out} == {"its block of 2 trials takes about 12 s, but only 3 s were left"}


def test_without_enough_time_for_one_block_no_trial_starts(tmp_path: Path) -> None:
    engine = Simulated()
    assert sum(block.trials for block in run(tmp_path, sweep(), engine, deadline=11)) == 12
    assert engine.ran == []


def test_trials_that_take_longer_than_expected_are_stopped_when_the_time_is_spent(tmp_path: Path) -> None:
    engine = Simulated(seconds=lambda trial: 10 if trial.spec.cell == "gru" else 1000)
    left_out = run(tmp_path, sweep(seeds=(0,), sizes=(20,)), engine, deadline=30)
    assert engine.now <= 31
    assert [trial.spec.cell for trial in engine.interrupted] == ["lstm"]
    assert [(block.trials, block.reason) for block in left_out] == [
        (1, "it had started, but had not finished when the budget was spent")
    ]


def test_trials_that_run_later_are_no_longer_left_out(tmp_path: Path) -> None:
    specs = sweep(seeds=(0,))
    missing, _ = run(tmp_path, specs, Simulated(), deadline=15)
    with open_store(tmp_path, create=True) as store:
        store.add(record(next(s for s in specs if s.train_size == missing.train_size)))
        assert len(store.left_out_ids()) == 1
        store.set_plan(planned(specs))
        assert len(store.left_out_ids()) == 0


def test_reasons_for_left_out_trials_state_block_size_and_time_left() -> None:
    first, second = (trials([spec(seed=seed)]) for seed in (0, 1))
    now = 0.0
    budget = Budget([first, second], taught(spec(), seconds=60), (2,), deadline=80.0, clock=lambda: now)
    assert budget.next_block() == first
    budget.started(first[0])
    assert not budget.is_over()
    now = 30.0
    assert budget.next_block() == ()
    now = 79.9
    assert not budget.is_over()
    now = 80.0
    assert budget.is_over()
    assert budget.left_out() == {
        first[0].id: "it had started, but had not finished when the budget was spent",
        second[0].id: "it takes about 1 min 12 s, but only 50 s were left",
    }


def test_a_stopped_trial_is_not_finished_and_a_late_one_is_expected_to_end_now() -> None:
    first, second = (trials([spec(seed=seed)]) for seed in (0, 1))
    now = 0.0
    budget = Budget([first, second], taught(spec(), seconds=10), (1,), deadline=40.0, clock=lambda: now)
    assert budget.next_block() == first
    budget.started(first[0])
    budget.ended(first[0].id, done=False)
    assert list(budget.left_out()) == [first[0].id, second[0].id]
    budget.started(first[0])
    now = 28.0
    assert budget.next_block() == second, "the first should have ended long ago; the second takes 12 s"
    budget.ended(first[0].id, done=True)
    assert list(budget.left_out()) == [second[0].id]


def test_a_speed_trial_does_not_overlap_with_other_trials() -> None:
    alone = trials(sweep(seeds=(0,), sizes=(20,), lane="speed"))[:1]
    shared = trials(sweep(seeds=(1,), sizes=(20,)))
    estimator = taught(alone[0].spec, seconds=10)
    for trial in shared:
        estimator.learn(load_of(trial.spec), 10)
    for before, after in ((alone, shared), (shared, alone)):
        for deadline, block in ((2 * CAUTION * 10 + 0.1, after), (2 * CAUTION * 10 - 0.1, ())):
            budget = Budget([before, after], estimator, (2,), deadline, clock=lambda: 0.0)
            for trial in budget.next_block():
                budget.started(trial)
            assert budget.next_block() == block


def test_timing_blocks_run_in_parallel_on_different_hosts() -> None:
    first, second, third = (trials(sweep(seeds=(seed,), sizes=(20,), lane="speed")) for seed in (0, 1, 2))
    estimator = taught(*(trial.spec for trial in first), seconds=10)
    deadline = 2 * 10 * CAUTION + 0.1
    budget = Budget([first, second, third], estimator, (2, 2), deadline, clock=lambda: 0.0)
    for block in (first, second):
        assert budget.next_block() == block
        for trial in block:
            budget.started(trial)
    assert budget.next_block() == ()
