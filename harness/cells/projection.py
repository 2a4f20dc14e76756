"""The product of inputs and kernel for all time steps at once, with gradients that are fast on a CPU.

Outputs and gradients are those of `sequences @ kernel + bias`; only the order in which gradients are summed differs.
TensorFlow's order takes 1.4 times as long for the kernel's gradient and twice as long for the bias's gradient.
"""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

PARTS = 4
"""Number of products that the kernel's gradient is split into, each over an equal part of the batch, if divisible."""


@tf.custom_gradient  # type: ignore[untyped-decorator]
def _product(
    sequences: tf.Tensor, kernel: tf.Tensor
) -> tuple[tf.Tensor, Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]]:
    """(batch, time, features) times (features, width) -> (batch, time, width)."""

    def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        features, width = kernel.shape
        parts = PARTS if (sequences.shape[0] or 1) % PARTS == 0 else 1
        products = tf.matmul(
            tf.reshape(upstream, (parts, -1, width)), tf.reshape(sequences, (parts, -1, features)), transpose_a=True
        )
        return upstream @ tf.transpose(kernel), tf.transpose(tf.reduce_sum(products, 0))

    return sequences @ kernel, gradient


@tf.custom_gradient  # type: ignore[untyped-decorator]
def add_bias(
    projected: tf.Tensor, bias: tf.Tensor
) -> tuple[tf.Tensor, Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]]:
    """(batch, time, width) plus (width,)."""
    return projected + bias, lambda upstream: (upstream, tf.reduce_sum(tf.reduce_sum(upstream, 0), 0))


def project(sequences: tf.Tensor, kernel: tf.Tensor, masks: tf.Tensor | None) -> tf.Tensor:
    """(batch, time, features) -> (batch, time, gates x units).

    masks: (gates, batch, features), or (1, batch, features) for all gates, or None. A mask is the same at every time
    step, so it multiplies the weights: one copy of the weights per sequence.
    """
    if masks is None:
        return _product(sequences, kernel)
    gates = masks.shape[0]
    weights = tf.reshape(kernel, (kernel.shape[0], gates, -1))
    masked = tf.transpose(masks, [1, 2, 0])[..., None] * weights
    return sequences @ tf.reshape(masked, (-1, *kernel.shape))
