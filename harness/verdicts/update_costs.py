"""What an update costs: seconds per update of every cell by every backend, from the trials of the speed lane.

Two cells are compared by their ratios within the rounds of the timing blocks that both are in. Medians of their seconds
are compared only where there is no such block.
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
"""What an update takes depends on these alone."""
OF_A_CELL = ("cell", "units", "code")
"""In these the trials differ that are compared; in the others of COST they agree."""


def cost_of_update(trials: pd.DataFrame, frame: pd.DataFrame) -> pd.DataFrame:
    """For each trial (by index) the seconds that an update of its kind takes in the speed lane of its machine.

    trials: of the cells that are compared. frame: with the trials of the speed lane.

    Of the compared cells, the one with the most speed trials is the reference, the first by name among equals. Its
    `seconds_per_update` are the median of its trials. Those of another cell are these times the geometric mean of the
    ratio within rounds (`ratios_of_rounds`) over the timing blocks that both are in. Cells without a block in common
    with the reference have a reference of their own, found in the same way. `in_rounds`: whether the cell is compared
    with another one within rounds. Without speed trials the seconds are NaN.
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
    """The cost of each cell, by speed trials that agree in all of COST but OF_A_CELL."""
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
    """The geometric mean of the ratio within rounds over the blocks that both are in; NaN where there are none."""
    of_cell, of_reference = (timed[["timing_block", *TURNS]] for timed in (trials, reference))
    in_a_block = of_cell[of_cell["timing_block"] != ""]
    ratios = ratios_of_rounds(in_a_block.merge(of_reference, on="timing_block", suffixes=("", "_than")))
    logarithms = np.log(ratios[np.isfinite(ratios) & (ratios > 0)])
    return math.exp(math.fsum(logarithms) / len(logarithms)) if len(logarithms) else math.nan  # in any order the same
