"""Published figures beside those measured: whether each lies in the 95 % interval of the mean over seeds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.spec.claims import Comparison, Proportion
from harness.verdicts.proportions import wilson_interval
from harness.verdicts.stats import student_interval
from harness.verdicts.verdict import Pair, PublishedFigure, PublishedResult


def beside_published(claim: Comparison, pairs: Sequence[Pair] = ()) -> PublishedResult | None:
    """What the claim quotes, with the mean outcome of each cell that it has a figure for; None if it quotes nothing.

    A trial without a finite outcome, such as a failed one, is left out of the mean.
    """
    quoted = claim.published
    if quoted is None:
        return None
    outcomes = {claim.better: [pair.better for pair in pairs], claim.than: [pair.than for pair in pairs]}
    figures = tuple(
        _beside(cell, figure, np.array(outcomes[cell], dtype=float), isinstance(claim, Proportion))
        for cell, figure in quoted.figures.items()
    )
    return PublishedResult(quoted.source, quoted.finding, quoted.unit, quoted.setup, figures)


def _beside(cell: str, published: float, outcomes: np.ndarray, share: bool) -> PublishedFigure:
    finite = outcomes[np.isfinite(outcomes)]
    n = len(finite)
    if not n:
        return PublishedFigure(cell, published)
    mean = float(finite.mean())
    low, high = wilson_interval(mean * n, n) if share else student_interval(finite)
    return PublishedFigure(cell, published, mean, low, high, n)
