"""What is missing for "no practical difference": why seeds that agree do not establish it, and what would."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from harness.spec.claims import Comparison, Proportion, TimeToTarget
from harness.verdicts.advantages import Scale
from harness.verdicts.equivalence import BETS, UNSEEN, bounded_p, constant, solved_p, unseen
from harness.verdicts.power import ADVISED, seeds_for_equality
from harness.verdicts.samples import ONE_SIDED_FAILURES, Sample, cost_of_misses
from harness.verdicts.stats import ALPHA, FEWEST_SEEDS


@dataclass(frozen=True)
class OneSidedFailures:
    """One cell alone failed in a larger share of the pairs than `ONE_SIDED_FAILURES`."""

    share: float


@dataclass(frozen=True)
class UnseenMisses:
    """n seeds do not rule out misses of one cell in this share of the seeds."""

    n: int
    share: float
    fewest: int | None
    """Seeds that would; None above 100."""
    margin: float
    """What such misses cost: a margin above it would do. On the scale of the advantages."""


@dataclass(frozen=True)
class UnseenOutcomes:
    """n seeds that agree do not rule out another outcome in this share of the seeds."""

    n: int
    share: float
    fewest: int | None
    """Seeds that agree and would; None above 100."""
    margin: float | None
    """A margin above it would do, where outcomes are bounded. On the scale of the advantages."""


@dataclass(frozen=True)
class TooFewForSpread:
    """At the mean and spread of n graded differences it takes more seeds."""

    n: int
    seeds: int
    """In all; where it is more than 100 and more than n, still more may be needed."""


@dataclass(frozen=True)
class NoBounds:
    """Outcomes are of two kinds, and differences have no bounds: no number of seeds rules out rare large ones."""

    of_a_ratio: bool
    """Because a ratio has none, where the outcomes do."""


Missing = OneSidedFailures | UnseenMisses | UnseenOutcomes | TooFewForSpread | NoBounds


def missing_for_equality(claim: Comparison, sample: Sample, scale: Scale) -> Missing | None:
    """Why the seeds of an undecided claim are no evidence of equality though they agree, and how many seeds would be.

    None where that is not what is missing: where the effect is as large as the margin.
    """
    advantages, result = sample.advantages, sample.estimate
    n = result.n - advantages.uninformative
    if n < FEWEST_SEEDS or n <= advantages.uninformative or abs(result.effect) >= scale.margin:
        return None
    if advantages.lopsided > ONE_SIDED_FAILURES:
        return OneSidedFailures(advantages.lopsided)
    if isinstance(claim, TimeToTarget):
        return _misses(n, advantages.lopsided, scale)
    if scale.reach is None:
        if constant(advantages.values):
            return _outcomes(n, _fewest(lambda seeds: (1 - UNSEEN) ** seeds <= ALPHA), None)
        wanted = seeds_for_equality(advantages.values, scale.margin)
        return None if wanted is None or wanted <= n else TooFewForSpread(n, wanted)
    if np.isinf(scale.reach):
        return NoBounds(of_a_ratio=scale.kind == "log ratio")
    if isinstance(claim, Proportion) and sample.pairs is not None:
        return _outcomes(n, _fewest_solved(scale.margin), unseen(n, ALPHA))
    return _outcomes(n, _fewest_within(scale.margin, scale.reach), scale.reach * unseen(n, BETS[0][1] * ALPHA))


def _outcomes(n: int, fewest: int | None, margin: float | None) -> UnseenOutcomes | None:
    """None where n seeds that agree are not fewer than it takes."""
    return None if fewest is not None and n >= fewest else UnseenOutcomes(n, unseen(n, ALPHA), fewest, margin)


@lru_cache
def _fewest_solved(margin: float) -> int | None:
    fewest = _fewest(lambda seeds: (1 - margin) ** seeds <= ALPHA)  # at least as many; the exact test is slow for many
    while fewest is not None and fewest < ADVISED and solved_p(0, 0, fewest, margin) > ALPHA:
        fewest += 1
    return fewest


@lru_cache
def _fewest_within(margin: float, reach: float) -> int | None:
    return _fewest(lambda seeds: bounded_p(np.zeros(seeds), margin, reach) <= ALPHA)


def _misses(n: int, lopsided: float, scale: Scale) -> UnseenMisses | None:
    fewest = _fewest(lambda seeds: cost_of_misses(seeds, lopsided) < scale.margin)
    if fewest is not None and n >= fewest:
        return None
    return UnseenMisses(n, unseen(n, ALPHA, round(lopsided * n)), fewest, cost_of_misses(n, lopsided))


def _fewest(passes: Callable[[int], bool]) -> int | None:
    """The smallest number of seeds that passes, where all larger ones do too; None above 100."""
    low, high = 0, 1
    while not passes(high):
        if high == ADVISED:
            return None
        low, high = high, min(2 * high, ADVISED)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if passes(middle) else (middle, high)
    return high
