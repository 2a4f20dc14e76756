"""Outcomes that are known only as ranges: a time to target lies between two evaluations, the data needed between two
sizes of the training set.

The advantage of a seed is then a range too, and so is the mean advantage, for any number of seeds. Verdicts hold for
both ends of the range: the interval of the effect reaches from the lower bound at the lower ends to the upper bound at
the upper ends; the p-value is the larger of the two, and 1 if the ends differ in sign (partial identification: Manski
2003, Partial Identification of Probability Distributions; the interval covers the whole identified set: Horowitz and
Manski 2000, Journal of the American Statistical Association 95:77).
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
    """The resolution of the outcomes of a sample, and how it affects the verdict."""

    step: float
    """See `step_of`."""
    too_coarse: bool
    """Whether the claim is undecided, and no number of seeds would decide it."""
    finer_helps: bool
    """Whether the claim is undecided, and more frequent evaluations, or more sizes, might decide it."""
    finer: int | None = None
    """A sufficient number of updates between evaluations, if known."""


def ends(advantages: Advantages) -> tuple[Advantages, Advantages, Advantages]:
    """The advantages at the lower ends, the midpoints and the upper ends of their ranges."""
    middle = replace(advantages, low=None, high=None)
    low, high = (advantages.values if end is None else end for end in (advantages.low, advantages.high))
    return replace(middle, values=low), middle, replace(middle, values=high)


def holding_at_both_ends(low: Estimate, middle: Estimate, high: Estimate) -> Estimate:
    """One estimate from the estimates at the lower ends, the midpoints and the upper ends of the same n advantages."""
    agree = low.effect * high.effect > 0
    return replace(
        middle,
        low=min(low.low, high.low),
        high=max(low.high, high.high),
        p_value=max(low.p_value, high.p_value) if agree else 1.0,
        equivalent=low.equivalent and high.equivalent,
    )


def step_of(conditions: tuple[Pairs, ...], outcome: OutcomeColumn) -> float | None:
    """The widest range of an outcome, in its unit; None for exact outcomes.

    For updates and training data it is the number of possible values.
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
    return float(np.max(known) + (outcome.unit != "s"))


def too_coarse(advantages: Advantages, scale: Scale) -> bool:
    """Whether no number of seeds would decide: the range of the mean has zero and a value beyond the margin."""
    if advantages.low is None or advantages.high is None or len(advantages.values) < FEWEST_SEEDS:
        return False
    finite = np.isfinite(advantages.values)
    if not finite.any():
        return False
    low, high = float(advantages.low[finite].mean()), float(advantages.high[finite].mean())
    return low <= 0 <= high and max(-low, high) > scale.margin


def decided(result: Estimate) -> bool:
    """Whether an estimate decides a claim, without correction for other claims."""
    return result.equivalent or (result.p_value <= ALPHA and (result.low > 0 or result.high < 0))


def finer(conditions: tuple[Pairs, ...], outcome: OutcomeColumn, scale: Scale) -> int | None:
    """Updates between evaluations that correspond to half the margin at the median time; None for times in seconds."""
    if outcome.unit != "updates":
        return None
    times = np.concatenate([side for pairs in conditions for side in (pairs.better, pairs.than)])
    times = times[np.isfinite(times)]
    return max(1, int(np.expm1(scale.margin) * np.median(times) / 2)) if len(times) else 1
