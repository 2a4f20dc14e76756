"""Ratios within rounds: what the trials of one timing block say about each other, and how many rounds it takes.

The unit of comparison is the round. Whatever slows the machine slows all trials of a round, so the median of the ratios
within rounds is steady where a ratio of medians is not. Each block gives one ratio; blocks, which have other processes
and seeds, are the replicates that a verdict is judged by.
"""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.analysis.stats import Floats, median_rank

COLUMN = "seconds_per_update"
"""The column that is measured in turns."""
FEWEST_ROUNDS = 10
MOST_ROUNDS = 60
PRECISION = 0.02
"""Rounds are added until the 95 % interval of each ratio reaches this far to either side of it, as a share; where no
claim says more (harness/runner/precision.py)."""


def half_width(log_ratios: Floats) -> Floats:
    """Half of the 95 % interval (order statistics) of a median ratio, as a share of it.

    log_ratios: logarithms of the ratios within rounds, (..., rounds). The result has the shape of the leading axes; it
    is infinite below 6 rounds.
    """
    rounds = log_ratios.shape[-1]
    rank = median_rank(rounds)
    if rank == 0:
        return np.full(log_ratios.shape[:-1], np.inf)
    ordered = np.sort(log_ratios, axis=-1)
    return np.asarray(np.expm1((ordered[..., rounds - rank] - ordered[..., rank - 1]) / 2))


def are_enough(
    rounds: int, widest: float | Floats, precision: float = PRECISION, most: int = MOST_ROUNDS
) -> NDArray[np.bool_]:
    """Whether a block ends after this number of rounds, of which there are at most `most`.

    widest: the largest `half_width` of its ratios; an array where several blocks are asked about.
    """
    fewest = min(FEWEST_ROUNDS, most)
    return np.asarray(((np.asarray(widest) <= precision) | (rounds >= most)) & (rounds >= fewest))


def with_ratios_of_rounds(pairs: pd.DataFrame) -> pd.DataFrame:
    """The pairs of trials, with the second outcome such that the ratio of both is that of their rounds.

    Columns: outcome, timing_block and rounds, and the same with '_than'. Pairs of trials that took no turns stay as
    they are; pairs of two different blocks are left out, since no round has both.
    """
    apart = pairs["timing_block"] != pairs["timing_block_than"]
    pairs = pairs[~apart]
    ratios = [_ratio(first, second) for first, second in zip(pairs["rounds"], pairs["rounds_than"], strict=True)]
    return pairs.assign(outcome_than=pairs["outcome_than"].where(np.isnan(ratios), pairs["outcome"] / ratios))


def _ratio(first: str, second: str) -> float:
    """The median ratio of the rounds that both have; NaN where there are none."""
    ours, theirs = np.array(json.loads(first)), np.array(json.loads(second))
    count = min(len(ours), len(theirs))
    return float(np.median(ours[:count] / theirs[:count])) if count else np.nan
