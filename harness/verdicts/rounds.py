"""Ratios within rounds: what the trials of one timing block say about each other, and how many rounds it takes.

The unit of comparison is the round. Whatever slows the machine slows all trials of a round, so the median of the ratios
within rounds is steady where a ratio of medians is not. Each block gives one ratio; blocks, which have other processes
and seeds, are the replicates that a verdict is judged by.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.verdicts.arrays import Floats
from harness.verdicts.stats import median_interval, median_rank

COLUMN = "seconds_per_update"
"""The column that is measured in turns."""
TURNS = ("rounds", "timing_group", "reference_rounds")
"""The columns of a trial's `Turns`."""
FEWEST_ROUNDS = 10
MOST_ROUNDS = 30
"""Not more, because processes that do the same differ in speed, which rounds do not average out and blocks do."""
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


class Turns(NamedTuple):
    """Seconds per update of a trial in the rounds of its timing block."""

    rounds: Sequence[float]
    group: int | None = None
    """The part of a block that was split, in which the trial was timed."""
    reference_rounds: Sequence[float] = ()
    """Of the trial that is in all groups, in the same rounds."""


def with_ratios_of_rounds(pairs: pd.DataFrame) -> pd.DataFrame:
    """The pairs of trials, with the second outcome such that the ratio of both is that of their rounds.

    Columns: outcome, timing_block, rounds, timing_group and reference_rounds, and the same with '_than'. Pairs of
    trials that took no turns stay as they are. Pairs of two different blocks are left out, since no round has both; so
    are those of two groups of a block that was split, where the trial that is in all groups has no rounds.
    """
    pairs = pairs[pairs["timing_block"] == pairs["timing_block_than"]]
    ratios = ratios_of_rounds(pairs)
    unknown = (pairs["timing_group"] != pairs["timing_group_than"]) & np.isnan(ratios)
    kept = ~(unknown & pairs["outcome"].notna() & pairs["outcome_than"].notna())
    outcome_than = pairs["outcome_than"].where(np.isnan(ratios), pairs["outcome"] / ratios)
    compared: pd.DataFrame = pairs.assign(outcome_than=outcome_than)[kept]
    return compared


def ratios_of_rounds(pairs: pd.DataFrame) -> Floats:
    """The median ratio of the rounds of each pair of trials of one block, (pairs,); NaN where no round has both.

    Columns: rounds, timing_group and reference_rounds, and the same with '_than'.
    """
    both = zip(_turns(pairs, ""), _turns(pairs, "_than"), strict=True)
    return np.array([ratio(first, second) for first, second in both], dtype=float)


def _turns(pairs: pd.DataFrame, suffix: str) -> list[Turns]:
    columns = (pairs[name + suffix] for name in TURNS)
    return [Turns(json.loads(rounds), group, json.loads(of)) for rounds, group, of in zip(*columns, strict=True)]


def ratio(first: Turns, second: Turns) -> float:
    """The median ratio of the rounds that both trials have; NaN where there are none.

    For trials of two groups it is the ratio of their median ratios to the trial that is in both groups.
    """
    if first.group == second.group:
        return _median(_ratios(first.rounds, second.rounds))
    to_reference, second_to_reference = (_ratios(turns.rounds, turns.reference_rounds) for turns in (first, second))
    return _median(to_reference) / _median(second_to_reference)


def ratio_interval(first: Turns, second: Turns) -> tuple[float, float]:
    """The 95 % interval of `ratio`, by order statistics; from 0 to infinity below 6 rounds.

    For trials of two groups its ends are the outermost ones that the intervals of both ratios to the trial in both
    groups allow.
    """
    if first.group == second.group:
        low, high = median_interval(np.log(_ratios(first.rounds, second.rounds)))
    else:
        (low, high), (second_low, second_high) = (
            median_interval(np.log(_ratios(turns.rounds, turns.reference_rounds))) for turns in (first, second)
        )
        low, high = low - second_high, high - second_low
    return float(np.exp(low)), float(np.exp(high))


def _ratios(first: Sequence[float], second: Sequence[float]) -> Floats:
    """Within the rounds that both have."""
    count = min(len(first), len(second))
    return np.asarray(np.array(first[:count]) / np.array(second[:count]), dtype=float)


def _median(ratios: Floats) -> float:
    return float(np.median(ratios)) if len(ratios) else np.nan
