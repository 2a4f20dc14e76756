"""The gradient of a batch, computed in equal shards of it side by side.

XLA executes the loops over the time steps one after another, each on one core, however many cores there are. The
gradient of a batch is the mean of those of its equal shards; so every shard is a call of its own of one compiled
function, and TensorFlow executes as many calls at once as it has threads.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from harness.cells.dropout import shard
from harness.machine import usable_cores

Differentiate = Callable[..., tuple[Any, list[Any], tuple[Any, ...]]]
"""(states, *batch) -> the loss, a gradient for each weight, the states that the model was left with."""

LEAST = 4
"""Sequences of a shard at least: one of two takes 0.6 of the time of one of four (the document's LSTM)."""


def shards(batch: int, threads: int) -> int:
    """How many equal shards a batch of so many sequences is cut into: at most one a thread."""
    return max((count for count in range(1, min(threads, batch // LEAST) + 1) if batch % count == 0), default=1)


def in_shards(model: keras.Model, differentiate: Differentiate, threads: int | None = None) -> Differentiate:
    """`differentiate`, compiled by XLA and executed by as many shards as `shards` allows; the results are the same.

    To rounding, that is: sums are split. Dropout drops what it would drop in the whole batch. The loss has to be the
    mean of those of the sequences. `threads`: by default those that TensorFlow executes operations with.
    """
    threads = threads or tf.config.threading.get_inter_op_parallelism_threads() or usable_cores()
    # A compiled function that advances a seed would run alone: the shards are given the seeds, and return them.
    seeds = [variable for variable in model.non_trainable_variables if variable.name == "seed_generator_state"]

    def differentiate_shard(index: Any, count: int, values: list[Any], states: Any, *batch: Any) -> tuple[Any, ...]:
        with keras.StatelessScope(list(zip(seeds, values, strict=True))) as scope, shard(index, count):
            loss, gradients, states = differentiate(states, *batch)
        return loss / count, [gradient / count for gradient in gradients], states, _advanced(scope, seeds, values)

    compiled = tf.function(differentiate_shard, jit_compile=True, autograph=False)

    def differentiate_all(states: Any, *batch: Any) -> tuple[Any, list[Any], tuple[Any, ...]]:
        count = shards(batch[0].shape[0], threads)
        values = [tf.convert_to_tensor(seed) for seed in seeds]
        pieces = zip(*(tf.split(tensor, count) for tensor in (*states, *batch)), strict=True)
        losses, gradients, left, advanced = zip(
            *(
                compiled(tf.constant(index), count, values, piece[: len(states)], *piece[len(states) :])
                for index, piece in enumerate(pieces)
            ),
            strict=True,
        )
        for seed, value in zip(seeds, advanced[0], strict=True):
            if value is not None:
                seed.assign(value)
        return (
            tf.add_n(losses),
            [tf.add_n(parts) for parts in zip(*gradients, strict=True)],
            tuple(tf.concat(parts, 0) for parts in zip(*left, strict=True)),
        )

    return differentiate_all


def _advanced(scope: keras.StatelessScope, seeds: list[Any], before: list[Any]) -> list[Any]:
    """The seeds' values after the scope, None for one that nothing was drawn from."""
    after = [scope.get_current_value(seed) for seed in seeds]
    return [None if value is old else value for value, old in zip(after, before, strict=True)]
