"""For undecided claims, the probabilities of a difference beyond the margin, in either direction, or within it.

They come from the confidence distribution of the claim (Xie and Singh 2013, International Statistical Review 81:3): its
2.5 % and 97.5 % quantiles are the bounds of the 95 % interval.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy import special

from harness.spec.claims import Comparison, Proportion
from harness.verdicts.advantages import at_ends
from harness.verdicts.arrays import Floats
from harness.verdicts.equivalence import constant
from harness.verdicts.proportions import difference_interval
from harness.verdicts.resolution import ends
from harness.verdicts.samples import Sample
from harness.verdicts.stats import RESAMPLING_FROM, bounded_by, subset_means


@dataclass(frozen=True)
class Lean:
    """Probabilities of a difference beyond the margin for the claim, within it, and beyond it against the claim."""

    favour: float
    within: float
    against: float


def lean(claim: Comparison, sample: Sample, margin: float) -> Lean | None:
    """The probabilities for a sample; margin: in the unit of its advantages.

    None if the sample has no distribution: fewer than 2 informative seeds, or all differences equal. Times that are
    known as ranges count as their midpoints.
    """
    if sample.advantages.ends is not None:
        first, last = (lean(claim, replace(sample, advantages=end), margin) for end in at_ends(sample.advantages))
        return _of_both_ends(first, last) if first and last else None
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


def _of_both_ends(first: Lean, last: Lean) -> Lean:
    """The probabilities for the smaller of two advantages, without use of how the two depend on each other."""
    favour, against = min(first.favour, last.favour), max(first.against, last.against)
    return Lean(favour, max(0.0, 1 - favour - against), against)


def _of_differences(d: Floats) -> Callable[[float], float]:
    """The confidence distribution function of the location of differences, (n,), ascending."""
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
    """The confidence distribution function of the difference of two paired proportions, (n,) each (Newcombe)."""
    effect = float(first.mean() - second.mean())

    def below(value: float) -> float:
        if value == effect:
            return 0.5
        low, high = 0.0, 1.0
        for _ in range(40):  # bisect for the confidence at which a bound of the interval equals the value
            middle = (low + high) / 2
            start, end = difference_interval(first, second, middle)
            if start < value < end:
                high = middle
            else:
                low = middle
        return (1 + low) / 2 if value > effect else (1 - low) / 2

    return below
