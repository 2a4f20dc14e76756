"""Tests of equivalence: p of a difference at least as large as the margin, for outcomes of several shapes.

A sample cannot show what it has not seen. After n pairs an outcome of probability up to 1 - alpha ** (1 / n) may have
stayed unseen: in up to 45 % of seeds after 5 pairs, 14 % after 20. So what a sample says depends on what is known of
the outcomes beforehand:

- graded (a loss per character, a time): two one-sided t tests, with the critical values of exponential differences,
  the most skewed of those whose logarithmic density is concave (`graded_p`);
- bounded, or of two kinds (a share, an accuracy, solved or not): tests that hold for every distribution within the
  bounds (`bounded_p`, and the exact `solved_p` for outcomes of 0 and 1).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy import special

from harness.verdicts.arrays import Floats

UNSEEN = 0.05
"""Of a sample whose values are all equal nothing is known but how often they are: equality takes as many as rule out
that this share of seeds differ (59 at 5 %)."""
BETS = ((1.0, 0.75), (0.5, 0.25))
"""(size, weight): 1 rejects with as few agreeing pairs as any test can, 0.5 loses less to a pair that disagrees."""
_DRAWS = 4_000_000
_SEED = 20_140_612


def unseen(n: int, alpha: float, seen: int = 0) -> float:
    """The largest probability of an outcome that n seeds have shown `seen` times (Clopper and Pearson 1934)."""
    return float(special.betaincinv(seen + 1, n - seen, 1 - alpha)) if seen < n else 1.0


def graded_p(d: Floats, margin: float | None) -> float:
    """p of a mean outside -margin ... margin for graded differences, (n,): two one-sided tests (Schuirmann 1987).

    Student's statistic with the larger of two p-values: of normal and of exponential differences. A few exponential
    differences are often all small, and then seem precise: by Student's t alone, 5 pairs with their mean at the margin
    would be called equivalent in 16 % of samples. Equal values: by their number. Values in two clusters are of two
    kinds, with at least the range seen, and must pass `bounded_p` too.
    """
    n = len(d)
    if margin is None or n < 2:
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
    """Whether all values are equal but for rounding."""
    return bool(np.ptp(d) <= 1e-12 * np.abs(d).max(initial=0.0))


def in_two_clusters(d: Floats) -> bool:
    """Whether the widest gap between neighbours is at least three times the range on both sides of it together."""
    ordered = np.sort(d)
    gaps = np.diff(ordered)
    widest = float(np.max(gaps, initial=0.0))
    return widest > 0 and widest >= 3 * (float(np.ptp(ordered)) - widest)


@lru_cache(maxsize=64)
def _exponential_t(n: int) -> Floats:
    """Student's statistic of n exponential values about their mean, ascending: its lower tail is the heavier one."""
    draws = int(np.clip(_DRAWS // n, 2_000, 100_000))
    values = np.random.default_rng((_SEED, n)).standard_exponential((draws, n))
    return np.sort((values.mean(axis=1) - 1) / (values.std(axis=1, ddof=1) / np.sqrt(n)))


def bounded_p(d: Floats, margin: float, reach: float) -> float:
    """p of a mean outside -margin ... margin for any differences within -reach ... reach, (n,).

    Infinite differences count as the largest. p is the inverse of what a bet against such a mean has won, a test
    martingale (Waudby-Smith and Ramdas 2024, Journal of the Royal Statistical Society B 86:1): valid for every
    distribution, and at any number of interim analyses (Ville's inequality), so that these need no correction.
    """
    if margin >= reach:
        return 0.0
    if len(d) == 0 or not np.isfinite(reach):
        return 1.0
    d = np.clip(d, -reach, reach)
    won = (
        sum(weight * float(np.prod(1 - bet * (sign * d - margin) / (reach - margin))) for bet, weight in BETS)
        for sign in (1, -1)
    )
    return min(1.0, 1 / max(min(won), 1e-300))


def solved_p(only_first: int, only_second: int, n: int, margin: float) -> float:
    """p of two shares that differ by the margin or more, of n paired outcomes of 0 and 1: two one-sided exact tests.

    Samples are ordered by the score statistic (Tango 1998, Statistics in Medicine 17:891); p is the largest over the
    probability of a discordant pair, which is not known.
    """
    if n == 0:
        return 1.0
    if margin >= 1:
        return 0.0
    p = _score_p(n, round(margin, 12))
    return max(float(p[only_first, only_second]), float(p[only_second, only_first]))


@lru_cache(maxsize=64)
def _score_p(n: int, margin: float) -> Floats:
    """p of first - second >= margin for each number of pairs that only first and only second solve, (n + 1, n + 1)."""
    first, second = (side.ravel() for side in np.indices((n + 1, n + 1)))
    possible = first + second <= n
    first, second = first[possible], second[possible]
    # The probability that only second solves it, by maximum likelihood where the shares differ by the margin.
    b = (first + second) * (1 - margin) - 2 * margin * (n - first)
    only_second = (b + np.sqrt(b**2 + 8 * n * second * margin * (1 - margin))) / (4 * n)
    spread = np.sqrt(n * (2 * only_second + margin * (1 - margin)))
    order = np.argsort(np.round((first - second - n * margin) / spread, 9), kind="stable")
    score = np.round((first - second - n * margin) / spread, 9)[order]
    last = np.searchsorted(score, score, side="right") - 1  # samples of one score count together
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


def median_p(d: Floats, margin: float | None) -> float:
    """p of a median outside -margin ... margin: two one-sided sign tests."""
    if margin is None or len(d) == 0:
        return 1.0
    n = len(d)
    inside_above, inside_below = int((d > -margin).sum()), int((d < margin).sum())
    return float(special.bdtrc(min(inside_above, inside_below) - 1, n, 0.5))
