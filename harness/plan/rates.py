"""Learning rates tuned per cell: a first stage with seeds of its own, whose validation losses choose the rates.

A cell judged at another cell's best learning rate is judged unfairly. The rate with the lowest mean validation loss is
taken of the rates at which no trial failed; of equally good rates the smaller one. The validation data are the first
stage's own too: a part of what it would train on, so that the comparison's choose no rate.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from harness.errors import UserError
from harness.tasks import Dataset


def held_out(examples: int) -> int:
    """How many of its training examples a tuning trial validates on, at most. Raises UserError where none are left."""
    if examples < 2:
        raise UserError("a single training example leaves none for tuning the learning rate; expected at least 2")
    return max(1, examples // 5)


def for_tuning(dataset: Dataset) -> Dataset:
    """The data of a tuning trial: the last fifth of the training examples validates, and is not trained on.

    No more of them than the comparison validates on, and none of what the comparison validates or tests on.
    """
    total = len(dataset.train.x)
    kept = total - min(held_out(total), len(dataset.validation.x))
    return replace(
        dataset,
        train=dataset.train.part(0, kept),
        validation=dataset.train.part(kept, total),
        validation_baselines={},  # of the data that it does not validate on
    )


@dataclass(frozen=True)
class Choice:
    """The result of tuning for one cell (and backend, size, ...: `where`)."""

    where: Mapping[str, Hashable]
    rate: float
    losses: Mapping[float, Sequence[float]]
    """Validation losses of each rate, seed by seed; infinite for a failed trial."""
    at_edge: bool
    """Whether the best rate is the smallest or largest tried: a better one may lie beyond."""
    tied: bool
    """Whether another rate was exactly as good."""


def choose(where: Mapping[str, Hashable], losses: Mapping[float, Sequence[float]]) -> Choice:
    """The rate with the lowest mean loss, and notes about the choice.

    A rate at which a trial failed is chosen only where trials failed at every rate: then the one at which the smallest
    share did, and of several such the one with the lowest mean loss of the others.
    """
    merits = {rate: _merit(values) for rate, values in losses.items()}
    best = min(merits.values())
    winners = sorted(rate for rate, merit in merits.items() if merit == best)
    rate = winners[0]
    return Choice(where, rate, losses, at_edge=rate in (min(merits), max(merits)), tied=len(winners) > 1)


def _merit(losses: Sequence[float]) -> tuple[float, float]:
    """The share of failed trials, and the mean loss of the others; less of the first, then of the second, is better."""
    finished = [loss for loss in losses if math.isfinite(loss)]
    return 1 - len(finished) / len(losses), fmean(finished) if finished else math.inf
