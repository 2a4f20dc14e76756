"""Sample sizes: the number of seeds for 80 % power in paired comparisons.

Results are at most `ADVISED`, or the present number of seeds if that is larger; this maximum plus one means that more
seeds are required.
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
"""The largest number of seeds that a verdict advises; if more are required, it advises other changes."""


def power_of_t(effect_in_sd: float, n: int, alpha: float = ALPHA) -> float:
    """The power of a two-sided paired t-test with n pairs; effect_in_sd: the true mean in standard deviations."""
    critical = special.stdtrit(n - 1, 1 - alpha / 2)
    shift = min(abs(effect_in_sd) * np.sqrt(n), 35.0)  # above 35 the power is 1
    wrong_side = special.nctdtr(n - 1, shift, -critical) if shift < 3 else 0.0  # above 3 it is below 1e-6
    return float(1 - special.nctdtr(n - 1, shift, critical) + wrong_side)


def seeds_for_difference(differences: Floats, margin: float, alpha: float = ALPHA) -> int | None:
    """Total number of seeds for 80 % power to detect a mean of `margin`, at the spread of the differences, (n,).

    If some differences are infinite, the spread is estimated from the quartiles. None if it cannot be estimated (fewer
    than 2 differences, equal differences, infinite quartiles).
    """
    spread = _spread(differences)
    if not np.isfinite(spread) or spread == 0:
        return None
    return _smallest(round(margin / spread, 6), round(alpha, 8), max(ADVISED, len(differences)))


def seeds_for_equality(differences: Floats, margin: float) -> int | None:
    """Total number of seeds at which graded differences with this mean and spread, (n,), would be equivalent.

    It uses an approximation of the critical values of `graded_p`, within 7 % of them from 5 seeds on. None for fewer
    than 2 differences, infinite differences, or a mean beyond the margin.
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


def seeds_for_proportion(first: Floats, second: Floats, margin: float, alpha: float = ALPHA) -> int:
    """Total number of seeds for 80 % power of McNemar's test to detect a difference of `margin` (Connor 1987).

    The share of discordant pairs is the observed one, with one discordant and one concordant pair added, and at least
    the margin.
    """
    n = len(first)
    discordant = max((float((first != second).sum()) + 1) / (n + 2), margin)
    z_alpha, z_power = special.ndtri(1 - alpha / 2), special.ndtri(POWER)
    root = z_alpha * np.sqrt(discordant) + z_power * np.sqrt(max(discordant - margin**2, 0.0))
    return int(np.clip(np.ceil(root**2 / margin**2), FEWEST_SEEDS, max(ADVISED, n) + 1))


def _spread(d: Floats) -> float:
    """The standard deviation; with infinite values, the interquartile range over 1.349, that of a standard normal."""
    if np.isfinite(d).all():
        return float(d.std(ddof=1)) if len(d) > 1 else np.nan
    low, high = np.quantile(d, [0.25, 0.75], method="closest_observation")
    return float((high - low) / 1.349) if np.isfinite(low) and np.isfinite(high) else np.nan


@lru_cache(maxsize=4096)
def _smallest(effect_in_sd: float, alpha: float, most: int) -> int:
    return fewest(lambda n: power_of_t(effect_in_sd, n, alpha) >= POWER, FEWEST_SEEDS, most) or most + 1


def fewest(passes: Callable[[int], bool], low: int = 1, most: int = ADVISED) -> int | None:
    """The smallest number of seeds that passes, if all larger numbers pass too; None if none up to `most` passes."""
    place = bisect_left(range(low, most + 1), True, key=passes)
    return low + place if low + place <= most else None
