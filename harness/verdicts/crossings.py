"""Advantages that change sign along a factor: both ends as one estimate, and where the sign changes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from scipy import special

from harness.verdicts.arrays import Floats
from harness.verdicts.stats import CONFIDENCE, Estimate, Levels, bounded_by

_STEPS = 200
"""Points between two levels at which the mean advantage is tested."""


@dataclass(frozen=True)
class SignChange:
    """Where the mean advantage changes from positive to negative, in the unit of the factor."""

    at: float
    low: float
    """The bounds of its 95 % interval: the smallest and the largest value at which the mean may be zero."""
    high: float


def for_both_ends(levels: Levels) -> Levels:
    """The levels at which each end of a crossing is estimated, for an upper bound of the smaller advantage."""
    return replace(levels, confidence=(1 + levels.confidence) / 2)


def smaller_of(first: Estimate, last: Estimate, wide_first: Estimate, wide_last: Estimate) -> Estimate:
    """One estimate of the smaller of two advantages, which is positive only if both are.

    That both are positive is shown by the larger p-value (intersection-union test: Berger 1982, Technometrics 24:295).
    That one is negative is shown by either end, with a correction for two tests. The same holds for the bounds of the
    interval. Equality requires both ends to be equivalent.

    wide: the estimates at the levels of `for_both_ends`
    """
    smaller = min(first, last, key=lambda end: end.effect)
    if smaller.effect > 0:
        p_value = max(first.p_value, last.p_value)
    else:
        p_value = min(1.0, 2 * min(end.p_value for end in (first, last) if end.effect <= 0))
    return replace(
        smaller,
        low=min(first.low, last.low),
        high=min(wide_first.high, wide_last.high),
        p_value=p_value,
        equivalent=first.equivalent and last.equivalent,
    )


def sign_change(levels: tuple[float, ...], by_level: Floats) -> SignChange | None:
    """Where the mean advantage changes from positive to negative; None unless it does from the first to the last level.

    Between two levels the advantage of each seed is interpolated, linearly in the factor, or in its logarithm if all
    levels are positive. The interval contains the values at which Student's test does not reject a mean of zero
    (Fieller 1954, Journal of the Royal Statistical Society B 16:175). An infinite advantage counts as 1.5 times the
    largest finite one. If the mean changes sign several times, `at` is the first change, and the interval contains all.

    by_level: the advantages, (seeds, levels), of at least 2 seeds
    """
    known = by_level[np.isfinite(by_level)]
    values = bounded_by(by_level, float(np.abs(known).max(initial=0.0)))
    means = values.mean(axis=0)
    if len(values) < 2 or not np.isfinite(means).all() or means[0] <= 0 or means[-1] >= 0:
        return None
    logarithmic = min(levels) > 0
    known_at = np.log(levels) if logarithmic else np.array(levels)
    places = np.unique(np.concatenate([np.linspace(*ends, _STEPS + 1) for ends in pairwise(known_at)]))
    at_place = np.array([np.interp(places, known_at, seed) for seed in values])
    mean, error = at_place.mean(axis=0), at_place.std(axis=0, ddof=1) / np.sqrt(len(values))
    possible = np.abs(mean) <= special.stdtrit(len(values) - 1, (1 + CONFIDENCE) / 2) * error
    after = int(np.argmax(mean <= 0))
    share = mean[after - 1] / (mean[after - 1] - mean[after])
    at = places[after - 1] + share * (places[after] - places[after - 1])
    around = [at, *places[possible]]
    shown = np.exp([at, min(around), max(around)]) if logarithmic else np.array([at, min(around), max(around)])
    return SignChange(*map(float, shown))
