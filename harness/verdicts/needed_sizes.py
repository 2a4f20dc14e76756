"""The training data that a seed needs to solve the task: from what it solves at each size to a range of sizes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from harness.verdicts.arrays import Floats
from harness.verdicts.pairs import Pairs


def needed_sizes(pairs: Pairs) -> Pairs:
    """The smallest of the levels, sizes of the training set, at which each seed solves the task, (seeds,).

    pairs: 1 where a seed solves the task, 0 where it does not, NaN for a failed trial, (seeds, levels)

    NaN if a seed solves the task at no size. The data that it needs may also be fewer than that size, but are more than
    the next smaller one (`better_low`, `than_low`); below the smallest size, more than half of it.
    """
    levels = np.array(pairs.levels)
    before = np.concatenate([levels[:1] / 2, levels[:-1]])
    lowest = np.minimum(before + 1, levels)
    better, than = (_first(np.nan_to_num(side) > 0, levels) for side in (pairs.better, pairs.than))
    better_low, than_low = (_first(np.nan_to_num(side) > 0, lowest) for side in (pairs.better, pairs.than))
    return replace(pairs, better=better, than=than, better_low=better_low, than_low=than_low)


def _first(solved: np.typing.NDArray[np.bool_], values: Floats) -> Floats:
    """The value, (levels,), of the first level that each seed solves, (seeds,); NaN without such a level."""
    return np.where(solved.any(axis=1), values[solved.argmax(axis=1)], np.nan)
