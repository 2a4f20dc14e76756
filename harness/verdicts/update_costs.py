"""Seconds per update of every cell and backend, from the trials of the speed lane.

Two cells are compared by their ratios within rounds, over the timing blocks that have both. Medians of their seconds
are compared only if there is no such block.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from harness.spec.factors import columns
from harness.verdicts.counted import compared
from harness.verdicts.rounds import COLUMN, TURNS, ratios_of_rounds

COST = (*columns(lambda factor: factor.cost), "machine")
"""The columns that determine the seconds per update."""
OF_A_CELL = ("cell", "units", "code")
"""The columns of COST in which compared trials differ; they agree in the others."""


def cost_of_update(trials: pd.DataFrame, frame: pd.DataFrame) -> pd.DataFrame:
    """For each trial (by index), the `seconds_per_update` of its configuration in the speed lane of its machine.

    trials: the trials of the compared cells
    frame:  a frame with the trials of the speed lane

    The reference is the compared cell with the most speed trials, the first by name in a tie; its seconds are the
    median of its trials. The seconds of another cell are those of the reference times the geometric mean, over the
    timing blocks that have both, of their ratio within rounds (`ratios_of_rounds`). Cells that share no block with the
    reference get another reference in the same way. `in_rounds`: whether the cell was compared with another one within
    rounds. Without speed trials the seconds are NaN.
    """
    counted = compared(frame)
    speed = counted[(counted["lane"] == "speed") & (counted["status"] == "ok") & counted[COLUMN].notna()]
    keys = list(COST)
    timed = speed[[*keys, COLUMN, "timing_block", *TURNS]].merge(trials[keys].drop_duplicates(), on=keys)
    conditions = timed.groupby([name for name in keys if name not in OF_A_CELL], dropna=False)
    rows = [row for _, condition in conditions for row in _costs(condition)]
    costs = pd.DataFrame(rows, columns=[*keys, COLUMN, "in_rounds"]).astype(timed[keys].dtypes)
    priced = trials[keys].merge(costs, on=keys, how="left").set_axis(trials.index)
    return priced[[COLUMN, "in_rounds"]].assign(in_rounds=priced["in_rounds"].eq(True))


def _costs(condition: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """The cost of each cell, from speed trials that agree in all columns of COST except OF_A_CELL."""
    cells = [trials for _, trials in condition.groupby(list(OF_A_CELL))]
    cells.sort(key=len, reverse=True)
    while cells:
        reference = cells[0]
        ratios = [1.0, *(_ratio(trials, reference) for trials in cells[1:])]
        in_rounds = np.isfinite(ratios).sum() > 1
        for trials, ratio in zip(cells, ratios, strict=True):
            if np.isfinite(ratio):
                seconds = float(reference[COLUMN].median()) * ratio
                yield {**trials.iloc[0][list(COST)], COLUMN: seconds, "in_rounds": in_rounds}
        cells = [trials for trials, ratio in zip(cells, ratios, strict=True) if not np.isfinite(ratio)]


def _ratio(trials: pd.DataFrame, reference: pd.DataFrame) -> float:
    """The geometric mean of the ratio within rounds over the blocks that have both cells; NaN without such blocks."""
    of_cell, of_reference = (timed[["timing_block", *TURNS]] for timed in (trials, reference))
    in_a_block = of_cell[of_cell["timing_block"] != ""]
    ratios = ratios_of_rounds(in_a_block.merge(of_reference, on="timing_block", suffixes=("", "_than")))
    logarithms = np.log(ratios[np.isfinite(ratios) & (ratios > 0)])
    # fsum, so that the order of the blocks does not change the result
    return math.exp(math.fsum(logarithms) / len(logarithms)) if len(logarithms) else math.nan
