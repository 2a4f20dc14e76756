"""copying: repeat a list of symbols after a long delay (Hochreiter and Schmidhuber 1997; Arjovsky et al. 2016)."""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np
from pydantic import Field

from harness.tasks.common.scoring import cross_entropy, hits, mean
from harness.tasks.common.task import Array, Dataset, Metric, Scores, Split, Task, dataset, procedure
from harness.tasks.synthetic.draws import DrawnOptions, Supply, any_length, check_enough, distinct

_VERSION = "copying 1"
_BLANK = 0


class CopyingOptions(DrawnOptions):
    """Options: the number of symbols, and the sizes of validation and test splits."""

    symbols: Annotated[int, Field(ge=2, le=256)] = 8
    copied: Annotated[int, Field(ge=1, le=1000)] = 10
    """Symbols per sequence."""


def make(train_size: int, sequence_length: int, seed: int, options: CopyingOptions) -> Dataset:
    """x (sequences, steps): C symbols, sequence_length - 1 blanks, a delimiter and C blanks.

    With C symbols to copy there are sequence_length + 2 C steps; sequence_length is T in the literature. y (sequences,
    steps) is blank except in the last C steps, which repeat the symbols in order. Ids: 0 blank, 1 to K the symbols,
    K + 1 the delimiter, which is never an answer. Raises UserError if there are too few different lists.
    """

    def draw(generator: np.random.Generator, count: int) -> Array:
        return generator.integers(1, options.symbols + 1, size=(count, options.copied), dtype=np.int32)

    rows = distinct(draw, options.sizes(train_size), seed, _supply(options))
    splits = (_split(symbols, sequence_length, options) for symbols in rows)
    steps = sequence_length + 2 * options.copied
    # Without memory: predict blanks with certainty up to the delimiter, then guess.
    loss = options.copied * math.log(options.symbols) / steps
    chance = {"loss": loss, "recall_accuracy": 1 / options.symbols}
    made_from = (_VERSION, options, train_size, sequence_length, seed)
    sizes = {"classes": options.symbols + 1, "symbols": options.symbols + 2}
    return dataset(splits, lambda train, split: {"chance": chance}, *made_from, **sizes)


def score(y: Array, outputs: Array) -> Scores:
    """Mean cross-entropy in nats over all steps, and accuracy over the steps that repeat a symbol.

    y (sequences, steps), outputs (sequences, steps, symbols + 1) of logits.
    """
    return {
        "loss": mean(cross_entropy(y, outputs)),
        "recall_accuracy": mean(hits(y, outputs), np.asarray(y) != _BLANK),
    }


def examples(train_size: int, sequence_length: int, options: CopyingOptions) -> int:
    """train_size. Raises UserError if there are too few different lists of symbols."""
    check_enough(options.sizes(train_size), _supply(options))
    return train_size


def _split(symbols: Array, delay: int, options: CopyingOptions) -> Split:
    x = np.full((len(symbols), delay + 2 * options.copied), _BLANK, dtype=np.int32)
    y = x.copy()
    x[:, : options.copied] = symbols
    x[:, options.copied + delay - 1] = options.symbols + 1
    y[:, -options.copied :] = symbols
    return Split(x=x, y=y)


def _supply(options: CopyingOptions) -> Supply:
    return Supply(options.symbols**options.copied, f"lists of {options.copied} out of {options.symbols} symbols")


task = Task(
    name="copying",
    title="Copying memory",
    summary=(
        "The network reads ten symbols, waits for sequence_length steps and repeats the ten symbols in order. "
        "Solving it shows how much, not only how long, a cell remembers."
    ),
    loss_unit="nats per step",
    output="softmax",
    every_step=True,
    metrics=(Metric("recall_accuracy", "Accuracy of the repeated symbols", "", "higher", bounds=(0.0, 1.0)),),
    train_size_unit="sequences",
    options=CopyingOptions,
    make=make,
    score=score,
    examples=examples,
    widths=lambda options: (options.symbols + 2, options.symbols + 1),
    identity=procedure(_VERSION),
    make_test=any_length(make),
    solved=("recall_accuracy", 0.99),
)
