"""Gradient reach: how much of the loss at the last time step each earlier input can still feel.

The norm of d loss / d input(t), averaged over a batch, against the distance from the end: where it has vanished, no
learning rule that follows the gradient can connect the two (S. Hochreiter, 1991; R. Pascanu et al., 2013).
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from harness.model import OneHot
from harness.tasks.task import Array

EXAMPLES = 64
"""The most examples that are averaged over."""
POINTS = 64
"""The most distances that are kept, evenly spread, the nearest and the farthest among them."""


def gradient_reach(model: Any, x: Array, y: Array, *, every_step: bool) -> list[tuple[int, float]]:
    """(distance in time steps, mean norm of the gradient) for a Keras model and a batch; distance 0 is the last step.

    Integer inputs are taken after their one-hot encoding, since an integer has no gradient.
    """
    x, y = x[:EXAMPLES], y[:EXAMPLES]
    first = model.layers[1]
    encoded = isinstance(first, OneHot)
    inputs = tf.convert_to_tensor(first(x) if encoded else x)
    network = keras.Model(first.output, model.output) if encoded else model
    labels = tf.convert_to_tensor(y[:, -1] if every_step else y)

    def norms(inputs: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = network(inputs, training=False)
            loss = model.compute_loss(y=labels, y_pred=outputs[:, -1] if every_step else outputs)
        gradient = len(x) * tape.gradient(loss, inputs)  # the loss is a mean over the batch
        return tf.reduce_mean(tf.norm(gradient, axis=-1), axis=0)

    compiled = tf.function(norms, jit_compile=bool(model.jit_compile))
    by_distance = compiled(inputs, labels).numpy()[::-1]
    kept = np.unique(np.linspace(0, len(by_distance) - 1, min(POINTS, len(by_distance))).astype(int))
    return [(int(distance), float(by_distance[distance])) for distance in kept]
