"""How many seeds it would take: sample sizes for paired comparisons at 80 % power.

Numbers of seeds are computed up to `ADVISED`, or up to the seeds there are where these are more. Where still more would
be needed, the result is that number plus one.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from scipy import special

from harness.verdicts.arrays import Floats
from harness.verdicts.stats import ALPHA, FEWEST_SEEDS

POWER = 0.8
ADVISED = 100
"""The largest number of seeds that a verdict advises; beyond it, something else is advised."""


def power_of_t(effect_in_sd: float, n: int, alpha: float = ALPHA) -> float:
    """The power of a two-sided paired t test with n pairs against a mean of so many standard deviations."""
    critical = special.stdtrit(n - 1, 1 - alpha / 2)
    shift = min(abs(effect_in_sd) * np.sqrt(n), 35.0)  # beyond, the power is 1
    wrong_side = special.nctdtr(n - 1, shift, -critical) if shift < 3 else 0.0  # beyond, below one in a million
    return float(1 - special.nctdtr(n - 1, shift, critical) + wrong_side)


def seeds_for_difference(differences: Floats, margin: float, alpha: float = ALPHA) -> int | None:
    """Seeds, in all, for 80 % power against a mean of `margin` at the spread of the differences seen, (n,).

    The spread of infinite differences is taken from the quartiles where these are finite. None where it cannot be
    estimated (fewer than 2 differences, no spread).
    """
    n = len(differences)
    spread = _spread(differences)
    if n < 2 or not np.isfinite(spread) or spread == 0 or margin <= 0:
        return None
    return _smallest(round(margin / spread, 6), round(alpha, 8), max(ADVISED, n))


def seeds_for_equality(differences: Floats, margin: float) -> int | None:
    """Seeds, in all, at which graded differences of this mean and spread, (n,), would be called equivalent.

    By an approximation of the critical values of `graded_p`, within 7 % of them from 5 seeds on. None where it cannot
    be estimated (see `seeds_for_difference`), or the mean is not within the margin.
    """
    n = len(differences)
    if n < 2 or not np.isfinite(differences).all():
        return None
    room, spread = margin - abs(float(differences.mean())), float(differences.std(ddof=1))
    if room <= 0:
        return None
    counts = np.arange(FEWEST_SEEDS, max(ADVISED, n) + 1)
    critical = special.ndtri(1 - ALPHA) + 1.79 / np.sqrt(counts) + 9.3 / counts
    enough = critical * spread / np.sqrt(counts) <= room
    return int(counts[enough.argmax()] if enough.any() else counts[-1] + 1)


def seeds_for_proportion(first: Floats, second: Floats, margin: float, alpha: float = ALPHA) -> int | None:
    """Seeds, in all, for 80 % power of McNemar's test against a difference of `margin` (Connor 1987).

    The share of discordant pairs is as seen, half a pair added to each kind, and at least the margin.
    """
    n = len(first)
    if n == 0:
        return None
    discordant = max((float((first != second).sum()) + 1) / (n + 2), margin)
    z_alpha, z_power = special.ndtri(1 - alpha / 2), special.ndtri(POWER)
    root = z_alpha * np.sqrt(discordant) + z_power * np.sqrt(max(discordant - margin**2, 0.0))
    return int(np.clip(np.ceil(root**2 / margin**2), FEWEST_SEEDS, max(ADVISED, n) + 1))


def _spread(d: Floats) -> float:
    """Standard deviation; with infinite values, the quartiles' distance over the normal's 1.349."""
    if np.isfinite(d).all():
        return float(d.std(ddof=1)) if len(d) > 1 else np.nan
    low, high = np.quantile(d, [0.25, 0.75], method="closest_observation")
    return float((high - low) / 1.349) if np.isfinite(low) and np.isfinite(high) else np.nan


@lru_cache(maxsize=4096)
def _smallest(effect_in_sd: float, alpha: float, most: int) -> int:
    return fewest(lambda n: power_of_t(effect_in_sd, n, alpha) >= POWER, FEWEST_SEEDS, most) or most + 1


def fewest(passes: Callable[[int], bool], low: int = 1, most: int = ADVISED) -> int | None:
    """The smallest number of seeds that passes, where all larger ones do too; None where none up to `most` does."""
    place = bisect_left(range(low, most + 1), True, key=passes)
    return low + place if low + place <= most else None
