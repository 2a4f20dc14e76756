"""Proportions of solved seeds: intervals, and the paired comparison of two proportions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import special

from harness.verdicts.arrays import Floats
from harness.verdicts.equivalence import solved_p
from harness.verdicts.stats import CONFIDENCE, ONCE, Estimate, Levels, estimate


def wilson_interval(solved: float, n: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Wilson's score interval of a proportion (Wilson 1927); 0 to 1 if n is 0."""
    if n == 0:
        return 0.0, 1.0
    z = special.ndtri((1 + confidence) / 2)
    share = solved / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    low = 0.0 if solved == 0 else float(centre - half)
    return low, 1.0 if solved == n else float(centre + half)


def mcnemar_p(only_first: int, only_second: int) -> float:
    """McNemar's exact test: two-sided binomial p-value of the discordant pairs; 1 without discordant pairs."""
    return min(1.0, 2 * float(special.bdtr(min(only_first, only_second), only_first + only_second, 0.5)))


def difference_interval(first: Floats, second: Floats, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Interval of the difference of two paired proportions from outcomes of 0 and 1, or their means, (n,) each.

    Newcombe's method combines the two Wilson intervals with the correlation of the pairs (Newcombe 1998, Statistics in
    Medicine 17:2635, method 10).
    """
    n = len(first)
    both, neither = float((first * second).sum()), float(((1 - first) * (1 - second)).sum())
    only_first, only_second = float((first * (1 - second)).sum()), float(((1 - first) * second).sum())
    share_first, share_second = float(first.mean()), float(second.mean())
    low_first, high_first = wilson_interval(float(first.sum()), n, confidence)
    low_second, high_second = wilson_interval(float(second.sum()), n, confidence)
    margins = (both + only_first) * (only_second + neither) * (both + only_second) * (only_first + neither)
    phi = 0.0
    if margins > 0:
        cross = both * neither - only_first * only_second
        # Newcombe's continuity correction avoids overestimating a positive correlation.
        cross = max(cross - n / 2, 0.0) if cross > 0 else cross
        phi = cross / np.sqrt(margins)
    down_first, up_first = share_first - low_first, high_first - share_first
    down_second, up_second = share_second - low_second, high_second - share_second
    difference = share_first - share_second
    below = np.sqrt(max(down_first**2 - 2 * phi * down_first * up_second + up_second**2, 0.0))
    above = np.sqrt(max(up_first**2 - 2 * phi * up_first * down_second + down_second**2, 0.0))
    return float(max(difference - below, -1.0)), float(min(difference + above, 1.0))


def estimate_solved(first: Floats, second: Floats, margin: float, levels: Levels = ONCE) -> Estimate:
    """The difference of two proportions from n pairs of outcomes of 0 and 1, (n,) each.

    Uses McNemar's exact test and Newcombe's interval. Equivalence has an exact test (`solved_p`), because the criterion
    "the interval lies within the margin" has an error rate of 9 % with 11 pairs.
    """
    n = len(first)
    low, high = difference_interval(first, second, levels.confidence)
    only_first, only_second = int((first > second).sum()), int((second > first).sum())
    equivalent = solved_p(only_first, only_second, n, margin) <= levels.equivalence
    effect = float(first.mean() - second.mean())
    return Estimate(effect, low, high, mcnemar_p(only_first, only_second), equivalent, n)


def estimate_solved_shares(first: Floats, second: Floats, margin: float, levels: Levels = ONCE) -> Estimate:
    """As `estimate_solved`, for several conditions: each seed has the share of conditions that it solves, (n,) each.

    The conditions of one seed are not independent, so n is the number of seeds, not of outcomes. The tests use the
    differences of the shares, which lie within -1 ... 1. Newcombe's interval is conservative: it is as wide as if each
    seed had one outcome.
    """
    tested = estimate(first - second, margin, levels, reach=1.0)
    low, high = difference_interval(first, second, levels.confidence)
    return replace(tested, low=low, high=high)
