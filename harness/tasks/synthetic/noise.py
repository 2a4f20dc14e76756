"""noise: random inputs and labels in the shape of the article's data, for timing. There is nothing to learn.

The task is not registered; `harness backends` uses it as `harness.tasks.synthetic.noise:task`.
"""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np
from pydantic import Field

from harness.tasks.common.scoring import binary_cross_entropy, mean
from harness.tasks.common.task import Array, Dataset, Options, Scores, Split, Task, fingerprint, procedure

NAME = "harness.tasks.synthetic.noise:task"
_VERSION = "noise 1"
_SHARE = 0.1
"""Probability that a label is 1."""


class NoiseOptions(Options):
    """Options: the widths of inputs and labels, and whether the network carries its state."""

    features: Annotated[int, Field(ge=1)] = 256
    classes: Annotated[int, Field(ge=1)] = 10
    carry_state: bool = False


def make(train_size: int, sequence_length: int, seed: int, options: NoiseOptions) -> Dataset:
    """x (examples, time, features), standard normal float32; y (examples, time, classes) of 0 and 1, float32.

    All three splits are the same examples.
    """
    random = np.random.default_rng(seed)
    x = random.standard_normal((train_size, sequence_length, options.features), dtype=np.float32)
    y = (random.random((train_size, sequence_length, options.classes)) < _SHARE).astype(np.float32)
    split = Split(x, y)
    return Dataset(
        train=split,
        validation=split,
        test=split,
        input_shape=(sequence_length, options.features),
        classes=options.classes,
        fingerprint=fingerprint(_VERSION, options, train_size, sequence_length, seed),
        baselines={"chance": {"loss": math.log(2)}},
    )


def score(y: Array, outputs: Array) -> Scores:
    """Mean binary cross-entropy in nats: y and outputs (examples, time, classes)."""
    return {"loss": mean(binary_cross_entropy(y, outputs))}


task = Task(
    name="noise",
    title="Noise",
    summary="The network reads random numbers and predicts random labels. Nothing can be learned: it times backends.",
    loss_unit="nats per label",
    output="sigmoid",
    every_step=True,
    metrics=(),
    train_size_unit="sequences",
    options=NoiseOptions,
    make=make,
    score=score,
    examples=lambda train_size, sequence_length, options: train_size,
    identity=procedure(_VERSION),
    carries=lambda options: options.carry_state,
    widths=lambda options: (options.features, options.classes),
)
