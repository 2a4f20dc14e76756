"""Simulate times to target that are known only to within a step, to measure the error rates of their verdicts."""

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
"""The true ratio of times that differ: at the margin."""
_TIME = OutcomeColumn("time_to_target", "updates to a validation loss", "updates", lower_is_better=True, low="low")


def verdict_of_times(
    step: int, seeds: int, generator: np.random.Generator, *, ratio: float = 1.0, spread: float = 0.3
) -> Verdict:
    """The verdict on one claim; the times of the other cell are longer by the factor `ratio`.

    spread: standard deviation of the log times within a seed. With a ratio of 1 both cells have the same distribution;
    larger ratios are lower bounds of the true ratio, since times are rounded up to whole updates.
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
    """The ranges of the times that evaluations every `step` updates give."""
    latest = [step * np.ceil(side / step) for side in (better, than)]
    earliest = [side - step + 1 for side in latest]
    return replace(pairs_of(latest[0], latest[1]), better_low=earliest[0], than_low=earliest[1])
