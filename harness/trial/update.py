"""The training step and the prediction function, which train and measure every backend.

With a backend that XLA compiles (`fused`), batches are split into shards (harness/cells/shards.py), and several updates
run in a loop inside one call, so that the overhead of Python and of passing data is not counted as the cell's time.
With other backends each update is one call, as in Keras. In such a loop, TensorFlow's graph optimiser breaks the
gradients of Keras's loops: the second call fails with AlreadyExistsError (the article's GRU with dropout at 256 time
steps, TensorFlow 2.21).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from harness.cells.gradient import States, call_with_states, loss_and_gradients
from harness.cells.sharded_model import is_compiled
from harness.cells.shards import in_shards

StatefulUpdates = Callable[..., tuple[npt.NDArray[np.float32], States]]
StatefulPredict = Callable[[States, Any], tuple[npt.NDArray[np.float32], States]]
_QUICK_COMPILING = "--xla_backend_optimization_level=1"
"""The skipped optimisations take a seventh of the first step and speed up no update: XLA vectorizes loops without."""


def make_stateful_updates(model: keras.Model, threads: int | None = None) -> StatefulUpdates:
    """A function that trains the compiled model: `updates(states, x, y, weight=None, rates=None) -> losses, states`.

    x and y: arrays or tensors, (updates, batch, ...); each leading index is one gradient update with the model's loss
    and optimizer, with dropout active. weight: (updates, batch) or (updates, batch, time), or None; with weights, the
    loss of an update is the weighted mean over its labels. rates: the learning rate of each update, (updates,), or None
    for the optimizer's. Returns the losses before each update, (updates,), float32, and the final states. A different
    number of updates or different rates need no new trace; another batch size, length or dtype is traced and compiled
    again. The batch of a compiled model is split into at most `threads` shards.

    states: () unless the model was made with `carry_state`. Then the first update begins with these states, and each
    other one with the final states of the previous update. No gradient flows from one update into the previous one
    (truncated backpropagation through time).
    """
    prefer_quick_compiling()
    optimizer = model.optimizer
    weights = model.trainable_variables
    if not optimizer.built:
        optimizer.build(weights)

    def differentiate(states: States, *batch: tf.Tensor) -> tuple[tf.Tensor, list[tf.Tensor], States]:
        loss, gradients, _, states = loss_and_gradients(model, states, *batch)
        return loss, gradients, states

    compiled = is_compiled(model)
    executed = in_shards(model, differentiate, threads) if compiled else differentiate

    @tf.function(autograph=False)  # type: ignore[untyped-decorator]
    def update(
        states: States, rate: tuple[tf.Tensor, ...], x: tf.Tensor, y: tf.Tensor, weight: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, States]:
        batch = [x, y]
        if weight is not None:  # Keras divides by the number of labels, not by the sum of weights
            batch.append(tf.math.divide_no_nan(weight, tf.reduce_mean(weight)))
        # XLA does not compile the optimizer: it has few operations per variable, but takes a third of the compile time.
        loss, gradients, states = executed(states, *batch)
        for value in rate:  # one value, or none for the optimizer's rate
            optimizer.learning_rate.assign(value)
        optimizer.apply(gradients, weights)
        return loss, states

    def loop(states: States, rates: tuple[tf.Tensor, ...], *batches: tf.Tensor) -> tuple[tf.Tensor, States]:
        count = tf.shape(batches[0])[0]
        losses = tf.TensorArray(tf.float32, size=count, element_shape=())
        for index in tf.range(count):
            rate = tuple(values[index] for values in rates)
            loss, states = update(states, rate, *(batch[index] for batch in batches))
            losses = losses.write(index, loss)
        return losses.stack(), states

    traced: dict[Any, Any] = {}

    def updates(
        states: States, x: Any, y: Any, weight: Any = None, rates: Any = None
    ) -> tuple[npt.NDArray[np.float32], States]:
        batches = [tf.convert_to_tensor(batch) for batch in (x, y, weight) if batch is not None]
        given = () if rates is None else (tf.convert_to_tensor(rates, tf.float32),)
        if not compiled:
            losses = []
            for index, batch in enumerate(zip(*batches, strict=True)):
                loss, states = update(states, tuple(values[index] for values in given), *batch)
                losses.append(loss.numpy())
            return np.array(losses, np.float32), states
        signature = (
            tuple(tf.TensorSpec(state.shape, state.dtype) for state in states),
            tuple(tf.TensorSpec((None,), tf.float32) for _ in given),
            *(tf.TensorSpec((None, *tensor.shape[1:]), tensor.dtype) for tensor in batches),
        )
        if signature not in traced:
            traced[signature] = tf.function(loop, input_signature=signature)
        all_losses, states = traced[signature](states, given, *batches)
        return all_losses.numpy(), states

    return updates


def to_tensors(*arrays: npt.NDArray[Any] | None) -> list[Any]:
    """Copies of the arrays as tensors (None stays None), so that timed updates do not have to copy them.

    At the article's shapes copying takes 2 ms per update, a fifth of a simple RNN's update time.
    """
    return [None if array is None else tf.convert_to_tensor(array) for array in arrays]


def make_stateful_predict(model: keras.Model) -> StatefulPredict:
    """A function `predict(states, x) -> outputs, states`: x and the outputs are (batch, ...), dropout is off.

    states: () unless the model was made with `carry_state`.
    """
    prefer_quick_compiling()
    forward = tf.function(
        lambda states, x: call_with_states(model, states, x, training=False), jit_compile=is_compiled(model)
    )

    def predict(states: States, x: Any) -> tuple[npt.NDArray[np.float32], States]:
        outputs, states = forward(states, tf.convert_to_tensor(x))
        return outputs.numpy(), states

    return predict


def prefer_quick_compiling() -> None:
    """Lower XLA's optimisation level unless XLA_FLAGS sets it; effective only before XLA first compiles."""
    flags = os.environ.get("XLA_FLAGS", "")
    if _QUICK_COMPILING.partition("=")[0] not in flags:
        os.environ["XLA_FLAGS"] = f"{_QUICK_COMPILING} {flags}".strip()


def zero_states(model: keras.Model, batch: int) -> States:
    """Zero states, (batch, units) each; () unless the model was made with `carry_state`."""
    return tuple(tf.zeros((batch, *state.shape[1:]), state.dtype) for state in model.inputs[1:])
