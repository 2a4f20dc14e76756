"""The gradient of a batch, computed in equal shards in parallel.

XLA executes the loop over the time steps on one core, even if the machine has more. The gradient of a batch is the mean
of the gradients of equal shards. Each shard is therefore a separate call of one compiled function, and TensorFlow runs
these calls in parallel on its threads.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import keras
import tensorflow as tf

from harness.cells.dropout import shard
from harness.cgroup import usable_cores

Differentiate = Callable[..., tuple[Any, list[Any], tuple[Any, ...]]]
"""(states, *batch) -> the loss, one gradient per weight, and tensors with one row per sequence of the batch."""

LEAST = 4
"""Minimum number of sequences per shard: a shard of two takes 0.6 of the time of four (the article's LSTM)."""


def shards(batch: int, threads: int) -> int:
    """Number of equal shards of a batch with this number of sequences: at most one per thread."""
    return max((count for count in range(1, min(threads, batch // LEAST) + 1) if batch % count == 0), default=1)


def in_shards(model: keras.Model, differentiate: Differentiate, threads: int | None = None) -> Differentiate:
    """`differentiate`, compiled by XLA and executed in shards; the results are equal up to rounding.

    Dropout masks are those of the whole batch. The loss has to be a mean over sequences. `threads` limits the number of
    shards; default: TensorFlow's number of inter-op threads. If the batch size is known only when the graph runs, the
    number of shards is a power of two.
    """
    threads = threads or tf.config.threading.get_inter_op_parallelism_threads() or usable_cores()
    # Calls of a function that changes a variable would not run in parallel, so seeds are arguments and results.
    seeds = [variable for variable in model.non_trainable_variables if variable.name == "seed_generator_state"]

    def differentiate_shard(index: Any, count: Any, values: list[Any], states: Any, *batch: Any) -> tuple[Any, ...]:
        with keras.StatelessScope(list(zip(seeds, values, strict=True))) as scope, shard(index, count):
            loss, gradients, rows = differentiate(states, *batch)
        shares = [tensor / tf.cast(count, tensor.dtype) for tensor in (loss, *gradients)]
        return shares[0], shares[1:], rows, _advanced(scope, seeds, values)

    compiled = tf.function(differentiate_shard, jit_compile=True, autograph=False)

    def differentiate_pieces(count: int, given: Any, values: list[Any], states: Any, *batch: Any) -> tuple[Any, ...]:
        pieces = zip(*(tf.split(tensor, count) for tensor in (*states, *batch)), strict=True)
        losses, gradients, rows, advanced = zip(
            *(
                compiled(tf.constant(index), given, values, piece[: len(states)], *piece[len(states) :])
                for index, piece in enumerate(pieces)
            ),
            strict=True,
        )
        return (
            tf.add_n(losses),
            [tf.add_n(parts) for parts in zip(*gradients, strict=True)],
            tuple(tf.concat(parts, 0) for parts in zip(*rows, strict=True)),
            advanced[0],
        )

    def differentiate_all(states: Any, *batch: Any) -> tuple[Any, list[Any], tuple[Any, ...]]:
        values = [tf.convert_to_tensor(seed) for seed in seeds]
        size = batch[0].shape[0]
        if size is not None:
            count = shards(size, threads)
            loss, gradients, rows, advanced = differentiate_pieces(count, count, values, states, *batch)
        else:
            counts = [1 << power for power in range(threads.bit_length())]
            ways = [partial(differentiate_pieces, n, tf.constant(n), values, states, *batch) for n in counts]
            loss, gradients, rows, advanced = tf.switch_case(_fitting(tf.shape(batch[0])[0], counts) - 1, ways)
        for index, value in advanced.items():
            seeds[index].assign(value)
        return loss, gradients, rows

    return differentiate_all


def _fitting(size: Any, counts: list[int]) -> Any:
    """How many of `counts` (1, 2, 4, ...) are valid numbers of shards; the valid ones always come first."""
    fits = [tf.logical_and(size % count == 0, size >= count * LEAST) for count in counts[1:]]
    return 1 + tf.reduce_sum(tf.cast(tf.stack(fits), tf.int32)) if fits else tf.constant(1)


def _advanced(scope: keras.StatelessScope, seeds: list[Any], before: list[Any]) -> dict[int, Any]:
    """New values of the seeds that were used in the scope, by index."""
    after = [scope.get_current_value(seed) for seed in seeds]
    return {index: value for index, value in enumerate(after) if value is not before[index]}
