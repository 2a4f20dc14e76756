"""Outcomes that are known to lie between two values: a time to target, reached after one evaluation and by the next.

A seed's advantage then lies in an interval, and so does the mean advantage, however many seeds there are. What is said
holds at both ends: the interval of the effect reaches from the lower bound at the lower ends to the upper bound at the
upper ends, p is the larger one, and 1 where the ends differ in sign (partial identification: Manski 2003, Partial
Identification of Probability Distributions; the interval covers the whole identified set: Horowitz and Manski 2000,
Journal of the American Statistical Association 95:77).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from harness.verdicts.advantages import Advantages, Scale
from harness.verdicts.outcomes import OutcomeColumn
from harness.verdicts.pairs import Pairs
from harness.verdicts.stats import ALPHA, FEWEST_SEEDS, Estimate


@dataclass(frozen=True)
class Resolution:
    """How finely the outcomes of a sample are known, and what that does to its verdict."""

    step: float
    """See `step_of`."""
    too_coarse: bool
    """Whether no number of seeds would decide an undecided claim."""
    finer_helps: bool
    """Whether the claim is undecided, and finer evaluations might decide it."""
    finer: int | None = None
    """Updates between evaluations that would be fine enough, where that is known."""


def ends(advantages: Advantages) -> tuple[Advantages, Advantages, Advantages]:
    """The advantages read as their lower ends, their middles and their upper ends."""
    middle = replace(advantages, low=None, high=None)
    low, high = (advantages.values if end is None else end for end in (advantages.low, advantages.high))
    return replace(middle, values=low), middle, replace(middle, values=high)


def holding_at_both_ends(low: Estimate, middle: Estimate, high: Estimate) -> Estimate:
    """One estimate from those of the lower ends, the middles and the upper ends of the same n advantages."""
    agree = low.effect * high.effect > 0
    return replace(
        middle,
        low=min(low.low, high.low),
        high=max(low.high, high.high),
        p_value=max(low.p_value, high.p_value) if agree else 1.0,
        equivalent=low.equivalent and high.equivalent,
    )


def step_of(conditions: tuple[Pairs, ...], outcome: OutcomeColumn) -> float | None:
    """The widest range in which an outcome is known to lie, in its unit; None where outcomes are exact.

    For a number of updates: how many of them are possible.
    """
    widths = [
        upper - lower
        for pairs in conditions
        for upper, lower in ((pairs.better, pairs.better_low), (pairs.than, pairs.than_low))
        if lower is not None
    ]
    known = np.concatenate(widths or [np.zeros(0)])
    known = known[np.isfinite(known)]
    if not len(known) or np.max(known) <= 0:
        return None
    return float(np.max(known) + (outcome.unit == "updates"))


def too_coarse(advantages: Advantages, scale: Scale) -> bool:
    """Whether no number of seeds would decide: the mean may be zero, and may be beyond the margin."""
    if advantages.low is None or advantages.high is None or len(advantages.values) < FEWEST_SEEDS:
        return False
    finite = np.isfinite(advantages.values)
    if not finite.any():
        return False
    low, high = float(advantages.low[finite].mean()), float(advantages.high[finite].mean())
    return low <= 0 <= high and max(-low, high) > scale.margin


def decided(result: Estimate) -> bool:
    """Whether an estimate that stands alone decides a claim."""
    return result.equivalent or (result.p_value <= ALPHA and (result.low > 0 or result.high < 0))


def finer(conditions: tuple[Pairs, ...], outcome: OutcomeColumn, scale: Scale) -> int | None:
    """Updates between evaluations that make half the margin of a time; None where times are in seconds."""
    if outcome.unit != "updates":
        return None
    times = np.concatenate([side for pairs in conditions for side in (pairs.better, pairs.than)])
    times = times[np.isfinite(times)]
    return max(1, int(np.expm1(scale.margin) * np.median(times) / 2)) if len(times) else 1
