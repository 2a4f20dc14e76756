"""Simulated times to a target that are known to within a step of evaluations: what their verdicts are held to."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from harness.verdicts.arrays import Floats
from harness.verdicts.judge import judge_pairs
from harness.verdicts.outcomes import OutcomeColumn
from harness.verdicts.pairs import PairedTrials, Pairs
from harness.verdicts.verdict import Verdict
from tools.simulate_kinds import comparison, pairs_of

STEPS = (1, 10, 30)
"""Updates between evaluations; times are about 100 updates."""
MARGIN = "25%"
RATIO = 1.25
"""Of the times, where they differ: as large as the margin."""
_TIME = OutcomeColumn("time_to_target", "updates to a validation loss", "updates", lower_is_better=True, low="low")


def verdict_of_times(
    step: int, seeds: int, generator: np.random.Generator, *, ratio: float = 1.0, spread: float = 0.3
) -> Verdict:
    """The verdict on one claim; the other cell's times are `ratio` times longer.

    spread: the standard deviation, within a seed, of the logarithm of a time. A ratio of 1 is exact: both cells' times
    have one distribution. A larger one is exact or exceeded, since times are whole numbers.
    """
    shared = generator.normal(size=seeds)
    better, than = (
        np.ceil(95 * np.exp(spread * (shared + generator.normal(size=seeds)) / np.sqrt(2))) for _ in range(2)
    )
    if ratio != 1.0:
        than = np.ceil(ratio * better * np.exp(spread * generator.normal(size=seeds)))
    claim = comparison("time-to-target", target=1.0, margin=MARGIN)
    return judge_pairs([(claim, PairedTrials((_seen(better, than, step),)), _TIME)])[0]


def _seen(better: Floats, than: Floats, step: int) -> Pairs:
    """The times as evaluations every `step` updates see them."""
    latest = [step * np.ceil(side / step) for side in (better, than)]
    earliest = [side - step + 1 for side in latest]
    return replace(pairs_of(latest[0], latest[1]), better_low=earliest[0], than_low=earliest[1])
