"""The training step and the prediction with which every backend is trained and measured.

A model whose backend XLA compiles (`fused`) has its batches cut into shards (harness/cells/shards.py), and its updates
run in a loop inside one call, so that what Python and the data cost is not counted as the cell's time. Any other runs
as Keras itself would run it, a call an update: inside such a loop, what TensorFlow's graph optimiser makes of the
gradients of Keras's own loops does not survive a second call (AlreadyExistsError for the article's GRU with dropout at
256 steps, TensorFlow 2.21).
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
"""What it leaves out takes a seventh of the first step and makes no update faster: XLA vectorizes its loops itself."""


def make_stateful_updates(model: keras.Model, threads: int | None = None) -> StatefulUpdates:
    """A function that trains the compiled model: `updates(states, x, y, weight=None, rates=None) -> losses, states`.

    x is (updates, batch, ...), y (updates, batch, ...), arrays or tensors; each leading index is one gradient update,
    with the model's own loss and optimizer and with dropout on. weight, where there is one, is (updates, batch) or
    (updates, batch, time): the loss of an update is then the weighted mean over its labels. Returns the losses before
    each update, (updates,), float32. The number of updates may vary; another batch size, length or dtype is traced and
    compiled once more. A compiled model's batch is cut into at most one shard for each of the `threads`.

    states: () unless the model was made with `carry_state`. Then each update begins with the states that the one before
    ended with, the first with those given. No gradient flows from an update into the one before: truncated
    backpropagation through time. rates: the learning rate of each update, (updates,); None: the optimizer's. They are
    values: other ones are not traced again.
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
        if weight is not None:  # Keras divides by the number of labels, not by their weights
            batch.append(tf.math.divide_no_nan(weight, tf.reduce_mean(weight)))
        # The optimizer stays out of what is compiled: a few operations a variable, a third of the compiling.
        loss, gradients, states = executed(states, *batch)
        for value in rate:  # one, or none where it stays
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
    """Copies of the arrays as tensors, None as None: what updates take without making copies while they are timed.

    At the article's shapes the copies take 2 ms an update, a fifth of a simple RNN's whole update.
    """
    return [None if array is None else tf.convert_to_tensor(array) for array in arrays]


def make_stateful_predict(model: keras.Model) -> StatefulPredict:
    """A function `predict(states, x) -> outputs, states`: x is (batch, ...), the outputs (batch, ...), dropout off.

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
    """Ask XLA for its quick way to compile, unless XLA_FLAGS says otherwise; heard only before it compiles first."""
    flags = os.environ.get("XLA_FLAGS", "")
    if _QUICK_COMPILING.partition("=")[0] not in flags:
        os.environ["XLA_FLAGS"] = f"{_QUICK_COMPILING} {flags}".strip()


def zero_states(model: keras.Model, batch: int) -> States:
    """The states before the first time step: none, unless the model was made with `carry_state`."""
    return tuple(tf.zeros((batch, *state.shape[1:]), state.dtype) for state in model.inputs[1:])
