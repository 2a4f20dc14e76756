"""Ratios within rounds: compare the trials of a timing block, and decide how many rounds the block needs.

The round is the unit of comparison. A disturbance of the machine slows all trials of a round, so that the median of the
ratios within rounds is more stable than the ratio of medians. Each block gives one ratio. Blocks have different
processes and seeds; they are the replicates of a verdict.
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
"""The column that timing blocks measure."""
TURNS = ("rounds", "timing_group", "reference_rounds")
"""The columns of a trial's `Turns`."""
FEWEST_ROUNDS = 10
MOST_ROUNDS = 30
"""An upper limit, because equal processes differ in speed: more blocks average that out, more rounds do not."""
PRECISION = 0.02
"""Rounds are added until the half-width of the 95 % interval of each ratio is at most this share of the ratio, unless a
claim requires a higher precision (harness/runner/precision.py)."""


def half_width(log_ratios: Floats) -> Floats:
    """Half-width of the 95 % interval of a median ratio (by order statistics), as a share of the ratio.

    log_ratios: logarithms of the ratios within rounds, (..., rounds). The result has the shape of the leading axes; it
    is infinite for fewer than 6 rounds.
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
    """Whether a block ends after this number of rounds; `most` is the maximum.

    widest: the largest `half_width` of the block's ratios; an array for several blocks
    """
    fewest = min(FEWEST_ROUNDS, most)
    return np.asarray(((np.asarray(widest) <= precision) | (rounds >= most)) & (rounds >= fewest))


class Turns(NamedTuple):
    """The seconds per update of a trial in each round of its timing block."""

    rounds: Sequence[float]
    group: int | None = None
    """If the block was split into groups, the group of the trial."""
    reference_rounds: Sequence[float] = ()
    """Seconds per update of the reference trial, which is in all groups, in the same rounds."""


def with_ratios_of_rounds(pairs: pd.DataFrame) -> pd.DataFrame:
    """Replace the second outcome of each pair of trials, so that the ratio of the outcomes is the ratio within rounds.

    Columns: outcome, timing_block, rounds, timing_group and reference_rounds, and the same with '_than'. Pairs of
    trials without rounds stay unchanged. Pairs of different blocks are left out, because they share no round, and so
    are pairs of different groups of a block whose reference trial has no rounds.
    """
    pairs = pairs[pairs["timing_block"] == pairs["timing_block_than"]]
    ratios = ratios_of_rounds(pairs)
    unknown = (pairs["timing_group"] != pairs["timing_group_than"]) & np.isnan(ratios)
    kept = ~(unknown & pairs["outcome"].notna() & pairs["outcome_than"].notna())
    outcome_than = pairs["outcome_than"].where(np.isnan(ratios), pairs["outcome"] / ratios)
    compared: pd.DataFrame = pairs.assign(outcome_than=outcome_than)[kept]
    return compared


def ratios_of_rounds(pairs: pd.DataFrame) -> Floats:
    """The median ratio within rounds of each pair of trials of one block, (pairs,); NaN if they share no round.

    Columns: rounds, timing_group and reference_rounds, and the same with '_than'.
    """
    both = zip(_turns(pairs, ""), _turns(pairs, "_than"), strict=True)
    return np.array([ratio(first, second) for first, second in both], dtype=float)


def _turns(pairs: pd.DataFrame, suffix: str) -> list[Turns]:
    columns = (pairs[name + suffix] for name in TURNS)
    return [Turns(json.loads(rounds), group, json.loads(of)) for rounds, group, of in zip(*columns, strict=True)]


def ratio(first: Turns, second: Turns) -> float:
    """The median ratio of two trials over the rounds that both have; NaN if there are none.

    For trials of different groups it is the ratio of their median ratios to the reference trial.
    """
    if first.group == second.group:
        return _median(_ratios(first.rounds, second.rounds))
    to_reference, second_to_reference = (_ratios(turns.rounds, turns.reference_rounds) for turns in (first, second))
    return _median(to_reference) / _median(second_to_reference)


def ratio_interval(first: Turns, second: Turns) -> tuple[float, float]:
    """The 95 % interval of `ratio`, by order statistics; from 0 to infinity for fewer than 6 rounds.

    For trials of different groups it is the widest interval that the intervals of both ratios to the reference trial
    allow.
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
    """The ratios within the rounds that both trials have."""
    count = min(len(first), len(second))
    return np.asarray(np.array(first[:count]) / np.array(second[:count]), dtype=float)


def _median(ratios: Floats) -> float:
    return float(np.median(ratios)) if len(ratios) else np.nan
