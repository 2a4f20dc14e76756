"""Crossings: one cell is better at the smallest value of a factor, the other at the largest."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.spec.claims import Claim
from harness.verdicts.crossings import for_both_ends, sign_change, smaller_of
from harness.verdicts.stats import ONCE, estimate
from tests.verdicts.records import NOISE, Record, evidence_of, paired, verdict_of, why_not
from tools.simulate import simulated_record

SIZES = (100, 200, 400, 800)
CLAIM = paired(kind="crossing", along="train_size", margin=0.05)
Advantage = Callable[[int, int], float]
"""The advantage of the GRU at a level, for a seed; NaN if its trial fails."""


def falling(first: float, last: float) -> Advantage:
    """An advantage that falls evenly from the first to the last size, with little noise."""
    return lambda level, seed: first + (last - first) * level / (len(SIZES) - 1) + NOISE[10 * seed + level]


def records(advantage: Advantage, seeds: int = 10, along: str = "train_size", **spec: object) -> list[Record]:
    trials = []
    for seed in range(seeds):
        for level, size in enumerate(SIZES):
            lower = advantage(level, seed)
            status = "crashed" if np.isnan(lower) else "ok"
            here = spec | {along: size}
            trials.append(simulated_record("lstm", seed, 2 + seed / 10, **here))
            trials.append(simulated_record("gru", seed, 2 + seed / 10 - lower, status=status, **here))
    return trials


def test_an_advantage_that_changes_sign_is_found_with_the_place() -> None:
    verdict = verdict_of(records(falling(0.3, -0.3)), CLAIM)
    assert (verdict.verdict, verdict.unit) == ("supported", "")
    assert verdict.effect == pytest.approx(0.3, abs=0.02)
    assert verdict.crossing == pytest.approx(np.sqrt(200 * 400), rel=0.05), "in the middle of the logarithms"
    assert verdict.crossing_low is not None
    assert verdict.crossing_high is not None
    assert 250 < verdict.crossing_low < verdict.crossing < verdict.crossing_high < 320
    assert verdict.reason.startswith(
        "GRU against LSTM, test loss, along train size, 10 seeds: at 100 GRU better by 0.29"
    )
    assert "at 800 LSTM better by 0.3" in verdict.reason
    assert "the advantage changes sign at train size 28" in verdict.reason
    assert "Both directions are clear" in verdict.reason


@pytest.mark.parametrize(
    ("first", "last"),
    [(0.3, 0.2), (-0.2, -0.3), (-0.3, 0.3)],
    ids=["one cell is better everywhere", "the other is", "the opposite crossing"],
)
def test_an_advantage_that_does_not_change_sign_as_claimed_contradicts_the_claim(first: float, last: float) -> None:
    verdict = verdict_of(records(falling(first, last)), CLAIM)
    assert verdict.verdict == "contradicted"
    assert verdict.effect == pytest.approx(min(first, -last), abs=0.02)
    assert verdict.crossing is None
    assert "At one end at least, the opposite of the claim is clear" in verdict.reason


def test_one_clear_end_alone_is_undecided() -> None:
    verdict = verdict_of(records(falling(0.3, 0.0)), CLAIM)
    assert verdict.verdict == "undecided"
    assert verdict.lean_favour is not None
    assert verdict.lean_favour < 0.05, "the larger advantage says nothing about the smaller one"


def test_cells_that_are_equal_at_both_ends_show_no_practical_difference() -> None:
    verdict = verdict_of(records(falling(0.0, 0.0), seeds=20), CLAIM)
    assert verdict.verdict == "no practical difference"
    assert "is ruled out at both ends" in verdict.reason
    apart = records(lambda level, seed: [0, 0.2, -0.2, 0][level] + NOISE[10 * seed + level], seeds=20)
    assert verdict_of(apart, CLAIM).verdict == "no practical difference", "only the ends are compared"


def test_a_relative_margin_compares_ratios_at_both_ends() -> None:
    verdict = verdict_of(records(falling(0.3, -0.3)), paired(kind="crossing", along="train_size", margin="5%"))
    assert (verdict.verdict, verdict.unit) == ("supported", "%")
    assert "at 100 GRU better by 1" in verdict.reason
    assert "at 800 LSTM better by 1" in verdict.reason


def test_failures_at_an_end_decide_it() -> None:
    def crashes(level: int, seed: int) -> float:
        return np.nan if level == 3 else falling(0.3, -0.3)(level, seed)

    verdict = verdict_of(records(crashes), CLAIM)
    assert verdict.verdict == "supported"
    assert "at 800 in at least half of the seeds only LSTM succeeded" in verdict.reason
    between = records(lambda level, seed: np.nan if level == 1 and seed < 2 else falling(0.3, -0.3)(level, seed))
    assert evidence_of(between, CLAIM).sample.advantages.failed == 0, "only failures at the ends count"
    assert verdict_of(between, CLAIM).verdict == "supported"


def test_conditions_are_pooled_end_by_end() -> None:
    both = records(falling(0.3, -0.2), sequence_length=10) + records(falling(0.2, -0.3), sequence_length=20)
    verdict = verdict_of(both, CLAIM)
    assert verdict.verdict == "supported"
    assert verdict.effect == pytest.approx(0.25, abs=0.02), "not the mean of the smaller advantages, 0.2"
    assert [part.effect for part in verdict.by_condition] == pytest.approx([0.2, 0.2], abs=0.02)
    assert verdict.crossing is None, "each condition has its own place"
    assert all(part.crossing is not None for part in verdict.by_condition)
    opposite = records(falling(0.3, -0.2), sequence_length=10) + records(falling(-0.2, 0.3), sequence_length=20)
    assert verdict_of(opposite, CLAIM).verdict == "depends"
    assert "the advantage does not change sign as claimed for" in verdict_of(opposite, CLAIM).reason


def of_complexities(along: str = "options.complexity") -> tuple[list[Record], Claim]:
    """Records of a task with an option that is part of what identifies the data, unless it has its default, 10."""
    trials = []
    for level, complexity in enumerate((5, 10, 20)):
        data = {"procedure": "1"} | ({} if complexity == 10 else {"complexity": str(complexity)})
        for record in records(falling(0.3, -0.3), task="recall", options={"complexity": complexity}, data=data):
            if record["spec"]["train_size"] == SIZES[level]:
                trials.append(record | {"spec": record["spec"] | {"train_size": 100}})
    return trials, paired(kind="crossing", along=along, margin=0.05)


def test_the_factor_may_be_an_option_of_the_task() -> None:
    verdict = verdict_of(*of_complexities())
    assert verdict.verdict == "supported"
    assert "along complexity, 10 seeds: at 5 GRU better by 0.29" in verdict.reason
    assert "at 20 LSTM better by 0.099" in verdict.reason
    trend = paired(kind="trend", along="options.complexity", advantage="shrinks")
    assert verdict_of(of_complexities()[0], trend).verdict == "supported"


def test_records_without_the_option_form_no_pair() -> None:
    trials, one = of_complexities("options.height")
    assert verdict_of(trials, one).verdict == "undecided"
    assert "at 2 or more values of options.height" in verdict_of(trials, one).reason


def test_a_crossing_of_an_outcome_that_no_trial_has_is_not_testable() -> None:
    words = why_not(records(falling(0.3, -0.3)), paired(kind="crossing", on="test_f1", along="train_size"))
    assert "'test_f1'" in words


FLOATS = st.lists(st.floats(-3, 3), min_size=5, max_size=12)


@given(FLOATS, FLOATS)
def test_the_smaller_advantage_is_positive_only_where_both_are(one: list[float], other: list[float]) -> None:
    ends = [np.round(end, 3) for end in (one, other)]
    narrow, wide = ([estimate(end, 0.5, at) for end in ends] for at in (ONCE, for_both_ends(ONCE)))
    smaller = smaller_of(*narrow, *wide)
    assert smaller.effect == min(end.effect for end in narrow)
    assert smaller.low == min(end.low for end in narrow)
    assert smaller.low <= smaller.effect <= smaller.high
    if smaller.effect > 0:
        assert smaller.p_value == max(end.p_value for end in narrow)
    assert smaller.equivalent == all(end.equivalent for end in narrow)
    assert smaller_of(*narrow[::-1], *wide[::-1]) == smaller


@given(st.floats(0.01, 5), st.floats(0.01, 5), st.integers(2, 9))
def test_the_place_lies_in_its_interval_and_between_the_levels(first: float, last: float, seeds: int) -> None:
    noise = NOISE[: 2 * seeds].reshape(seeds, 2)
    by_level = np.array([first, -last]) + noise - noise.mean(axis=0)
    change = sign_change((0.0, 10.0), by_level)
    assert change is not None
    assert change.at == pytest.approx(10 * first / (first + last), abs=1e-6)
    assert 0 <= change.low <= change.at <= change.high <= 10
    assert sign_change((0.0, 10.0), -by_level) is None
    assert sign_change((0.0, 10.0), by_level + 10) is None
