"""From a claim's pairs to an estimate: at once or, where seeds were added, by interim analyses."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from harness.spec.claims import Comparison, Proportion, TimeToTarget, Trend
from harness.store.interim import InterimAnalyses, InterimAnalysis
from harness.verdicts.advantages import Advantages, Scale, advantages, pooled
from harness.verdicts.arrays import Floats
from harness.verdicts.equivalence import unseen
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
class _Observed:
    """The advantages of one condition, which has pairs, or of several pooled."""

    advantages: Advantages
    pairs: Pairs | None
    seeds_left_out: bool = False


@dataclass(frozen=True)
class Sample:
    """The advantages of one condition, which has pairs, or of several pooled, with the estimate from them."""

    advantages: Advantages
    estimate: Estimate
    pairs: Pairs | None = None
    seeds_left_out: bool = False
    """Whether seeds that some condition lacks were left out of the pool."""
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
    whole = _observed(claim, conditions, outcome, scale)
    if interim is None:
        result = _estimate(claim, whole, scale, once(comparisons))
        return Sample(whole.advantages, result, whole.pairs, whole.seeds_left_out)
    by_count: dict[int, _Observed] = {}
    for through in interim.through:
        so_far = tuple(pairs.up_to(through) for pairs in conditions)
        if all(pairs.seeds for pairs in so_far):
            observed = _observed(claim, so_far, outcome, scale)
            by_count[len(observed.advantages.values)] = observed
    counts = [n for n in sorted(by_count) if FEWEST_SEEDS <= n <= interim.most]
    if not counts:  # nothing that an interim analysis may decide on
        result = replace(_estimate(claim, whole, scale, ONCE), p_value=1.0, equivalent=False)
        return Sample(whole.advantages, result, whole.pairs, whole.seeds_left_out)
    result, analyses = with_interim_analyses(
        lambda n, levels: _estimate(claim, by_count[n], scale, levels), counts, interim.most, comparisons
    )
    last = by_count[counts[-1]]
    later = len(whole.advantages.values) - result.n
    return Sample(last.advantages, result, last.pairs, last.seeds_left_out, analyses, later)


def _observed(claim: Comparison, conditions: tuple[Pairs, ...], outcome: OutcomeColumn, scale: Scale) -> _Observed:
    by_condition = [(pairs, advantages(claim, pairs, outcome, scale)) for pairs in conditions]
    if len(by_condition) == 1:
        return _Observed(by_condition[0][1], by_condition[0][0])
    together, left_out = pooled(by_condition, scale)
    return _Observed(together, None, left_out)


def if_exact(claim: Comparison, sample: Sample, scale: Scale) -> Estimate:
    """The estimate of a sample of ranges if each were known to be at its middle, as of one analysis."""
    return _estimate(claim, _Observed(ends(sample.advantages)[1], sample.pairs), scale, ONCE)


def _estimate(claim: Comparison, observed: _Observed, scale: Scale, levels: Levels) -> Estimate:
    if observed.advantages.low is not None:
        readings = (replace(observed, advantages=reading) for reading in ends(observed.advantages))
        return holding_at_both_ends(*(_estimate(claim, reading, scale, levels) for reading in readings))
    result = _at_once(claim, observed, scale, levels)
    if not result.equivalent:
        return result
    advantages, pairs = observed.advantages, observed.pairs
    informed = _without_ties(advantages)
    if isinstance(claim, Proportion) and pairs is not None:
        informative = ~(np.isnan(pairs.better) & np.isnan(pairs.than))
        solved = [np.nan_to_num(side[informative]) for side in (pairs.better, pairs.than)]
        equivalent = estimate_solved(solved[0], solved[1], scale.margin, levels).equivalent
    elif isinstance(claim, TimeToTarget):
        margin = scale.margin - cost_of_misses(len(informed), advantages.lopsided)
        equivalent = margin > 0 and estimate(informed, margin, levels).equivalent
    else:
        equivalent = estimate(informed, scale.margin, levels, scale.reach).equivalent
    left = result.n - advantages.uninformative
    enough = left >= FEWEST_SEEDS and left > advantages.uninformative and advantages.lopsided <= ONE_SIDED_FAILURES
    return replace(result, equivalent=equivalent and enough)


def _at_once(claim: Comparison, observed: _Observed, scale: Scale, levels: Levels) -> Estimate:
    advantages, pairs = observed.advantages, observed.pairs
    if isinstance(claim, Proportion):
        if pairs is None:
            better, than = (np.array([getattr(pair, side) for pair in advantages.pairs]) for side in ("better", "than"))
            return estimate_solved_shares(better, than, scale.margin, levels)
        solved = [np.nan_to_num(side) for side in (pairs.better, pairs.than)]
        return estimate_solved(solved[0], solved[1], scale.margin, levels)
    result = estimate(advantages.values, scale.margin, levels, scale.reach)
    if isinstance(claim, Trend) and advantages.by_level is not None:
        return replace(result, p_value=page_p(advantages.by_level))
    return result


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
