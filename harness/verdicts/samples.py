"""From the pairs of a claim to an estimate, in one analysis or, if seeds were added, in several interim analyses."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from harness.spec.claims import Comparison, DataToTarget, Proportion, TimeToTarget, Trend
from harness.store.interim import InterimAnalyses, InterimAnalysis
from harness.verdicts.advantages import Advantages, Scale, advantages, at_ends, pooled
from harness.verdicts.arrays import Floats
from harness.verdicts.crossings import for_both_ends, smaller_of
from harness.verdicts.equivalence import solved_p, unseen
from harness.verdicts.outcomes import OutcomeColumn
from harness.verdicts.pairs import Pairs
from harness.verdicts.proportions import estimate_solved, estimate_solved_shares
from harness.verdicts.resolution import ends, holding_at_both_ends
from harness.verdicts.sequential import with_interim_analyses
from harness.verdicts.stats import ALPHA, FEWEST_SEEDS, ONCE, Estimate, Levels, estimate, once
from harness.verdicts.trends import page_p

ONE_SIDED_FAILURES = 0.05
"""Largest share of pairs in which exactly one cell fails for the verdict "no practical difference"."""


@dataclass(frozen=True)
class Sample:
    """The advantages of one condition, with its pairs, or of several pooled, and the estimate from them."""

    advantages: Advantages
    estimate: Estimate
    pairs: Pairs | None = None
    analyses: tuple[InterimAnalysis, ...] = ()
    """Interim analyses, if seeds were added."""
    later: int = 0
    """Number of pairs that came after the last interim analysis."""


def sample_of(
    claim: Comparison,
    conditions: tuple[Pairs, ...],
    outcome: OutcomeColumn,
    scale: Scale,
    interim: InterimAnalyses | None,
    comparisons: int = 1,
) -> Sample:
    """The sample of one condition, or of several pooled.

    With interim analyses, it has the pairs of the last analysis, at levels adjusted for all analyses; otherwise all
    pairs. comparisons: the error rate of equivalence tests, 5 %, is divided by this number.
    """
    whole, pairs = _observed(claim, conditions, outcome, scale)
    if interim is None:
        return Sample(whole, _estimate(claim, whole, pairs, scale, once(comparisons)), pairs)
    by_count: dict[int, tuple[Advantages, Pairs | None]] = {}
    for through in interim.through:
        so_far = tuple(of_condition.up_to(through) for of_condition in conditions)
        if all(of_condition.seeds for of_condition in so_far):
            observed = _observed(claim, so_far, outcome, scale)
            by_count[len(observed[0].values)] = observed
    counts = [n for n in sorted(by_count) if FEWEST_SEEDS <= n <= interim.most]
    if not counts:  # no analysis has enough seeds for a decision
        result = replace(_estimate(claim, whole, pairs, scale, ONCE), p_value=1.0, equivalent=False)
        return Sample(whole, result, pairs)
    result, analyses = with_interim_analyses(
        lambda n, levels: _estimate(claim, *by_count[n], scale, levels), counts, interim.most, comparisons
    )
    last, pairs = by_count[counts[-1]]
    return Sample(last, result, pairs, analyses, later=len(whole.values) - result.n)


def _observed(
    claim: Comparison, conditions: tuple[Pairs, ...], outcome: OutcomeColumn, scale: Scale
) -> tuple[Advantages, Pairs | None]:
    """The advantages of one condition, with its pairs, or of several pooled."""
    by_condition = [(pairs, advantages(claim, pairs, outcome, scale)) for pairs in conditions]
    if len(by_condition) == 1:
        return by_condition[0][1], by_condition[0][0]
    return pooled(by_condition, scale), None


def if_exact(claim: Comparison, sample: Sample, scale: Scale) -> Estimate:
    """The estimate that a sample of ranges would have if each advantage were its midpoint, in a single analysis."""
    return _estimate(claim, ends(sample.advantages)[1], sample.pairs, scale, ONCE)


def _estimate(claim: Comparison, advantages: Advantages, pairs: Pairs | None, scale: Scale, levels: Levels) -> Estimate:
    if advantages.ends is not None:
        first, last = at_ends(advantages)
        estimates = [
            _estimate(claim, end, pairs, scale, at) for at in (levels, for_both_ends(levels)) for end in (first, last)
        ]
        return smaller_of(*estimates)
    if advantages.low is not None:
        readings = (_estimate(claim, reading, pairs, scale, levels) for reading in ends(advantages))
        return holding_at_both_ends(*readings)
    result = _at_once(claim, advantages, pairs, scale, levels)
    if result.equivalent and not _informed_are_equal(claim, advantages, pairs, scale, levels):
        return replace(result, equivalent=False)
    return result


def _at_once(claim: Comparison, advantages: Advantages, pairs: Pairs | None, scale: Scale, levels: Levels) -> Estimate:
    if isinstance(claim, Proportion):
        estimated = estimate_solved_shares if pairs is None else estimate_solved
        return estimated(*advantages.outcomes, scale.margin, levels)
    result = estimate(advantages.values, scale.margin, levels, scale.reach)
    if isinstance(claim, Trend) and advantages.by_level is not None:
        return replace(result, p_value=page_p(advantages.by_level))
    return result


def _informed_are_equal(
    claim: Comparison, advantages: Advantages, pairs: Pairs | None, scale: Scale, levels: Levels
) -> bool:
    """Whether the informative pairs alone are equivalent, and enough of them."""
    left = len(advantages.values) - advantages.uninformative
    if left < FEWEST_SEEDS or left <= advantages.uninformative or advantages.lopsided > ONE_SIDED_FAILURES:
        return False
    informed, margin = _without_ties(advantages), scale.margin
    if isinstance(claim, Proportion) and pairs is not None:
        only_better, only_than = int((informed > 0).sum()), int((informed < 0).sum())
        return solved_p(only_better, only_than, left, margin) <= levels.equivalence
    if isinstance(claim, TimeToTarget | DataToTarget):
        margin -= cost_of_misses(len(informed), advantages.lopsided)
        return margin > 0 and estimate(informed, margin, levels, scale.reach).equivalent
    return estimate(informed, margin, levels, scale.reach).equivalent


def _without_ties(advantages: Advantages) -> Floats:
    """The advantages without the zeros of pairs that tie without information, which are no evidence of equality."""
    zeros = np.flatnonzero(advantages.values == 0)
    return np.delete(advantages.values, zeros[: advantages.uninformative])


def cost_of_misses(n: int, lopsided: float) -> float:
    """The largest cost of misses of one cell that n pairs do not rule out: the logarithm of a ratio of times, or data.

    A miss costs at least the time, or the data, of a second trial, so misses with probability q increase it by a factor
    of 1 / (1 - q). lopsided: the share of the pairs in which exactly one cell missed the target.
    """
    return float(-np.log1p(-unseen(n, ALPHA, round(lopsided * n)))) if n else np.inf
