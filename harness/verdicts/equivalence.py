"""Equivalence tests: p-values of a difference at least as large as the margin, for several types of outcomes.

After n pairs, outcomes with a probability of up to 1 - alpha ** (1 / n) may not have been observed: 45 % of the seeds
after 5 pairs, 14 % after 20. The test therefore depends on what is known about the outcomes:

- Graded outcomes (a loss per character, a time): two one-sided t-tests, with the critical values of exponential
  differences, the most skewed distribution with a log-concave density (`graded_p`).
- Bounded outcomes, or outcomes of two kinds (an accuracy, solved or not): tests that are valid for every distribution
  within the bounds (`bounded_p`; for outcomes of 0 and 1 the exact `solved_p`).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy import special

from harness.verdicts.arrays import Floats

UNSEEN = 0.05
"""If all values of a sample are equal, equality requires enough seeds to rule out that this share of seeds differs
(59 seeds at 5 %)."""
BETS = ((1.0, 0.75), (0.5, 0.25))
"""(size, weight): size 1 needs the fewest agreeing pairs, size 0.5 loses less to a pair that disagrees."""
_DRAWS = 4_000_000
_SEED = 20_140_612


def unseen(n: int, alpha: float, seen: int = 0) -> float:
    """Upper bound of the probability of an outcome that n seeds have shown `seen` times (Clopper and Pearson 1934)."""
    return float(special.betaincinv(seen + 1, n - seen, 1 - alpha)) if seen < n else 1.0


def graded_p(d: Floats, margin: float) -> float:
    """p-value of a mean outside -margin ... margin for graded differences, (n,): two one-sided tests (Schuirmann 1987).

    The p-value of Student's statistic is the larger of that for normal and that for exponential differences. A few
    exponential differences are often all small and seem precise: with Student's t alone, 5 pairs whose mean is at the
    margin would be called equivalent in 16 % of samples. The p-value of equal values depends on their number. Values in
    two clusters count as outcomes of two kinds, whose reach is at least the observed range, and must pass `bounded_p`
    too.
    """
    n = len(d)
    if n < 2:
        return 1.0
    room = margin - abs(float(d.mean()))
    if constant(d):
        return (1 - UNSEEN) ** n if room > 0 else 1.0
    t = -room / (float(d.std(ddof=1)) / np.sqrt(n))
    reference = _exponential_t(n)
    of_exponential = (1 + int(np.searchsorted(reference, t, side="right"))) / (len(reference) + 1)
    p = max(float(special.stdtr(n - 1, t)), of_exponential)
    return max(p, bounded_p(d, margin, float(np.abs(d).max()))) if in_two_clusters(d) else p


def constant(d: Floats) -> bool:
    """Whether all values are equal, except for rounding errors."""
    return bool(np.ptp(d) <= 1e-12 * np.abs(d).max(initial=0.0))


def in_two_clusters(d: Floats) -> bool:
    """Whether the widest gap between sorted values is at least three times the sum of the ranges on both sides."""
    ordered = np.sort(d)
    gaps = np.diff(ordered)
    widest = float(np.max(gaps, initial=0.0))
    return widest > 0 and widest >= 3 * (float(np.ptp(ordered)) - widest)


@lru_cache(maxsize=64)
def _exponential_t(n: int) -> Floats:
    """Draws of Student's statistic of n exponential values about their mean, ascending; its lower tail is heavier."""
    draws = int(np.clip(_DRAWS // n, 2_000, 100_000))
    values = np.random.default_rng((_SEED, n)).standard_exponential((draws, n))
    return np.sort((values.mean(axis=1) - 1) / (values.std(axis=1, ddof=1) / np.sqrt(n)))


def bounded_p(d: Floats, margin: float, reach: float) -> float:
    """p-value of a mean outside -margin ... margin for any differences within -reach ... reach, (n,).

    Infinite differences count as `reach`. The p-value is the inverse of the capital of a bet against such a mean, a
    test martingale (Waudby-Smith and Ramdas 2024, Journal of the Royal Statistical Society B 86:1). It is valid for
    every distribution, and at any number of interim analyses without correction (Ville's inequality).
    """
    if margin >= reach:
        return 0.0
    if not np.isfinite(reach):
        return 1.0
    d = np.clip(d, -reach, reach)
    with np.errstate(over="ignore"):  # thousands of seeds win more than the largest float, so p is zero
        won = [
            sum(weight * float(np.prod(1 - bet * (sign * d - margin) / (reach - margin))) for bet, weight in BETS)
            for sign in (1, -1)
        ]
    return min(1.0, 1 / max(min(won), 1e-300))


def solved_p(only_first: int, only_second: int, n: int, margin: float) -> float:
    """p-value of two proportions that differ by the margin or more, from n pairs of 0 and 1: two one-sided exact tests.

    Samples are ordered by the score statistic (Tango 1998, Statistics in Medicine 17:891). The p-value is the maximum
    over the unknown probability of a discordant pair.
    """
    if margin >= 1:
        return 0.0
    p = _score_p(n, round(margin, 12))
    return max(float(p[only_first, only_second]), float(p[only_second, only_first]))


@lru_cache(maxsize=64)
def _score_p(n: int, margin: float) -> Floats:
    """p-values of first - second >= margin, (n + 1, n + 1): by the pairs that only first and only second solve."""
    first, second = (side.ravel() for side in np.indices((n + 1, n + 1)))
    possible = first + second <= n
    first, second = first[possible], second[possible]
    # The maximum-likelihood probability that only second solves it, if the proportions differ by the margin.
    b = (first + second) * (1 - margin) - 2 * margin * (n - first)
    only_second = (b + np.sqrt(b**2 + 8 * n * second * margin * (1 - margin))) / (4 * n)
    spread = np.sqrt(n * (2 * only_second + margin * (1 - margin)))
    order = np.argsort(np.round((first - second - n * margin) / spread, 9), kind="stable")
    score = np.round((first - second - n * margin) / spread, 9)[order]
    last = np.searchsorted(score, score, side="right") - 1  # samples with equal scores have one p-value
    ways = special.gammaln(n + 1) - special.gammaln(first + 1) - special.gammaln(second + 1)
    ways = (ways - special.gammaln(n - first - second + 1))[order]
    first, second = first[order], second[order]
    largest = np.zeros(len(order))
    for discordant in np.linspace(margin, 1, 101):
        up, down = (discordant + margin) / 2, (discordant - margin) / 2
        logs = special.xlogy(first, up) + special.xlogy(second, down)
        logs += special.xlogy(n - first - second, max(1 - discordant, 0.0))
        largest = np.maximum(largest, np.cumsum(np.exp(ways + logs)))
    p = np.ones((n + 1, n + 1))
    p[first, second] = np.minimum(largest[last], 1.0)
    return p


def median_p(d: Floats, margin: float) -> float:
    """p-value of a median outside -margin ... margin: two one-sided sign tests."""
    inside_above, inside_below = int((d > -margin).sum()), int((d < margin).sum())
    return float(special.bdtrc(min(inside_above, inside_below) - 1, len(d), 0.5))
