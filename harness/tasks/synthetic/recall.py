"""recall: output the first symbol of a random sequence after its last symbol."""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np
from pydantic import Field

from harness.tasks.common.scoring import ACCURACY, classification
from harness.tasks.common.task import Array, Dataset, Split, Task, dataset, procedure
from harness.tasks.synthetic.draws import DrawnOptions, Supply, any_length, check_enough, distinct

_VERSION = "recall 1"


class RecallOptions(DrawnOptions):
    """Options: the number of symbols, and the sizes of validation and test splits."""

    symbols: Annotated[int, Field(ge=2, le=256)] = 8


def make(train_size: int, sequence_length: int, seed: int, options: RecallOptions) -> Dataset:
    """x (sequences, time) of uniformly drawn symbols, y (sequences,) the first symbol of each.

    Raises UserError if there are fewer different sequences of this length than the splits need.
    """

    def draw(generator: np.random.Generator, count: int) -> Array:
        return generator.integers(options.symbols, size=(count, sequence_length), dtype=np.int32)

    rows = distinct(draw, options.sizes(train_size), seed, _supply(sequence_length, options))
    splits = (Split(x=x, y=x[:, 0].copy()) for x in rows)
    chance = {"loss": math.log(options.symbols), "accuracy": 1 / options.symbols}
    made_from = (_VERSION, options, train_size, sequence_length, seed)
    sizes = {"classes": options.symbols, "symbols": options.symbols}
    return dataset(splits, lambda train, split: {"chance": chance}, *made_from, **sizes)


def examples(train_size: int, sequence_length: int, options: RecallOptions) -> int:
    """train_size. Raises UserError if there are too few different sequences of this length."""
    check_enough(options.sizes(train_size), _supply(sequence_length, options))
    return train_size


def _supply(sequence_length: int, options: RecallOptions) -> Supply:
    return Supply(options.symbols**sequence_length, f"sequences of {sequence_length} out of {options.symbols} symbols")


task = Task(
    name="recall",
    title="First-symbol recall",
    summary=(
        "The network reads random symbols and, after the last one, outputs the first. "
        "Solving it at a given length shows that a cell keeps one symbol for that many steps of distraction."
    ),
    loss_unit="nats per sequence",
    output="softmax",
    every_step=False,
    metrics=(ACCURACY,),
    train_size_unit="sequences",
    options=RecallOptions,
    make=make,
    score=classification,
    examples=examples,
    widths=lambda options: (options.symbols, options.symbols),
    identity=procedure(_VERSION),
    make_test=any_length(make),
    solved=("accuracy", 0.99),
)
