"""adding: the sum of two marked values in a random sequence (Hochreiter and Schmidhuber 1997, task 4)."""

from __future__ import annotations

import numpy as np

from harness.tasks.common.task import Array, Dataset, Metric, Scores, Split, Task, dataset, procedure
from harness.tasks.synthetic.draws import DrawnOptions, Supply, any_length, at_least, distinct

_VERSION = "adding 1"
_RIGHT = 0.04
"""An answer with a smaller absolute error is correct (Hochreiter and Schmidhuber 1997)."""
_VARIANCE = 1 / 6
"""Variance of the sum of two independent values that are uniform on [0, 1]."""


class AddingOptions(DrawnOptions):
    """Options: the sizes of validation and test splits."""


def make(train_size: int, sequence_length: int, seed: int, options: AddingOptions) -> Dataset:
    """x (sequences, time, 2): a value uniform on [0, 1), and a marker, 1 at two steps, else 0; y (sequences, 1).

    One step in each half is marked (Arjovsky, Shah and Bengio 2016). Raises UserError for
    sequences of fewer than 2 steps.
    """
    examples(train_size, sequence_length, options)
    half = sequence_length // 2

    def draw(generator: np.random.Generator, count: int) -> Array:
        x = np.zeros((count, sequence_length, 2), dtype=np.float32)
        x[..., 0] = generator.random((count, sequence_length), dtype=np.float32)
        marked = generator.integers((0, half), (half, sequence_length), size=(count, 2))
        np.put_along_axis(x[..., 1], marked, 1.0, axis=1)
        return x

    supply = Supply(2 ** (24 * sequence_length), "sequences")
    rows = distinct(draw, options.sizes(train_size), seed, supply)
    splits = (Split(x=x, y=(x[..., 0] * x[..., 1]).sum(axis=1, keepdims=True)) for x in rows)
    # Always answer 1, the mean; |sum - 1| < d has probability 1 - (1 - d)^2.
    chance = {"loss": _VARIANCE, "root_mean_square": _VARIANCE**0.5, "accuracy": 1 - (1 - _RIGHT) ** 2}
    made_from = (_VERSION, options, train_size, sequence_length, seed)
    return dataset(splits, lambda train, split: {"chance": chance}, *made_from, classes=1)


def score(y: Array, outputs: Array) -> Scores:
    """Mean squared error (loss), its root, and the proportion of errors below 0.04; y and outputs (sequences, 1)."""
    with np.errstate(over="ignore"):
        errors = np.abs(np.asarray(outputs, dtype=np.float64) - y)
        loss = float(np.mean(errors**2))
    return {"loss": loss, "root_mean_square": float(np.sqrt(loss)), "accuracy": float(np.mean(errors < _RIGHT))}


def examples(train_size: int, sequence_length: int, options: AddingOptions) -> int:
    """train_size. Raises UserError for sequences of fewer than 2 steps."""
    at_least(sequence_length, 2, "two different steps are marked")
    return train_size


task = Task(
    name="adding",
    title="Adding problem",
    summary=(
        "The network reads random numbers, two of them marked, and outputs the sum of these two at the end. "
        "Solving it shows that a cell keeps values, not only symbols, over many steps and combines them."
    ),
    loss_unit="mean squared error",
    output="linear",
    every_step=False,
    metrics=(
        Metric("root_mean_square", "Root mean square error", "", "lower"),
        Metric("accuracy", "Proportion of sums within 0.04", "", "higher", bounds=(0.0, 1.0)),
    ),
    train_size_unit="sequences",
    options=AddingOptions,
    make=make,
    score=score,
    examples=examples,
    widths=lambda options: (2, 1),
    identity=procedure(_VERSION),
    make_test=any_length(make),
    solved=("loss", _VARIANCE / 100),
)
