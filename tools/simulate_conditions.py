"""Simulate claims with several conditions, to measure how often the verdict is "depends"."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.verdicts.judge import judge_pairs
from harness.verdicts.pairs import PairedTrials
from harness.verdicts.verdict import Verdict
from tools.simulate_kinds import LOSS, comparison, pairs_of

MARGIN = 0.5
"""The margin of a difference of losses, in standard deviations of one cell."""
CLAIMS = 4
"""Number of claims of an experiment."""
SITUATIONS: dict[str, tuple[float, ...]] = {
    "no difference": (0.0, 0.0, 0.0),
    "the same difference": (0.7, 0.7, 0.7),
    "opposite differences": (1.5, 0.0, -1.5),
}
"""The true advantages of the GRU in each condition."""


def verdicts_of(advantages: Sequence[float], seeds: int, generator: np.random.Generator) -> list[Verdict]:
    """The verdicts of an experiment with CLAIMS claims, each with one condition for each true advantage.

    Losses are normal with standard deviation 1; half of their variance is shared by both cells of a seed.
    """
    measured = []
    for number in range(CLAIMS):
        parts = []
        for place, advantage in enumerate(advantages):
            shared, better, than = generator.normal(size=(3, seeds))
            losses = [10 + (shared + noise) / np.sqrt(2) for noise in (better, than)]
            parts.append(pairs_of(losses[0] - advantage, losses[1], condition=place))
        claim = comparison("paired", id=f"claim-{number}", on="test_loss", margin=MARGIN)
        measured.append((claim, PairedTrials(tuple(parts)), LOSS))
    return judge_pairs(measured)
