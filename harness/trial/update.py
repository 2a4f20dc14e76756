"""The training step and the prediction with which every kernel is trained and measured.

A model that says so (kernel `fused`) is compiled by XLA, and its updates run in a loop inside one call, so that what
Python and the data cost is not counted as the cell's time. Any other runs as Keras itself would run it, a call an
update: inside such a loop, what TensorFlow's graph optimiser makes of the gradients of Keras's own loops does not
survive a second call (AlreadyExistsError for the document's GRU with dropout at 256 steps, TensorFlow 2.21).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

Updates = Callable[..., npt.NDArray[np.float32]]
Predict = Callable[[Any], npt.NDArray[np.float32]]


def make_updates(model: keras.Model) -> Updates:
    """A function that trains the compiled model: `updates(x, y, weight=None) -> losses`.

    x is (updates, batch, ...), y (updates, batch, ...); each leading index is one gradient update, with the model's own
    loss and optimizer and with dropout on. weight, where there is one, is (updates, batch) or (updates, batch, time):
    the loss of an update is then the weighted mean over its labels. Returns the losses before each update, (updates,),
    float32. The number of updates may vary; another batch size, length or dtype is traced and compiled once more.
    """
    optimizer = model.optimizer
    weights = model.trainable_variables
    if not optimizer.built:
        optimizer.build(weights)

    def differentiate(x: tf.Tensor, y: tf.Tensor, weight: tf.Tensor | None = None) -> tuple[tf.Tensor, list[tf.Tensor]]:
        if weight is not None:  # Keras divides by the number of labels, not by their weights
            weight = tf.math.divide_no_nan(weight, tf.reduce_mean(weight))
        with tf.GradientTape() as tape:
            outputs = model(x, training=True)
            loss = model.compute_loss(x=x, y=y, y_pred=outputs, sample_weight=weight, training=True)
        return loss, tape.gradient(loss, [variable.value for variable in weights])

    compiled = tf.function(differentiate, jit_compile=bool(model.jit_compile))

    @tf.function  # type: ignore[untyped-decorator]
    def update(*batch: tf.Tensor) -> tf.Tensor:
        # The optimizer stays out of what is compiled: a few operations a variable, a third of the compiling.
        loss, gradients = compiled(*batch)
        optimizer.apply(gradients, weights)
        return loss

    def loop(*batches: tf.Tensor) -> tf.Tensor:
        count = tf.shape(batches[0])[0]
        losses = tf.TensorArray(tf.float32, size=count, element_shape=())
        for index in tf.range(count):
            losses = losses.write(index, update(*(batch[index] for batch in batches)))
        return losses.stack()

    traced: dict[Any, Any] = {}

    def updates(x: Any, y: Any, weight: Any = None) -> npt.NDArray[np.float32]:
        batches = [tf.convert_to_tensor(batch) for batch in (x, y, weight) if batch is not None]
        if not model.jit_compile:
            return np.array(
                [loss.numpy() for loss in [update(*batch) for batch in zip(*batches, strict=True)]], np.float32
            )
        signature = tuple(tf.TensorSpec((None, *tensor.shape[1:]), tensor.dtype) for tensor in batches)
        if signature not in traced:
            traced[signature] = tf.function(loop, input_signature=signature)
        losses: npt.NDArray[np.float32] = traced[signature](*batches).numpy()
        return losses

    return updates


def make_predict(model: keras.Model) -> Predict:
    """A function `predict(x) -> outputs`: x is (batch, ...), the outputs (batch, ...) with dropout off."""
    forward = tf.function(lambda x: model(x, training=False), jit_compile=bool(model.jit_compile))

    def predict(x: Any) -> npt.NDArray[np.float32]:
        outputs: npt.NDArray[np.float32] = forward(tf.convert_to_tensor(x)).numpy()
        return outputs

    return predict
