"""The data that a cell needs to solve a task: the smallest size of the training set, known to within two sizes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from harness.runner.open_claims import is_open
from harness.verdicts.arrays import Floats
from harness.verdicts.judge import judge_pairs
from harness.verdicts.needed_sizes import needed_sizes
from harness.verdicts.pairs import PairedTrials, Pairs
from tests.verdicts.records import claim, evidence_of, of_sizes, verdict_of, why_not
from tools.simulate_kinds import DATA

CLAIM = claim(kind="data-to-target", margin="25%")
NEVER = 1e9
SOLVED = arrays.arrays(
    np.float64, st.tuples(st.integers(1, 5), st.just(4)), elements=st.sampled_from([0.0, 1.0, np.nan])
)
LEVELS = (100.0, 200.0, 400.0, 800.0)


def test_a_cell_that_needs_a_quarter_of_the_data_is_better_by_four_times() -> None:
    verdict = verdict_of(of_sizes(lambda cell, seed: 200 if cell == "gru" else 800), CLAIM)
    assert (verdict.verdict, verdict.unit, verdict.on) == ("supported", "%", "solved")
    assert (verdict.pairs[0].better, verdict.pairs[0].than) == (200, 800)
    assert verdict.effect == pytest.approx(300, abs=5)
    assert verdict.reason.startswith(
        "GRU against LSTM, training data to solve the task, 10 seeds: less data needed, +4.0 times"
    )
    assert verdict_of(of_sizes(lambda cell, seed: 800 if cell == "gru" else 200), CLAIM).verdict == "contradicted"


def test_the_interval_reaches_over_all_sizes_between_those_tested() -> None:
    """GRU needs 101 to 200, LSTM 401 to 800: a ratio between 401 / 200 and 800 / 101."""
    verdict = verdict_of(of_sizes(lambda cell, seed: 200 if cell == "gru" else 800), CLAIM)
    assert verdict.ci_low == pytest.approx(100.5)
    assert verdict.ci_high == pytest.approx(100 * (800 / 101 - 1))
    assert (verdict.step, verdict.too_coarse) == (400, False)


def test_equal_sizes_that_are_far_from_the_next_ones_are_too_coarse_to_decide() -> None:
    verdict = verdict_of(of_sizes(lambda cell, seed: 200), CLAIM)
    assert (verdict.verdict, verdict.step, verdict.too_coarse) == ("undecided", 100, True)
    assert not is_open(verdict), "no seeds are added, since they would not help"
    assert (
        "The data needed are known to within 100, the largest distance between two values of train size around them."
        " That is too coarse to decide the claim with any number of seeds; use more values in between."
    ) in verdict.reason


def test_equal_sizes_that_are_close_to_the_next_ones_show_equality_with_the_seeds_that_are_stated() -> None:
    sizes = (190, 200, 210, 220)
    few = verdict_of(of_sizes(lambda cell, seed: 200, sizes, seeds=20), CLAIM)
    assert few.verdict == "undecided"
    assert "requires at least 31 seeds, or a margin above 37.2 %." in few.reason
    assert verdict_of(of_sizes(lambda cell, seed: 200, sizes, seeds=30), CLAIM).verdict == "undecided"
    assert verdict_of(of_sizes(lambda cell, seed: 200, sizes, seeds=31), CLAIM).verdict == "no practical difference"


def test_a_seed_that_solves_the_task_at_no_size_needs_infinitely_much() -> None:
    verdict = verdict_of(of_sizes(lambda cell, seed: 200 if cell == "gru" else NEVER), CLAIM)
    assert (verdict.verdict, verdict.effect) == ("supported", np.inf)
    assert np.isnan(verdict.pairs[0].than)
    assert (
        "10 seeds missed the target at every size: a pair in which one cell missed the target counts" in verdict.reason
    )


@pytest.mark.parametrize("size", [100, NEVER])
def test_data_beyond_the_tested_sizes_leave_the_claim_undecided(size: float) -> None:
    records = of_sizes(lambda cell, seed: size)
    verdict = verdict_of(records, CLAIM)
    assert verdict.verdict == "undecided"
    assert "both cells reach the target at the smallest size, or at none" in verdict.reason
    assert not evidence_of(records, CLAIM).informed
    assert not is_open(verdict)


def test_a_failed_trial_does_not_solve_the_task_at_its_size() -> None:
    records = of_sizes(lambda cell, seed: 200 if cell == "gru" else 800)
    for record in records:
        if record["spec"]["cell"] == "gru" and record["spec"]["train_size"] == 200 and record["spec"]["seed"] == 3:
            record["status"] = "crashed"
    verdict = verdict_of(records, CLAIM)
    assert verdict.pairs[3].better == 400
    assert "1 trial failed and counts as not solved." in verdict.reason


def test_a_threshold_of_its_own_names_the_score() -> None:
    records = of_sizes(lambda cell, seed: 200)
    for record in records:
        record["spec"]["task"] = "language"
        record["test"]["loss"] = 100 / record["spec"]["train_size"] * (2 if record["spec"]["cell"] == "lstm" else 1)
    own = claim(kind="data-to-target", margin="25%", on="test_loss", threshold=0.5)
    verdict = verdict_of(records, own)
    assert (verdict.pairs[0].better, verdict.pairs[0].than) == (200, 400)
    assert "training data to reach a test loss of 0.5" in verdict.reason
    assert why_not(records, CLAIM).startswith("the task 'language' has no threshold")


def test_conditions_are_pooled_over_all_sizes_between() -> None:
    records = [
        record
        for length in (10, 20)
        for record in of_sizes(lambda cell, seed: 200 if cell == "gru" else 800, sequence_length=length)
    ]
    verdict = verdict_of(records, CLAIM)
    assert (verdict.verdict, verdict.n, len(verdict.by_condition)) == ("supported", 10, 2)
    assert verdict.ci_low == pytest.approx(100.5)


@given(SOLVED, SOLVED)
def test_the_data_needed_lie_above_the_next_smaller_size(better: Floats, than: Floats) -> None:
    n = min(len(better), len(than))
    sizes = needed_sizes(Pairs({}, tuple(range(n)), better[:n], than[:n], LEVELS))
    for solved, size, low in ((better, sizes.better, sizes.better_low), (than, sizes.than, sizes.than_low)):
        assert low is not None
        for row, upper, lower in zip(solved[:n], size, low, strict=True):
            reached = [level for level, passed in zip(LEVELS, row, strict=True) if passed == 1]
            if not reached:
                assert np.isnan([upper, lower]).all()
                continue
            assert upper == reached[0]
            smaller = [level for level in LEVELS if level < upper] or [50.0]
            assert lower == smaller[-1] + 1


@given(SOLVED, SOLVED)
def test_swapping_the_cells_turns_the_verdict(better: Floats, than: Floats) -> None:
    n = min(len(better), len(than))
    sides = better[:n], than[:n]
    one, other = (
        judge_pairs([(CLAIM, PairedTrials((Pairs({}, tuple(range(n)), *pair, LEVELS),)), DATA)])[0]  # type: ignore[list-item]
        for pair in (sides, sides[::-1])
    )
    assert [pair.advantage for pair in one.pairs] == pytest.approx(
        [
            -100 * pair.advantage / (100 + pair.advantage) if np.isfinite(pair.advantage) else -pair.advantage
            for pair in other.pairs
        ]
    )
    assert one.p_value == pytest.approx(other.p_value)


@pytest.mark.parametrize("seed", range(10))
def test_the_interval_covers_the_true_ratio_of_sizes_between_the_tested_ones(seed: int) -> None:
    """The mean ratio of the exact data is inside the interval of the ranges, and no direction is wrong."""
    generator = np.random.default_rng(seed)
    grid = np.array([100.0, 150.0, 225.0, 340.0, 500.0, 760.0, 1140.0, 1710.0])
    better, than = np.exp(generator.normal((5.5, 6.0), 0.3, size=(12, 2))).clip(101, 1700).T
    solved = [(grid >= side[:, None]).astype(float) for side in (better, than)]
    pairs = Pairs({}, tuple(range(12)), solved[0], solved[1], tuple(grid))
    (verdict,) = judge_pairs([(CLAIM, PairedTrials((pairs,)), DATA)])  # type: ignore[list-item]
    true = 100 * np.expm1(np.log(than / better).mean())
    assert verdict.ci_low is not None
    assert verdict.ci_high is not None
    assert verdict.ci_low <= true <= verdict.ci_high
    if verdict.verdict in ("supported", "contradicted"):
        assert (verdict.verdict == "supported") == (true > 0)
