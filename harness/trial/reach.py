"""Gradient reach: the norm of d loss(T) / d input(t), averaged over a batch, by the distance T - t in time steps.

Where the norm has vanished, gradient-based learning cannot connect the input at t to the loss at the last time step T
(S. Hochreiter, 1991; R. Pascanu et al., 2013).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from harness.cells.gradient import States, call_with_states
from harness.cells.network import is_recurrent
from harness.cells.sharded_model import is_compiled
from harness.tasks.common.task import Array, Split
from harness.trial.update import zero_states

GradientReach = Callable[[Split], list[tuple[int, float]]]
EXAMPLES = 64
"""Maximum number of examples to average over."""
POINTS = 64
"""Maximum number of distances to keep, evenly spaced, including the smallest and the largest."""


def make_gradient_reach(model: Any, *, every_step: bool) -> GradientReach:
    """A function `gradient_reach(split) -> [(distance in time steps, mean norm of the gradient)]` for a Keras model.

    Distance 0 is the last step. The mean is over the first examples of the split whose last step has a label; the list
    is empty if there are none. For integer inputs, the gradient is that of their one-hot encoding. Initial states are
    zero. The function is compiled at its first call, and again for another number of examples.
    """

    @cache
    def network() -> tuple[int | None, Any]:
        """The number of symbols for one-hot encoding (None for float inputs), and the model without the encoding."""
        encoded = next(layer for layer in model.layers if is_recurrent(layer)).input
        encoded = encoded[0] if isinstance(encoded, list) else encoded
        if encoded is model.inputs[0]:
            return None, model
        carried = model.inputs[1:]
        behind = keras.Model([encoded, *carried] if carried else encoded, model.outputs if carried else model.output)
        return encoded.shape[-1], behind

    def norms(states: States, inputs: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        _, behind = network()
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs, _ = call_with_states(behind, states, inputs, training=False)
            loss = model.compute_loss(y=labels, y_pred=outputs[:, -1] if every_step else outputs)
        gradient = inputs.shape[0] * tape.gradient(loss, inputs)  # the loss is a mean over the batch
        return tf.reduce_mean(tf.norm(gradient, axis=-1), axis=0)

    compiled = tf.function(norms, jit_compile=is_compiled(model))

    def gradient_reach(split: Split) -> list[tuple[int, float]]:
        labelled = np.flatnonzero(_weight_of_last(split, every_step=every_step) > 0)[:EXAMPLES]
        if not len(labelled):
            return []
        x, y = split.x[labelled], split.y[labelled]
        symbols, _ = network()
        inputs = tf.convert_to_tensor(keras.ops.one_hot(x, symbols) if symbols else x)
        labels = tf.convert_to_tensor(y[:, -1] if every_step else y)
        by_distance = compiled(zero_states(model, len(x)), inputs, labels).numpy()[::-1]
        kept = np.unique(np.linspace(0, len(by_distance) - 1, min(POINTS, len(by_distance))).astype(int))
        return [(int(distance), float(by_distance[distance])) for distance in kept]

    return gradient_reach


def _weight_of_last(split: Split, *, every_step: bool) -> Array:
    """Weight of the last step's label, (examples,); 0 at padding."""
    if split.weight is None:
        return np.ones(len(split.x))
    return split.weight[:, -1] if every_step and split.weight.ndim > 1 else split.weight
