"""Statistics of paired differences: location, interval, test, equivalence; and Holm's correction over several tests.

Differences are one value per seed, (n,). They are sorted first, so that the order of rows does not change a verdict;
resampling uses a fixed seed. An infinite difference means that one of the two trials failed; samples with infinite
differences use ranks and the median instead of the mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import special

from harness.verdicts.arrays import Floats
from harness.verdicts.equivalence import bounded_p, constant, graded_p, median_p

CONFIDENCE = 0.95
ALPHA = 0.05
FEWEST_SEEDS = 5
"""Minimum number of pairs for a decision: four differences have equal signs by chance in one of eight samples."""
RESAMPLING_FROM = 10
"""From this number of pairs on, interval and test use sign flips. With fewer pairs they are Student's: the p-values of
2 ** n sign patterns are too coarse to survive a correction over ten claims, and a bootstrap of 5 to 9 values
undercovers."""
EXACT_UP_TO = 14
"""Up to this number of pairs all sign patterns are enumerated; above, SIGN_FLIPS random patterns are drawn."""
SIGN_FLIPS = 9_999
FAILURE = 1.5
"""A failure that has to be a number counts as this multiple of the largest observed difference. In simulations,
Student's test then keeps its level for 5 to 9 pairs with 5 to 30 % failures; with a multiple of 1, the type I error at
the 0.5 % level doubles."""
SEED = 20_140_612


@dataclass(frozen=True)
class Estimate:
    """A location with its interval, test and equivalence test, in the unit of the differences."""

    effect: float
    low: float
    high: float
    """Bounds of the confidence interval; infinite if n is too small or failed trials leave it unbounded."""
    p_value: float
    """Two-sided p-value of no difference."""
    equivalent: bool
    """Whether a difference as large as the margin is ruled out, with an error of at most 5 %."""
    n: int
    bounded: bool = False
    """Whether `bounded_by` replaced infinite differences."""


@dataclass(frozen=True)
class Levels:
    """The levels of an estimate; the defaults are for a single comparison that is tested once."""

    confidence: float = CONFIDENCE
    """Confidence level of the interval."""
    equivalence: float = ALPHA
    """Level of each of the two one-sided equivalence tests."""
    bounded: float = ALPHA
    """Level of the equivalence tests that are valid for any number of interim analyses."""


ONCE = Levels()


def once(comparisons: int) -> Levels:
    """The levels of one of several comparisons whose equivalence tests share an error rate of 5 % (Bonferroni)."""
    return Levels(equivalence=ALPHA / comparisons, bounded=ALPHA / comparisons)


def estimate(
    differences: ArrayLike, margin: float | None = None, levels: Levels = ONCE, reach: float | None = None
) -> Estimate:
    """Estimate the location of n paired differences, (n,).

    - Finite differences: the mean; Student's interval and test below 10 pairs, sign flips from 10 pairs on.
    - Infinite differences, with 10 or more pairs or if at least half are infinite: the median, its interval by order
      statistics, and a sign-flip test on signed ranks.
    - Fewer infinite differences among less than 10 pairs: an infinite difference counts as 1.5 times the largest finite
      one, because rank tests cannot decide fewer than 10 pairs.
    - No pair: all figures NaN, p-value 1. One pair: its value, an infinite interval, p-value 1. Equal differences: see
      `student_p`.

    margin: for the equivalence test; None: not equivalent
    reach:  the largest possible difference if outcomes are bounded or of two kinds (infinite if unknown); None if they
            are graded. It selects the equivalence test

    Raises ValueError for NaN.
    """
    d = np.sort(np.asarray(differences, dtype=float) + 0.0)  # + 0.0 turns -0 into 0, which prints without a sign
    n = len(d)
    if np.isnan(d).any():
        raise ValueError("differences must not be NaN: a failed trial is an infinite difference or a tie")
    if n == 0:
        return Estimate(np.nan, np.nan, np.nan, 1.0, False, 0)
    known = d[np.isfinite(d)]
    if n < RESAMPLING_FROM and n > len(known) > n / 2 and known.any():
        bounded = bounded_by(d, float(np.abs(known).max()))
        return replace(estimate(bounded, margin, levels, reach), bounded=True)
    equivalent = margin is not None and _equivalent(d, margin, levels, reach)
    if len(known) < n:
        low, high = median_interval(d, levels.confidence)
        return Estimate(median(d), low, high, signed_rank_p(d), equivalent, n)
    if n < RESAMPLING_FROM:
        low, high = student_interval(d, levels.confidence)
        return Estimate(float(d.mean()), low, high, student_p(d), equivalent, n)
    low, high = sign_flip_interval(d, levels.confidence)
    return Estimate(float(d.mean()), low, high, sign_flip_p(d), equivalent, n)


def _equivalent(d: Floats, margin: float, levels: Levels, reach: float | None) -> bool:
    if reach is not None:
        return bounded_p(d, margin, reach) <= levels.bounded
    p = graded_p(d, margin) if np.isfinite(d).all() else median_p(d, margin)
    return p <= levels.equivalence


def bounded_by(d: Floats, largest: float) -> Floats:
    """Replace infinite values by FAILURE times `largest`, with their sign; unchanged if `largest` is 0."""
    return np.where(np.isinf(d), np.sign(d) * FAILURE * largest, d) if largest > 0 else d


def student_interval(d: Floats, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Student's interval for the mean; infinite for n = 1, of zero width if all differences are equal."""
    n = len(d)
    if n < 2:
        return -np.inf, np.inf
    half = special.stdtrit(n - 1, (1 + confidence) / 2) * d.std(ddof=1) / np.sqrt(n)
    return float(d.mean() - half), float(d.mean() + half)


def student_p(d: Floats) -> float:
    """Two-sided p-value of a zero mean by Student's t-test.

    If all differences are equal, t is infinite; the p-value is then that of n equal signs, 2 / 2 ** n, or 1 if all are
    zero. Zeros are no evidence of a direction, but reduce the spread. If fewer than 5 differences are not zero, the
    p-value is therefore at least that of their number of equal signs. Without this, the type I error for values of few
    levels is 6 % instead of 5 %.
    """
    n = len(d)
    if n < 2 or not d.any():
        return 1.0
    if constant(d):
        return min(1.0, 2.0 / 2.0**n)
    p = float(2 * special.stdtr(n - 1, -abs(d.mean()) / (d.std(ddof=1) / np.sqrt(n))))
    moved = np.count_nonzero(d)
    return p if moved >= FEWEST_SEEDS else max(p, 2.0 / 2.0**moved)


def bca_interval(d: Floats) -> tuple[float, float]:
    """Bias-corrected and accelerated 95 % bootstrap interval of the mean (Efron 1987), with expanded levels.

    The plain levels undercover for small n: the variance of bootstrap means is smaller by (n - 1) / n, and their
    quantiles are not those of t. They are replaced by Phi(-t sqrt(n / (n - 1))) (Hesterberg 2015, The American
    Statistician 69, the expanded percentile interval). All d of one length have the same resamples.
    """
    from scipy import stats  # imported here because it takes half a second

    if constant(d):
        return float(d.mean()), float(d.mean())
    n = len(d)
    expanded = 1 - 2 * special.ndtr(-np.sqrt(n / (n - 1)) * special.stdtrit(n - 1, (1 + CONFIDENCE) / 2))
    low, high = stats.bootstrap((d,), np.mean, confidence_level=expanded, rng=SEED).confidence_interval
    return float(low), float(high)


def sign_flip_p(d: Floats) -> float:
    """Two-sided p-value of the mean under random signs: exact up to 14 pairs, else from 10,000 patterns."""
    total = abs(float(d.sum()))
    flipped = _subsets(len(d)) @ d
    reached = int((np.abs(d.sum() - 2 * flipped) >= total * (1 - 1e-9)).sum())
    # The observed pattern, without flips, is always one of the patterns (Phipson and Smyth 2010).
    return (reached + 1) / (len(flipped) + 1)


def sign_flip_interval(d: Floats, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """The means that the sign-flip test does not reject: between two order statistics of the means of subsets.

    The coverage is exact for differences that are symmetric about their mean, with any tails (Hartigan 1969, Journal of
    the American Statistical Association 64:1303, typical values). Infinite if there are too few pairs.
    """
    means = subset_means(d)
    rank = int((1 - confidence) / 2 * (len(means) + 1))
    if rank == 0:
        return -np.inf, np.inf
    means = np.partition(means, [rank - 1, len(means) - rank])
    return float(means[rank - 1]), float(means[-rank])


def subset_means(d: Floats) -> Floats:
    """The means of non-empty subsets of differences, (n,); their order statistics are the bounds of the interval."""
    means: Floats = _subsets(len(d)) @ d / _subset_sizes(len(d))
    return means


@lru_cache(maxsize=16)
def _subsets(n: int) -> Floats:
    """Non-empty subsets of n pairs as rows of 0 and 1: all up to 14 pairs, else about 10,000 random subsets."""
    if n <= EXACT_UP_TO:
        return np.asarray(np.arange(1, 2**n)[:, None] >> np.arange(n) & 1, dtype=float)
    drawn = np.random.default_rng((SEED, n)).integers(2, size=(SIGN_FLIPS // 2 + 1, n)).astype(float)
    both = np.concatenate([drawn, 1 - drawn])  # each with its complement, so that neither side is favoured
    return both[both.any(axis=1)]


@lru_cache(maxsize=16)
def _subset_sizes(n: int) -> Floats:
    return np.asarray(_subsets(n).sum(axis=1))


def signed_rank_p(d: Floats) -> float:
    """Sign-flip test on signed ranks (Wilcoxon); ties share a rank, zeros are left out, infinities rank highest."""
    moved = d[d != 0]
    if len(moved) == 0:
        return 1.0
    return sign_flip_p(np.sort(np.sign(moved) * pd.Series(np.abs(moved)).rank().to_numpy()))


def median(d: Floats) -> float:
    """The median of values that may be infinite: the midpoint of -inf and inf is 0."""
    ordered = np.sort(d)
    low, high = float(ordered[(len(d) - 1) // 2]), float(ordered[len(d) // 2])
    return low if low == high else 0.0 if np.isinf(low) and np.isinf(high) else (low + high) / 2


def median_interval(d: Floats, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """The interval of the median between two order statistics, of at least this confidence; infinite below 6 pairs."""
    n = len(d)
    rank = median_rank(n, confidence)
    if rank == 0:
        return -np.inf, np.inf
    ordered = np.sort(d)
    return float(ordered[rank - 1]), float(ordered[n - rank])


@lru_cache(maxsize=1024)
def median_rank(n: int, confidence: float = CONFIDENCE) -> int:
    """The rank k of the interval of the median of n values, from the k-th smallest to the k-th largest; 0: infinite."""
    return int(np.searchsorted(special.bdtr(np.arange(n + 1), n, 0.5), (1 - confidence) / 2))


def holm(p_values: ArrayLike, weights: ArrayLike | None = None) -> Floats:
    """Holm's step-down adjusted p-values, in the order of the input (Holm 1979).

    weights: the positive weight of each test; default: equal. Doubling the weight doubles the level of a test.
    """
    p = np.asarray(p_values, dtype=float)
    weight = np.ones_like(p) if weights is None else np.asarray(weights, dtype=float)
    order = np.argsort(p / weight, kind="stable")
    left = np.cumsum(weight[order][::-1])[::-1]
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(1, np.maximum.accumulate(p[order] / weight[order] * left))
    return adjusted


def improvement(differences: ArrayLike) -> float:
    """The share of pairs above zero; ties count half (paired probability of improvement)."""
    d = np.asarray(differences, dtype=float)
    return float(((d > 0) + (d == 0) / 2).mean())


def interquartile_mean(groups: Sequence[Floats]) -> tuple[float, float, float]:
    """The interquartile mean of all values, and its 95 % bootstrap interval from resampling within groups.

    groups: one array of values per condition, on a common scale (Agarwal et al. 2021, arXiv 2108.13264). A quarter of
    the values, rounded down, is cut off at each end.
    """
    generator = np.random.default_rng(SEED)

    def mean(samples: Sequence[Floats]) -> Floats:
        pooled = np.sort(np.concatenate(samples, axis=-1))
        cut = pooled.shape[-1] // 4
        return np.asarray(pooled[..., cut : pooled.shape[-1] - cut].mean(axis=-1))

    resamples = [np.sort(group)[generator.integers(len(group), size=(2_000, len(group)))] for group in groups]
    low, high = np.quantile(mean(resamples), [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return float(mean(groups)), float(low), float(high)
