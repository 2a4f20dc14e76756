"""Ratios within the rounds of a timing block: how wide their intervals are, and when there are enough rounds."""

from __future__ import annotations

import math

import numpy as np
import pytest

from harness.analysis.rounds import FEWEST_ROUNDS, MOST_ROUNDS, are_enough, half_width
from harness.analysis.stats import median_interval


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


def test_rounds_are_enough_where_ratios_are_precise_and_at_the_most_of_them() -> None:
    assert not are_enough(FEWEST_ROUNDS - 1, 0.0)
    assert list(are_enough(FEWEST_ROUNDS, np.array([0.02, 0.021, np.inf]))) == [True, False, False]
    assert not are_enough(MOST_ROUNDS - 1, 0.021)
    assert are_enough(MOST_ROUNDS, np.inf)
    assert are_enough(FEWEST_ROUNDS, 0.05, precision=0.05)
