"""temporal_order: the order of symbols X and Y among distractors (Hochreiter and Schmidhuber 1997, task 6)."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from harness.tasks.common.scoring import ACCURACY, classification
from harness.tasks.common.task import Array, Dataset, Split, Task, dataset, procedure
from harness.tasks.synthetic.draws import DrawnOptions, Supply, any_length, at_least, check_enough, distinct

_VERSION = "temporal_order 1"
_DISTRACTORS = 4
"""The ids 0 to 3: a, b, c, d."""
_X, _START, _END, _SYMBOLS = 4, 6, 7, 8
"""Y is X + 1."""
_SHORTEST = 20
_PLACES = {2: ((0.1, 0.2), (0.5, 0.6)), 3: ((0.1, 0.2), (0.33, 0.43), (0.66, 0.76))}
"""Range of each relevant symbol's position, as fractions of the length: steps 10 to 20 of 100, and so on."""


class TemporalOrderOptions(DrawnOptions):
    """Options: task 6a or 6b of the paper, and the sizes of validation and test splits."""

    relevant: Literal[2, 3] = 2
    """Relevant symbols per sequence: two give 4 classes, three give 8."""


def make(train_size: int, sequence_length: int, seed: int, options: TemporalOrderOptions) -> Dataset:
    """x (sequences, time): a start sign, distractors with 2 or 3 relevant symbols (X or Y), an end sign.

    y (sequences,): the relevant symbols as a binary number, with X = 0 and Y = 1. Raises UserError for sequences of
    fewer than 20 steps, and if there are fewer different ones than the splits need.
    """
    examples(train_size, sequence_length, options)
    places = _places(sequence_length, options.relevant)

    def draw(generator: np.random.Generator, count: int) -> Array:
        x = generator.integers(_DISTRACTORS, size=(count, sequence_length), dtype=np.int32)
        at = generator.integers([first for first, _ in places], [last + 1 for _, last in places], (count, len(places)))
        kinds = generator.integers(2, size=(count, len(places)), dtype=np.int32)
        np.put_along_axis(x, at, _X + kinds, axis=1)
        x[:, 0], x[:, -1] = _START, _END
        return x

    rows = distinct(draw, options.sizes(train_size), seed, _supply(sequence_length, options))
    splits = (Split(x=x, y=_order(x, options.relevant)) for x in rows)
    classes = 2**options.relevant
    chance = {"loss": math.log(classes), "accuracy": 1 / classes}
    made_from = (_VERSION, options, train_size, sequence_length, seed)
    return dataset(splits, lambda train, split: {"chance": chance}, *made_from, classes=classes, symbols=_SYMBOLS)


def examples(train_size: int, sequence_length: int, options: TemporalOrderOptions) -> int:
    """train_size. Raises UserError for fewer than 20 steps, and if there are too few different sequences."""
    at_least(sequence_length, _SHORTEST, "the relevant symbols are in separate tenths of the sequence")
    check_enough(options.sizes(train_size), _supply(sequence_length, options))
    return train_size


def _places(length: int, relevant: int) -> list[tuple[int, int]]:
    """The first and the last possible step of each relevant symbol."""
    return [(int(first * length), int(last * length)) for first, last in _PLACES[relevant]]


def _order(x: Array, relevant: int) -> Array:
    kinds = x[(x == _X) | (x == _X + 1)].reshape(len(x), relevant) - _X
    return np.asarray(kinds @ (2 ** np.arange(relevant - 1, -1, -1)), dtype=np.int32)


def _supply(length: int, options: TemporalOrderOptions) -> Supply:
    placings = math.prod(last - first + 1 for first, last in _places(length, options.relevant))
    others = _DISTRACTORS ** (length - 2 - options.relevant)
    return Supply(placings * 2**options.relevant * others, f"sequences of {length}")


task = Task(
    name="temporal_order",
    title="Temporal order",
    summary=(
        "The network reads two (or three) relevant symbols among random distractors and outputs their order. "
        "Solving it shows that a cell keeps not only symbols but also their order."
    ),
    loss_unit="nats per sequence",
    output="softmax",
    every_step=False,
    metrics=(ACCURACY,),
    train_size_unit="sequences",
    options=TemporalOrderOptions,
    make=make,
    score=classification,
    examples=examples,
    widths=lambda options: (_SYMBOLS, 2**options.relevant),
    identity=procedure(_VERSION),
    make_test=any_length(make),
    solved=("accuracy", 0.99),
    small=(64, 24),
)
