"""Dropout masks that are identical in eager mode, in a graph and under XLA, and fast in all three.

Keras leaves the random number generator to TensorFlow. Under XLA on a CPU, TensorFlow chooses one that is a hundred
times slower than Philox (86 ms instead of 0.8 ms for 262,144 numbers, TensorFlow 2.21) and takes longer than the
recurrent layers. This module therefore calls Philox explicitly. It passes key and counter, because TensorFlow would
compile their derivation from a seed once per draw, and the bits would differ between the three modes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import tensorflow as tf

from harness.cells.keras_backend import keras
from harness.errors import UserError

PHILOX = 1
LEVELS = 1 << 16
"""A value is dropped if its 16 random bits are below rate x LEVELS, so the rate is accurate to 1 / 131,072."""

_SHARD: ContextVar[tuple[Any, int]] = ContextVar("shard", default=(0, 1))


@contextmanager
def shard(index: Any, count: int) -> Iterator[None]:
    """A context in which layers process shard `index` of a batch that was split into `count` equal shards.

    `masks` draws for the whole batch and returns the shard's part, so that splitting a batch does not change its masks.
    """
    token = _SHARD.set((index, count))
    try:
        yield
    finally:
        _SHARD.reset(token)


def masks(
    shapes: Sequence[Sequence[Any]],
    rates: Sequence[float],
    seeds: keras.random.SeedGenerator,
    *,
    batch_axis: int = 0,
    dtype: str = "float32",
) -> list[Any]:
    """One multiplicative mask per shape and rate, all from one draw of random bits.

    An element is 0 with probability `rate`, else 1 / (1 - rate), so that the expected value is unchanged.
    """
    index, count = _SHARD.get()
    whole = [(*shape[:batch_axis], count, *shape[batch_axis:]) for shape in shapes]
    sizes = [math.prod(shape) if all(isinstance(n, int) for n in shape) else tf.reduce_prod(shape) for shape in whole]
    bits = _bits(sum(sizes), tf.convert_to_tensor(seeds.next()))
    return [
        tf.where(
            tf.gather(tf.reshape(part, shape), index, axis=batch_axis) < round(rate * LEVELS),
            tf.constant(0.0, dtype),
            tf.constant(1.0 / (1.0 - rate), dtype),
        )
        for part, shape, rate in zip(tf.split(bits, sizes), whole, rates, strict=True)
    ]


def _bits(count: Any, seed: Any) -> Any:
    """(count,) integers from 0 to LEVELS - 1, int32. Each 32 random bits give two of them."""
    key = tf.reshape(tf.bitcast(tf.cast(seed, tf.uint32), tf.uint64), (1,))
    pairs = tf.raw_ops.StatelessRandomUniformFullIntV2(
        shape=[(count + 1) // 2], key=key, counter=tf.zeros((2,), tf.uint64), alg=PHILOX, dtype=tf.uint32
    )
    halves = [tf.bitwise.bitwise_and(pairs, LEVELS - 1), tf.bitwise.right_shift(pairs, 16)]
    return tf.cast(tf.concat(halves, 0)[:count], tf.int32)


@keras.saving.register_keras_serializable("harness")
class Dropout(keras.layers.Dropout):  # type: ignore[misc]
    """`keras.layers.Dropout` with its mask drawn by `masks`; without `noise_shape`."""

    def __init__(self, rate: float, noise_shape: None = None, seed: int | None = None, **options: Any) -> None:
        if noise_shape is not None:
            raise UserError(f"'noise_shape' is {noise_shape!r}, expected None: every element is dropped independently")
        super().__init__(rate, seed=seed, **options)

    def call(self, inputs: Any, training: bool = False) -> Any:
        """(...) -> (...); outside training the inputs are returned unchanged."""
        inputs = keras.ops.convert_to_tensor(inputs, dtype=self.compute_dtype)
        if not training or not self.rate:
            return inputs
        shape = keras.ops.shape(inputs)
        return inputs * masks([shape], [self.rate], self.seed_generator, dtype=self.compute_dtype)[0]
