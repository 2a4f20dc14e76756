"""From a claim's pairs to an estimate: at once or, where seeds were added while it was looked at, look by look."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from harness.spec.claims import Comparison, Proportion, TimeToTarget, Trend
from harness.store.looks import Look, Looks
from harness.verdicts.advantages import Advantages, Scale, advantages, pooled
from harness.verdicts.arrays import Floats
from harness.verdicts.equivalence import unseen
from harness.verdicts.outcomes import Outcome
from harness.verdicts.pairs import Pairs
from harness.verdicts.proportions import estimate_solved, estimate_solved_shares
from harness.verdicts.resolution import ends, holding_at_both_ends
from harness.verdicts.sequential import looked
from harness.verdicts.stats import ALPHA, FEWEST_SEEDS, ONCE, Estimate, Levels, estimate, once
from harness.verdicts.trends import page_p

ONE_SIDED_FAILURES = 0.05
"""Two cells are not called equal where one alone fails in a larger share of the pairs."""


@dataclass(frozen=True)
class _Sample:
    """Advantages to be judged: of one condition, which has pairs, or of several pooled."""

    found: Advantages
    pairs: Pairs | None
    seeds_left_out: bool = False


@dataclass(frozen=True)
class Judged:
    """A sample with its estimate, and what was seen of it while seeds were added."""

    found: Advantages
    estimate: Estimate
    pairs: Pairs | None
    seeds_left_out: bool
    looks: tuple[Look, ...] = ()
    later: int = 0
    """Pairs that came after the last look."""


def judged(
    claim: Comparison,
    conditions: tuple[Pairs, ...],
    outcome: Outcome,
    scale: Scale,
    looks: Looks | None,
    comparisons: int = 1,
) -> Judged:
    """What the pairs of one condition, or of several pooled, say of a claim.

    Without looks, all of them, as looked at once. With looks, what these have seen, at levels that allow for them.
    comparisons: over how many comparisons the error of equivalence, 5 %, is divided.
    """
    whole = _sample(claim, conditions, outcome, scale)
    if looks is None:
        result = _estimate(claim, whole, scale, once(comparisons))
        return Judged(whole.found, result, whole.pairs, whole.seeds_left_out)
    by_count: dict[int, _Sample] = {}
    for through in looks.through:
        seen = tuple(pairs.up_to(through) for pairs in conditions)
        if all(pairs.seeds for pairs in seen):
            sample = _sample(claim, seen, outcome, scale)
            by_count[len(sample.found.values)] = sample
    counts = [n for n in sorted(by_count) if FEWEST_SEEDS <= n <= looks.most]
    if not counts:  # nothing that a look may decide on
        result = replace(_estimate(claim, whole, scale, ONCE), p_value=1.0, equivalent=False)
        return Judged(whole.found, result, whole.pairs, whole.seeds_left_out)
    result, path = looked(
        lambda n, levels: _estimate(claim, by_count[n], scale, levels), counts, looks.most, comparisons
    )
    last = by_count[counts[-1]]
    return Judged(last.found, result, last.pairs, last.seeds_left_out, path, len(whole.found.values) - result.n)


def _sample(claim: Comparison, conditions: tuple[Pairs, ...], outcome: Outcome, scale: Scale) -> _Sample:
    samples = [(pairs, advantages(claim, pairs, outcome, scale)) for pairs in conditions]
    if len(samples) == 1:
        return _Sample(samples[0][1], samples[0][0])
    together, left_out = pooled(samples, scale)
    return _Sample(together, None, left_out)


def if_exact(claim: Comparison, sample: Judged, scale: Scale) -> Estimate:
    """The estimate of a sample of ranges if each were known to be at its middle, as of one analysis."""
    return _estimate(claim, _Sample(ends(sample.found)[1], sample.pairs), scale, ONCE)


def _estimate(claim: Comparison, sample: _Sample, scale: Scale, levels: Levels) -> Estimate:
    if sample.found.low is not None:
        readings = (replace(sample, found=found) for found in ends(sample.found))
        return holding_at_both_ends(*(_estimate(claim, reading, scale, levels) for reading in readings))
    result = _estimated(claim, sample, scale, levels)
    if not result.equivalent:
        return result
    found, pairs = sample.found, sample.pairs
    informed = _without_ties(found)
    if isinstance(claim, Proportion) and pairs is not None:
        told = ~(np.isnan(pairs.better) & np.isnan(pairs.than))
        solved = [np.nan_to_num(side[told]) for side in (pairs.better, pairs.than)]
        equivalent = estimate_solved(solved[0], solved[1], scale.margin, levels).equivalent
    elif isinstance(claim, TimeToTarget):
        margin = scale.margin - cost_of_misses(len(informed), found.lopsided)
        equivalent = margin > 0 and estimate(informed, margin, levels).equivalent
    else:
        equivalent = estimate(informed, scale.margin, levels, scale.reach).equivalent
    left = result.n - found.uninformative
    enough = left >= FEWEST_SEEDS and left > found.uninformative and found.lopsided <= ONE_SIDED_FAILURES
    return replace(result, equivalent=equivalent and enough)


def _estimated(claim: Comparison, sample: _Sample, scale: Scale, levels: Levels) -> Estimate:
    found, pairs = sample.found, sample.pairs
    if isinstance(claim, Proportion):
        if pairs is None:
            better, than = (np.array([getattr(pair, side) for pair in found.pairs]) for side in ("better", "than"))
            return estimate_solved_shares(better, than, scale.margin, levels)
        solved = [np.nan_to_num(side) for side in (pairs.better, pairs.than)]
        return estimate_solved(solved[0], solved[1], scale.margin, levels)
    result = estimate(found.values, scale.margin, levels, scale.reach)
    if isinstance(claim, Trend) and found.by_level is not None:
        return replace(result, p_value=page_p(found.by_level), method="slope by seed, Page's test")
    return result


def _without_ties(found: Advantages) -> Floats:
    """The advantages without those of pairs that tie without information, which are zeros: no evidence of equality."""
    zeros = np.flatnonzero(found.values == 0)
    return np.delete(found.values, zeros[: found.uninformative])


def cost_of_misses(n: int, lopsided: float) -> float:
    """What misses that n pairs do not rule out may cost one cell: the logarithm of a ratio of times.

    A miss costs at least the time of a second trial, so that a probability q of it lengthens the time by 1 / (1 - q).
    lopsided: the share of the pairs in which one cell alone missed the target.
    """
    return float(-np.log1p(-unseen(n, ALPHA, round(lopsided * n)))) if n else np.inf
