"""How a comparison's cells stand against the task's baselines."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from harness.spec.claims import Comparison
from harness.verdicts.outcomes import OutcomeColumn
from harness.verdicts.pairs import Pairs


@dataclass(frozen=True)
class AgainstBaseline:
    """A cell's mean over its seeds, and the score of the best baseline, in one condition."""

    cell: str
    baseline: str
    mean: float
    score: float
    beats: bool


def against_baselines(claim: Comparison, pairs: Pairs, outcome: OutcomeColumn) -> tuple[AgainstBaseline, ...]:
    """How each cell stands against the best of the baselines; empty where there are none."""
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
