"""The loss of a batch and its gradient: the first part of every update of a network."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from harness.cells.keras_backend import keras

States = tuple[Any, ...]
"""The states of a model made with `carry_state`, (batch, units) each; () for other models."""


def loss_and_gradients(
    model: keras.Model, states: States, x: Any, y: Any, weight: Any = None
) -> tuple[Any, list[Any], Any, States]:
    """The loss of the compiled model, one gradient per trainable variable, the outputs, and the final states.

    x, y: (batch, ...); weight: (batch,) or (batch, time), or None. Dropout is active. A variable that does not affect
    the loss has a zero gradient. The gradients are scaled as the model's optimizer expects them (`scale_loss`).
    """
    with tf.GradientTape() as tape:
        outputs, states = call_with_states(model, states, x, training=True)
        loss = model.compute_loss(x=x, y=y, y_pred=outputs, sample_weight=weight, training=True)
        scaled = model.optimizer.scale_loss(loss)
    values = [variable.value for variable in model.trainable_variables]
    gradients = tape.gradient(scaled, values, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    return loss, gradients, outputs, states


def call_with_states(model: keras.Model, states: States, x: Any, *, training: bool) -> tuple[Any, States]:
    """The model's outputs and its final states; () if `states` is empty."""
    if not states:
        return model(x, training=training), ()
    outputs, *after = model([x, *states], training=training)
    return outputs, tuple(after)
