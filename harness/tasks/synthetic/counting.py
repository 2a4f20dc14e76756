"""counting: a^n b^n and a^n b^n c^n, trained on small n and tested on much larger n (Gers and Schmidhuber 2001)."""

from __future__ import annotations

import math
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from harness.errors import UserError
from harness.tasks.common.scoring import cross_entropy, mean
from harness.tasks.common.task import Array, Dataset, Metric, Options, Scores, Split, Task, dataset, procedure

_VERSION = "counting 1"
_END = 0
"""End sign, also used as padding; the letters are 1, 2 and 3."""
_HELD_OUT = 5
"""Every fifth n in the training range is used for validation."""


class CountingOptions(Options):
    """Options: the language, and the range of tested n."""

    letters: Literal[2, 3] = 2
    """2: a^n b^n. 3: a^n b^n c^n."""
    beyond: Annotated[float, Field(gt=1, le=100, allow_inf_nan=False)] = 4.0
    """Ratio of the largest tested n to the largest n in training."""


def make(train_size: int, sequence_length: int, seed: int, options: CountingOptions) -> Dataset:
    """x (strings, time): one string per row, padded with end signs; y (strings, time): the next symbol at each step.

    The largest tested n is N = sequence_length / letters. Training draws n uniformly from 1 to N / `beyond`, except
    every fifth n, which is used for validation. Each larger n up to N is tested once. Raises UserError if the training
    range has fewer than 5 values of n.
    """
    examples(train_size, sequence_length, options)
    trained, largest = _ranges(sequence_length, options)
    in_range = np.arange(1, trained + 1)
    held_out = in_range[in_range % _HELD_OUT == 0]
    drawn = np.random.default_rng(seed).choice(in_range[in_range % _HELD_OUT != 0], size=train_size)
    tested = np.arange(trained + 1, largest + 1)
    splits = (_split(n, sequence_length, options.letters) for n in (drawn, held_out, tested))
    symbols = options.letters + 1

    def baselines(train: Split, split: Split) -> dict[str, Scores]:
        return {
            "chance": {"loss": math.log(symbols), "accepted": 0.0, "longest": 0.0},
            "bigram": {"loss": _bigram_loss(train, split, symbols), "accepted": 0.0, "longest": 0.0},
        }

    made_from = (_VERSION, options, train_size, sequence_length, seed)
    return dataset(splits, baselines, *made_from, classes=symbols, symbols=symbols)


def make_test(sequence_length: int, seed: int, options: CountingOptions) -> Split:
    """Every n from 1 that fits the length, including training values, because `longest` starts at 1."""
    largest = max(1, sequence_length // options.letters)
    return _split(np.arange(1, largest + 1), max(sequence_length, options.letters), options.letters)


def score(y: Array, outputs: Array) -> Scores:
    """Mean cross-entropy in nats; proportion of accepted strings; largest n up to which all strings are accepted.

    A string is accepted if the most likely output is correct at each step: the next symbol once the first b has been
    read, and a or b before. The largest n is 0 if the split's smallest n is not accepted.
    y (strings, time), outputs (strings, time, letters + 1) of logits.
    """
    y = np.asarray(y)
    answers = np.where(np.isfinite(outputs).all(axis=-1), np.argmax(outputs, axis=-1), -1)
    open_ended = (y == 1) | ((y == 2) & (np.cumsum(y == 2, axis=1) == 1))
    fine = np.where(open_ended, (answers == 1) | (answers == 2), answers == y)
    accepted = fine.all(axis=1)
    n = (y == 2).sum(axis=1)
    order = np.argsort(n, kind="stable")
    unbroken = int(np.cumprod(accepted[order]).sum())
    return {
        "loss": mean(cross_entropy(y, outputs)),
        "accepted": mean(accepted),
        "longest": float(n[order][unbroken - 1]) if unbroken else 0.0,
    }


def examples(train_size: int, sequence_length: int, options: CountingOptions) -> int:
    """train_size. Raises UserError if the training range has fewer than 5 values of n."""
    trained, largest = _ranges(sequence_length, options)
    if trained < _HELD_OUT or largest <= trained:
        needed = math.ceil((_HELD_OUT + 1) * options.beyond) * options.letters
        raise UserError(
            f"sequence_length {sequence_length} allows n up to {largest}, and up to {trained} for training with "
            f"options.beyond {options.beyond:g}; expected at least {_HELD_OUT}: use sequence_length {needed}"
        )
    return train_size


def _ranges(sequence_length: int, options: CountingOptions) -> tuple[int, int]:
    """The largest n in training and the largest tested n."""
    largest = sequence_length // options.letters
    return int(largest / options.beyond), largest


def _split(n: Array, length: int, letters: int) -> Split:
    steps = np.arange(length + 1)
    position = steps // n[:, None]
    strings = np.where(position < letters, position + 1, _END).astype(np.int32)
    return Split(x=strings[:, :-1].copy(), y=strings[:, 1:].copy())


def _bigram_loss(train: Split, test: Split, symbols: int) -> float:
    """Mean cross-entropy of bigrams counted on the training strings, with add-one (Laplace) smoothing."""
    counts = np.ones((symbols, symbols))
    np.add.at(counts, (train.x, train.y), 1)
    p = counts / counts.sum(axis=1, keepdims=True)
    return float(-np.log(p[test.x, test.y]).mean())


task = Task(
    name="counting",
    title="Counting",
    summary=(
        "The network predicts the next symbol of strings of n times a and n times b, trained on small n and tested "
        "on larger n. Accepting strings much longer than those in training shows that a cell counts."
    ),
    loss_unit="nats per symbol",
    output="softmax",
    every_step=True,
    predicts_inputs=True,
    metrics=(
        Metric("accepted", "Strings accepted", "", "higher", bounds=(0.0, 1.0)),
        Metric("longest", "Largest n up to which all are accepted", "n", "higher"),
    ),
    train_size_unit="sequences",
    options=CountingOptions,
    make=make,
    score=score,
    examples=examples,
    widths=lambda options: (options.letters + 1, options.letters + 1),
    identity=procedure(_VERSION),
    make_test=make_test,
    solved=("accepted", 1.0),
    small=(64, 80),
)
