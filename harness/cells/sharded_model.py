"""A Keras model that XLA compiles on every machine, and whose `fit` trains in shards."""

from __future__ import annotations

import inspect
from typing import Any

import tensorflow as tf

from harness.cells.dropout import Dropout
from harness.cells.gradient import loss_and_gradients
from harness.cells.keras_backend import keras
from harness.cells.layer import Recurrent
from harness.cells.shards import in_shards

_LAYERS = {
    keras.layers.InputLayer, keras.layers.Dense, keras.layers.Activation, keras.layers.Concatenate, Recurrent, Dropout,
}  # fmt: skip
"""Layers that process each sequence independently and draw the same random numbers for shards as for the batch."""
_OPERATIONS = ("one_hot", "flip")
"""The beginnings of the names of operations that do so too."""
_LOSSES = {
    keras.losses.BinaryCrossentropy, keras.losses.binary_crossentropy,
    keras.losses.BinaryFocalCrossentropy, keras.losses.binary_focal_crossentropy,
    keras.losses.CategoricalCrossentropy, keras.losses.categorical_crossentropy,
    keras.losses.SparseCategoricalCrossentropy, keras.losses.sparse_categorical_crossentropy,
    keras.losses.KLDivergence, keras.losses.kl_divergence,
    keras.losses.Poisson, keras.losses.poisson,
    keras.losses.MeanSquaredError, keras.losses.mean_squared_error,
    keras.losses.MeanAbsoluteError, keras.losses.mean_absolute_error,
    keras.losses.MeanSquaredLogarithmicError, keras.losses.mean_squared_logarithmic_error,
    keras.losses.Huber, keras.losses.huber,
    keras.losses.LogCosh, keras.losses.log_cosh,
}  # fmt: skip
"""Keras losses that are means over sequences, so that a batch's loss is the mean of the losses of equal shards."""


@keras.saving.register_keras_serializable("harness")
class ShardedModel(keras.Model):  # type: ignore[misc]
    """A functional model whose training step computes the gradient of a batch in shards (harness/cells/shards.py).

    Losses, gradients and metrics equal those of the whole batch up to rounding. Keras's default `jit_compile="auto"`
    means True for this model. The model uses Keras's training step on the whole batch in these cases:

    - The mean over shards could differ from the whole batch: the loss is not a mean over sequences, the model has
      layers other than those of `get_model`, regularizers, or several inputs or outputs, or runs on several replicas
      of tf.distribute.
    - The machine has a GPU, because shards are for the cores of a CPU.
    - `run_eagerly=True` or `jit_compile=False`.
    """

    @property
    def trains_in_shards(self) -> bool:
        """Whether `fit` trains in shards, given how the model is compiled now."""
        return (
            self.jit_compile
            and not self.run_eagerly
            and len(self.inputs) == len(self.outputs) == 1
            and all(type(step) in _LAYERS or step.name.startswith(_OPERATIONS) for step in self.operations)
            and not self.losses
            and not any(layer.activity_regularizer for layer in self.layers)
            and bool(self.trainable_variables)
            and self.optimizer is not None
            and is_mean_over_sequences(self.loss)
            and self.distribute_strategy.num_replicas_in_sync == 1
            and not tf.config.get_visible_devices("GPU")
        )

    def compile(self, *arguments: Any, **options: Any) -> None:
        """As in Keras, but `jit_compile="auto"` means True, unless the model is run eagerly."""
        given = inspect.signature(super().compile).bind(*arguments, **options)
        given.apply_defaults()
        if given.arguments["jit_compile"] == "auto":
            given.arguments["jit_compile"] = not given.arguments["run_eagerly"]
        super().compile(*given.args, **given.kwargs)

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compile a loaded model."""
        self.compile(**keras.saving.deserialize_keras_object(config))
        if self.optimizer is not None:
            self.optimizer.build(self.trainable_variables)

    def make_train_function(self, force: bool = False) -> Any:
        """As in Keras, but if a step trains in shards, XLA compiles the shards instead of the whole step."""
        if not self.trains_in_shards:
            return super().make_train_function(force)
        self.jit_compile = False
        try:
            return super().make_train_function(force)
        finally:
            self.jit_compile = True

    def train_step(self, data: Any) -> dict[str, Any]:
        """Do one update with a batch (x, y, sample_weight); returns the values of the metrics by name."""
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        # Keras raises the error for weights per sequence when the loss has several time steps.
        is_weighted = sample_weight is None or keras.ops.ndim(sample_weight) >= len(self.output_shape) - 1
        if y is None or not is_weighted or not self.trains_in_shards:
            return super().train_step(data)  # type: ignore[no-any-return]
        batch = [tensor for tensor in keras.tree.flatten((x, y, sample_weight)) if tensor is not None]

        def differentiate(states: Any, *batch: Any) -> tuple[Any, list[Any], tuple[Any, ...]]:
            loss, gradients, outputs, _ = loss_and_gradients(self, states, *batch)
            return loss, gradients, (outputs,)

        loss, gradients, (outputs,) = in_shards(self, differentiate)((), *batch)
        self.optimizer.apply(gradients, self.trainable_variables)
        mean_loss = next(metric for metric in self.metrics if metric.name == "loss")
        mean_loss.update_state(loss, sample_weight=tf.shape(outputs)[0])
        return self.compute_metrics(x, y, outputs, sample_weight=sample_weight)  # type: ignore[no-any-return]


def is_compiled(model: keras.Model) -> bool:
    """Whether a model of `get_model` has the backend `fused`, which XLA compiles on every machine.

    `model.jit_compile` is no test for this: on a machine with a GPU, Keras's default "auto" sets it for all models.
    """
    return isinstance(model, ShardedModel)


def is_mean_over_sequences(loss: Any) -> bool:
    """Whether a loss, given as for `compile`, is known to be the mean of the losses of equal shards of a batch."""
    try:
        known = keras.losses.get(loss)
        if not isinstance(known, keras.losses.Loss):
            return known in _LOSSES
    except (TypeError, ValueError):  # not the name of a Keras loss, or several losses
        return False
    config = known.get_config()
    return (
        type(known) in _LOSSES
        and config["reduction"] in ("sum_over_batch_size", "mean")
        and config.get("axis", -1) == -1
        and config.get("ignore_class") is None
    )
