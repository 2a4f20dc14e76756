"""Learning rates tuned per cell, by the validation losses of a first stage of trials with separate seeds.

To judge a cell at the best learning rate of another cell would be unfair. Among the rates at which no trial failed, the
one with the lowest mean validation loss is chosen; if several are equally good, the smallest. Tuning trials validate on
a part of their training data, so that the validation data of the comparison do not influence the choice.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from harness.errors import UserError
from harness.tasks import Dataset


def held_out(examples: int) -> int:
    """The maximum number of training examples that a tuning trial validates on. Raises UserError if none are left."""
    if examples < 2:
        raise UserError("a single training example leaves none for tuning the learning rate; expected at least 2")
    return max(1, examples // 5)


def for_tuning(dataset: Dataset) -> Dataset:
    """The data of a tuning trial: the last fifth of the training examples is the validation split.

    It has at most as many examples as the validation split of the comparison.
    """
    total = len(dataset.train.x)
    kept = total - min(held_out(total), len(dataset.validation.x))
    return replace(
        dataset,
        train=dataset.train.part(0, kept),
        validation=dataset.train.part(kept, total),
        validation_baselines={},  # those of the dataset belong to other validation data
    )


@dataclass(frozen=True)
class Choice:
    """The result of tuning for one cell (and backend, size, ...: `where`)."""

    where: Mapping[str, Hashable]
    rate: float
    losses: Mapping[float, Sequence[float]]
    """Validation losses of each rate, seed by seed; infinite for a failed trial."""
    at_edge: bool
    """Whether the best rate is the smallest or largest one, so that a better rate may lie beyond."""
    tied: bool
    """Whether another rate is equally good."""


def choose(where: Mapping[str, Hashable], losses: Mapping[float, Sequence[float]]) -> Choice:
    """The rate with the lowest mean loss, and notes about the choice.

    If trials failed at every rate, the rate with the smallest share of failed trials is chosen; among equal shares, the
    one with the lowest mean loss of the other trials.
    """
    merits = {rate: _merit(values) for rate, values in losses.items()}
    best = min(merits.values())
    winners = sorted(rate for rate, merit in merits.items() if merit == best)
    rate = winners[0]
    return Choice(where, rate, losses, at_edge=rate in (min(merits), max(merits)), tied=len(winners) > 1)


def _merit(losses: Sequence[float]) -> tuple[float, float]:
    """The share of failed trials, and the mean loss of the others; the smaller tuple is better."""
    finished = [loss for loss in losses if math.isfinite(loss)]
    return 1 - len(finished) / len(losses), fmean(finished) if finished else math.inf
