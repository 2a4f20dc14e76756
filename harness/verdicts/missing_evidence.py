"""What an undecided claim lacks for "no practical difference": why agreeing seeds are not enough, and what would be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from harness.spec.claims import Comparison, DataToTarget, Proportion, TimeToTarget
from harness.verdicts.advantages import Advantages, Scale, at_ends
from harness.verdicts.equivalence import BETS, UNSEEN, bounded_p, constant, solved_p, unseen
from harness.verdicts.power import ADVISED, fewest, seeds_for_equality
from harness.verdicts.samples import ONE_SIDED_FAILURES, Sample, cost_of_misses
from harness.verdicts.stats import ALPHA, FEWEST_SEEDS, estimate


@dataclass(frozen=True)
class OneSidedFailures:
    """In a share of the pairs above `ONE_SIDED_FAILURES`, one cell failed and the other did not."""

    share: float


@dataclass(frozen=True)
class UnseenMisses:
    """One cell may still miss the target in this share of all seeds."""

    n: int
    share: float
    enough: int | None
    """Number of seeds that would be enough; None above 100."""
    margin: float
    """The cost of such misses, and what other unseen outcomes require; with a larger margin, n seeds are enough. On
    the scale of the advantages."""


@dataclass(frozen=True)
class UnseenOutcomes:
    """n seeds agree, but this share of all seeds may have another outcome."""

    n: int
    share: float
    enough: int | None
    """Number of agreeing seeds that would be enough; None above 100."""
    margin: float | None
    """With a larger margin, n seeds are enough; None if outcomes have no bounds. On the scale of the advantages."""


@dataclass(frozen=True)
class TooFewForSpread:
    """The mean and spread of n graded differences require more seeds."""

    n: int
    wanted: int
    """Number of seeds; above 100 a lower bound."""


@dataclass(frozen=True)
class NoBounds:
    """Outcomes are of two kinds and differences have no bounds, so no number of seeds rules out rare large ones."""

    of_a_ratio: bool
    """Whether only the ratio has no bounds, and the outcomes have some."""


Missing = OneSidedFailures | UnseenMisses | UnseenOutcomes | TooFewForSpread | NoBounds


def missing_for_equality(claim: Comparison, sample: Sample, scale: Scale) -> Missing | None:
    """Why the agreeing seeds of an undecided claim do not establish equality, and how many seeds would.

    None if something else is the obstacle, such as an effect as large as the margin.
    """
    if sample.advantages.ends is not None:
        parts = [
            replace(sample, advantages=end, estimate=replace(sample.estimate, effect=estimate(end.values).effect))
            for end in at_ends(sample.advantages)
        ]
        if any(abs(part.estimate.effect) >= scale.margin for part in parts):
            return None
        first, last = (missing_for_equality(claim, part, scale) for part in parts)
        return first or last
    advantages, result = sample.advantages, sample.estimate
    n = result.n - advantages.uninformative
    if n < FEWEST_SEEDS or n <= advantages.uninformative or abs(result.effect) >= scale.margin:
        return None
    if advantages.lopsided > ONE_SIDED_FAILURES:
        return OneSidedFailures(advantages.lopsided)
    if isinstance(claim, TimeToTarget):
        return _misses(n, advantages.lopsided, scale.margin, lambda seeds: 0.0)
    if isinstance(claim, DataToTarget):
        return _misses(n, advantages.lopsided, scale.margin, _room_within(advantages, scale))
    if scale.reach is None:
        if constant(advantages.values):
            return _outcomes(n, fewest(lambda seeds: (1 - UNSEEN) ** seeds <= ALPHA), None)
        wanted = seeds_for_equality(advantages.values, scale.margin)
        return None if wanted is None or wanted <= n else TooFewForSpread(n, wanted)
    if np.isinf(scale.reach):
        return NoBounds(of_a_ratio=scale.kind == "log ratio")
    if isinstance(claim, Proportion) and sample.pairs is not None:
        return _outcomes(n, _fewest_solved(scale.margin), unseen(n, ALPHA))
    return _outcomes(n, _fewest_within(scale.margin, scale.reach), scale.reach * unseen(n, BETS[0][1] * ALPHA))


def _outcomes(n: int, enough: int | None, margin: float | None) -> UnseenOutcomes | None:
    return None if enough is not None and n >= enough else UnseenOutcomes(n, unseen(n, ALPHA), enough, margin)


def _misses(n: int, lopsided: float, margin: float, of_others: Callable[[int], float]) -> UnseenMisses | None:
    """of_others: the margin that the equality of the other n pairs requires, if they agree."""

    def required(seeds: int) -> float:
        return cost_of_misses(seeds, lopsided) + of_others(seeds)

    # The number of misses is rounded, so the cost does not fall with each seed.
    too_few = [seeds for seeds in range(1, ADVISED + 1) if required(seeds) >= margin]
    last = max(too_few, default=0)
    enough = last + 1 if last < ADVISED else None
    if enough is not None and n >= enough:
        return None
    return UnseenMisses(n, unseen(n, ALPHA, round(lopsided * n)), enough, required(n))


def _room_within(advantages: Advantages, scale: Scale) -> Callable[[int], float]:
    """The smallest margin at which n seeds that agree as closely as these are equivalent by `bounded_p`."""
    sides = (side[np.isfinite(side)] for side in (advantages.low, advantages.high) if side is not None)
    off = max((abs(float(side.mean())) for side in sides if len(side)), default=0.0)
    reach = scale.reach or 0.0

    def smallest(n: int) -> float:
        share = unseen(n, BETS[0][1] * ALPHA)
        return reach * share + off * (1 - share)

    return smallest


@lru_cache
def _fewest_solved(margin: float) -> int | None:
    enough = fewest(lambda seeds: (1 - margin) ** seeds <= ALPHA)  # a lower bound, as the exact test is slow
    while enough is not None and enough < ADVISED and solved_p(0, 0, enough, margin) > ALPHA:
        enough += 1
    return enough


@lru_cache
def _fewest_within(margin: float, reach: float) -> int | None:
    return fewest(lambda seeds: bounded_p(np.zeros(seeds), margin, reach) <= ALPHA)
