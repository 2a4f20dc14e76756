"""Which way an undecided claim leans: the probabilities that the difference is beyond the margin, or within it.

They are read off the confidence distribution whose quantiles are the ends of the claim's intervals (Xie and Singh 2013,
International Statistical Review 81:3): with it, the 95 % interval is the range from its 2.5 % to its 97.5 % quantile.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import special

from harness.spec.claims import Comparison, Proportion
from harness.verdicts.arrays import Floats
from harness.verdicts.equivalence import constant
from harness.verdicts.proportions import difference_interval
from harness.verdicts.resolution import ends
from harness.verdicts.samples import Sample
from harness.verdicts.stats import RESAMPLING_FROM, bounded_by, subset_means


@dataclass(frozen=True)
class Lean:
    """Probabilities, 1 in all: the difference is beyond the margin in favour of the claim, within it, or against it."""

    favour: float
    within: float
    against: float


def lean(claim: Comparison, sample: Sample, margin: float) -> Lean | None:
    """The probabilities of a sample, whose advantages are on the scale of the margin.

    None where the sample has no distribution: fewer than 2 seeds that carry information, or differences without spread.
    Times that are known to within a step are read in the middle of it.
    """
    advantages = ends(sample.advantages)[1] if sample.advantages.low is not None else sample.advantages
    if len(advantages.values) - advantages.uninformative < 2:
        return None
    if isinstance(claim, Proportion):
        below = _of_proportions(*advantages.outcomes)
    else:
        d = np.sort(advantages.values)
        if np.isfinite(d).all() and constant(d):
            return None
        below = _of_differences(d)
    against, not_favour = below(-margin), below(margin)
    return Lean(1 - not_favour, not_favour - against, against)


def _of_differences(d: Floats) -> Callable[[float], float]:
    """The probability that the location of differences, (n,) and ascending, is below a value."""
    known = d[np.isfinite(d)]
    n = len(d)
    if n < RESAMPLING_FROM and n > len(known) > n / 2 and known.any():
        d = known = bounded_by(d, float(np.abs(known).max()))
    if len(known) < n:

        def below_median(value: float) -> float:
            count = int((d < value).sum())
            return float((special.bdtr(count - 1, n, 0.5) if count else 0.0) + special.bdtr(count, n, 0.5)) / 2

        return below_median
    if n < RESAMPLING_FROM:
        error = d.std(ddof=1) / np.sqrt(n)
        return lambda value: float(special.stdtr(n - 1, (value - d.mean()) / error))
    means = np.sort(subset_means(d))
    return lambda value: float((np.searchsorted(means, value) + 0.5) / (len(means) + 1))


def _of_proportions(first: Floats, second: Floats) -> Callable[[float], float]:
    """The probability that the difference of two paired shares, (n,) each, is below a value: Newcombe's interval."""
    effect = float(first.mean() - second.mean())

    def below(value: float) -> float:
        if value == effect:
            return 0.5
        low, high = 0.0, 1.0
        for _ in range(40):  # the confidence at which the interval ends at the value
            middle = (low + high) / 2
            start, end = difference_interval(first, second, middle)
            if start < value < end:
                high = middle
            else:
                low = middle
        return (1 + low) / 2 if value > effect else (1 - low) / 2

    return below
