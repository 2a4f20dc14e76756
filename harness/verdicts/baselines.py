"""Compare the cells of a claim with the baselines of the task."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from harness.spec.claims import Comparison
from harness.verdicts.outcomes import OutcomeColumn
from harness.verdicts.pairs import Pairs


@dataclass(frozen=True)
class AgainstBaseline:
    """The mean of a cell over its seeds and the score of the best baseline, in one condition."""

    cell: str
    baseline: str
    mean: float
    score: float
    beats: bool


def against_baselines(claim: Comparison, pairs: Pairs, outcome: OutcomeColumn) -> tuple[AgainstBaseline, ...]:
    """Compare each cell with the best baseline; empty if the condition has no baselines."""
    if not pairs.baselines:
        return ()
    lower = outcome.lower_is_better
    name, score = (min if lower else max)(pairs.baselines, key=lambda baseline: baseline[1])
    means = []
    for cell, values in ((claim.better, pairs.better), (claim.than, pairs.than)):
        finished = values[np.isfinite(values)]
        if len(finished):
            mean = float(finished.mean())
            means.append(AgainstBaseline(cell, name, mean, score, beats=mean < score if lower else mean > score))
    return tuple(means)
