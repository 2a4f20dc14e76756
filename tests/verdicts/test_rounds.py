"""Ratios within the rounds of a timing block: how wide their intervals are, and when there are enough rounds."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from harness.store.frame import to_frame
from harness.verdicts.pairs import find_pairs
from harness.verdicts.rounds import FEWEST_ROUNDS, MOST_ROUNDS, Turns, are_enough, half_width, ratio_interval
from harness.verdicts.stats import median_interval
from tests.verdicts.records import paired
from tools.simulate import simulated_record


def test_the_half_width_is_that_of_the_interval_of_the_median_as_a_share_of_the_ratio() -> None:
    ratios = np.random.default_rng(0).lognormal(0.3, 0.1, size=(4, 3, 20))
    widths = half_width(np.log(ratios))
    assert widths.shape == (4, 3)
    low, high = median_interval(np.log(ratios[2, 1]))
    assert widths[2, 1] == pytest.approx(math.sqrt(math.exp(high - low)) - 1)
    # Of 1, 2, ..., 10 the 95 % interval of the median reaches from the second to the ninth.
    assert half_width(np.log(1.01) * np.arange(1, 11)) == pytest.approx(1.01**3.5 - 1)


def test_below_six_rounds_the_interval_has_no_bounds() -> None:
    assert np.isinf(half_width(np.zeros((2, 5)))).all()
    assert np.isinf(half_width(np.zeros((2, 0)))).all()
    assert not half_width(np.zeros((2, 6))).any()


def test_a_block_ends_if_ratios_are_precise_or_at_the_maximum_of_rounds() -> None:
    assert not are_enough(FEWEST_ROUNDS - 1, 0.0)
    assert list(are_enough(FEWEST_ROUNDS, np.array([0.02, 0.021, np.inf]))) == [True, False, False]
    assert not are_enough(MOST_ROUNDS - 1, 0.021)
    assert are_enough(MOST_ROUNDS, np.inf)
    assert are_enough(FEWEST_ROUNDS, 0.05, precision=0.05)
    assert are_enough(7, 1.0, most=7)
    assert not are_enough(6, 0.0, most=7)


def ratio(*changes: dict[str, Any]) -> list[float]:
    """The ratio of GRU to LSTM, from records of one seed with these fields."""
    records = [
        simulated_record(cell, 0, 1.0, lane="speed") | {"timing_block": "b", "seconds_per_update": 1.0, **fields}
        for cell, fields in zip(("gru", "lstm"), changes, strict=True)
    ]
    claim = paired(on="seconds_per_update", margin="5%")
    return [
        float(better / than)
        for pairs in find_pairs(to_frame(records), claim, "seconds_per_update").conditions
        for better, than in zip(pairs.better, pairs.than, strict=True)
    ]


def test_in_one_group_the_ratio_is_over_the_common_rounds() -> None:
    first, second = {"rounds": [1.0, 2.0, 6.0]}, {"rounds": [2.0, 2.0, 2.0, 9.0]}
    assert ratio(first, second) == [1.0]
    group = {"timing_group": 2, "reference_rounds": [5.0, 5.0, 5.0]}
    assert ratio(first | group, second | group) == [1.0]


def test_across_groups_the_ratio_uses_the_reference_trial() -> None:
    first = {"rounds": [2.0, 4.0, 6.0], "timing_group": 1, "reference_rounds": [1.0, 2.0, 3.0]}
    second = {"rounds": [9.0, 9.0, 9.0], "timing_group": 2, "reference_rounds": [6.0, 6.0, 6.0]}
    assert ratio(first, second) == [pytest.approx(2 / 1.5)]
    reference = {**first, "reference_rounds": first["rounds"]}
    assert ratio(reference, second) == [pytest.approx(1 / 1.5)]


def test_groups_without_a_reference_trial_are_not_compared_but_failures_count() -> None:
    first = {"rounds": [2.0], "timing_group": 1, "reference_rounds": [1.0]}
    second = {"rounds": [9.0], "timing_group": 2, "reference_rounds": []}
    assert ratio(first, second) == []
    assert ratio(first | {"timing_block": "a"}, second) == []
    failed = {"status": "crashed", "rounds": [], "seconds_per_update": None, "timing_group": 2}
    (value,) = ratio(first, failed)
    assert math.isnan(value)


def test_the_interval_of_a_ratio_has_the_order_statistics_of_the_rounds() -> None:
    steps = list(1.01 ** np.arange(10))
    # Of 10 values the 95 % interval of the median reaches from the second to the ninth.
    interval = ratio_interval(Turns([2 * step for step in steps]), Turns([2.0] * 12))
    assert interval == pytest.approx((1.01, 1.01**8))
    assert ratio_interval(Turns([1.0] * 5), Turns([1.0] * 9)) == (0, math.inf), "below 6 rounds"
    assert ratio_interval(Turns([]), Turns([1.0])) == (0, math.inf)


def test_the_interval_across_groups_combines_both_intervals() -> None:
    steps = list(1.01 ** np.arange(10))
    first = Turns([6 * step for step in steps], 1, [2.0] * 10)
    second = Turns([5 * step for step in steps], 2, [1.0] * 10)
    assert ratio_interval(first, second) == pytest.approx((3 * 1.01 / (5 * 1.01**8), 3 * 1.01**8 / (5 * 1.01)))
    few = Turns([5.0] * 3, 2, [1.0] * 3)
    assert ratio_interval(first, few) == ratio_interval(few, first) == (0, math.inf)
