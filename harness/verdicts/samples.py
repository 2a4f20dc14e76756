"""From a claim's pairs to an estimate: at once or, where seeds were added, by interim analyses."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from harness.spec.claims import Comparison, Proportion, TimeToTarget, Trend
from harness.store.interim import InterimAnalyses, InterimAnalysis
from harness.verdicts.advantages import Advantages, Scale, advantages, pooled
from harness.verdicts.arrays import Floats
from harness.verdicts.equivalence import solved_p, unseen
from harness.verdicts.outcomes import OutcomeColumn
from harness.verdicts.pairs import Pairs
from harness.verdicts.proportions import estimate_solved, estimate_solved_shares
from harness.verdicts.resolution import ends, holding_at_both_ends
from harness.verdicts.sequential import with_interim_analyses
from harness.verdicts.stats import ALPHA, FEWEST_SEEDS, ONCE, Estimate, Levels, estimate, once
from harness.verdicts.trends import page_p

ONE_SIDED_FAILURES = 0.05
"""Two cells are not called equal where one alone fails in a larger share of the pairs."""


@dataclass(frozen=True)
class Sample:
    """The advantages of one condition, which has pairs, or of several pooled, with the estimate from them."""

    advantages: Advantages
    estimate: Estimate
    pairs: Pairs | None = None
    analyses: tuple[InterimAnalysis, ...] = ()
    """Where seeds were added."""
    later: int = 0
    """Pairs that came after the last interim analysis."""


def sample_of(
    claim: Comparison,
    conditions: tuple[Pairs, ...],
    outcome: OutcomeColumn,
    scale: Scale,
    interim: InterimAnalyses | None,
    comparisons: int = 1,
) -> Sample:
    """What the pairs of one condition, or of several pooled, say of a claim.

    Without interim analyses, all of them. Else what the last of these has seen, at levels that allow for all of them.
    comparisons: over how many comparisons the error of equivalence, 5 %, is divided.
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
    if not counts:  # nothing that an interim analysis may decide on
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
    """The estimate of a sample of ranges if each were known to be at its middle, as of one analysis."""
    return _estimate(claim, ends(sample.advantages)[1], sample.pairs, scale, ONCE)


def _estimate(claim: Comparison, advantages: Advantages, pairs: Pairs | None, scale: Scale, levels: Levels) -> Estimate:
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
    """Whether the pairs that carry information are equivalent by themselves, and are enough."""
    left = len(advantages.values) - advantages.uninformative
    if left < FEWEST_SEEDS or left <= advantages.uninformative or advantages.lopsided > ONE_SIDED_FAILURES:
        return False
    informed, margin = _without_ties(advantages), scale.margin
    if isinstance(claim, Proportion) and pairs is not None:
        only_better, only_than = int((informed > 0).sum()), int((informed < 0).sum())
        return solved_p(only_better, only_than, left, margin) <= levels.equivalence
    if isinstance(claim, TimeToTarget):
        margin -= cost_of_misses(len(informed), advantages.lopsided)
        return margin > 0 and estimate(informed, margin, levels).equivalent
    return estimate(informed, margin, levels, scale.reach).equivalent


def _without_ties(advantages: Advantages) -> Floats:
    """The advantages without those of pairs that tie without information, which are zeros: no evidence of equality."""
    zeros = np.flatnonzero(advantages.values == 0)
    return np.delete(advantages.values, zeros[: advantages.uninformative])


def cost_of_misses(n: int, lopsided: float) -> float:
    """What misses that n pairs do not rule out may cost one cell: the logarithm of a ratio of times.

    A miss costs at least the time of a second trial, so that a probability q of it lengthens the time by 1 / (1 - q).
    lopsided: the share of the pairs in which one cell alone missed the target.
    """
    return float(-np.log1p(-unseen(n, ALPHA, round(lopsided * n)))) if n else np.inf
