"""The Keras layer that runs any cell by its equations; weights, options and meaning as in Keras's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from harness.cells import Cell, cells
from harness.cells.cell import equations
from harness.cells.dropout import masks
from harness.cells.keras_backend import keras
from harness.cells.projection import add_bias, project
from harness.cells.scan import Weights, scan
from harness.errors import UserError

Tensor = Any


@keras.saving.register_keras_serializable("harness")
class Recurrent(keras.layers.Layer):  # type: ignore[misc]
    """(batch, time, features) -> (batch, units), or (batch, time, units) with `return_sequences`.

    cell:              a name in `harness.cells.cells`, a `module:attribute`, or a Cell; a layer that was given a Cell
                       is saved by its name
    dropout:           the rate at which inputs are dropped in training
    recurrent_dropout: the rate for the hidden state; where it is positive, each block of weights has masks of its own,
                       for the inputs too; every mask is the same at every time step
    return_state:      also return the last states, (batch, units) each
    reset_after, unit_forget_bias, use_bias and the initializers: as in the Keras layer that the cell equals

    Called with `initial_state`, a list of (batch, units), and `mask`, (batch, time), False where a step is padding.
    """

    def __init__(
        self,
        cell: str | Cell,
        units: int,
        *,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        unit_forget_bias: bool = True,
        reset_after: bool = True,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        return_sequences: bool = False,
        return_state: bool = False,
        seed: int | None = None,
        **options: Any,
    ) -> None:
        self.cell_name = cell if isinstance(cell, str) else cell.name
        known = cells[cell] if isinstance(cell, str) else cell
        super().__init__(**options)
        self.cell = known.variant(reset_after=reset_after)
        equations(self.cell)
        if isinstance(units, bool) or not isinstance(units, int) or units < 1:
            raise UserError(f"cell {known.name!r}: 'units' is {units!r}, expected an integer of at least 1")
        for argument, rate in (("dropout", dropout), ("recurrent_dropout", recurrent_dropout)):
            if not 0 <= rate < 1:
                raise UserError(f"cell {known.name!r}: {argument!r} is {rate!r}, expected a rate from 0 to below 1")
        self.units = units
        self.use_bias = use_bias
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.recurrent_initializer = keras.initializers.get(recurrent_initializer)
        self.bias_initializer = keras.initializers.get(bias_initializer)
        self.unit_forget_bias = unit_forget_bias
        self.reset_after = reset_after
        self.dropout = dropout
        self.recurrent_dropout = recurrent_dropout
        self.return_sequences = return_sequences
        self.return_state = return_state
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.supports_masking = True

    def build(self, sequences_shape: Sequence[int | None], initial_state_shape: Any = None) -> None:
        """Make the weights: kernel, recurrent_kernel, bias, in the order of the Keras layer."""
        features = sequences_shape[-1]
        if len(sequences_shape) != 3 or features is None:
            raise UserError(
                f"cell {self.cell.name!r}: 'sequences' has the shape {tuple(sequences_shape)}, "
                "expected (batch, time, features) with a known number of features"
            )
        shapes = self.cell.shapes(features, self.units, use_bias=self.use_bias)
        initializers = {
            "kernel": self.kernel_initializer,
            "extra_kernel": self.kernel_initializer,
            "recurrent_kernel": self.recurrent_initializer,
            "bias": self._initial_bias,
        }
        made = {
            name: self.add_weight(shape=shape, name=name, initializer=initializers[name])
            for name, shape in shapes.items()
        }
        self.kernel = made["kernel"]
        self.extra_kernel = made.get("extra_kernel")
        self.recurrent_kernel = made["recurrent_kernel"]
        self.bias = made.get("bias")

    def call(
        self,
        sequences: Tensor,
        initial_state: Sequence[Tensor] | None = None,
        mask: Tensor | None = None,
        training: bool = False,
    ) -> Tensor:
        """The outputs; with `return_state`, the outputs and the last states."""
        sequences = tf.convert_to_tensor(sequences)
        self._check(sequences, mask)
        batch = keras.ops.shape(sequences)[0]
        states = self._first_states(initial_state, batch)
        input_masks, recurrent_masks = self._dropout_masks(batch, sequences.shape[-1]) if training else (None, None)
        input_bias, recurrent_bias = self._biases()

        x = self._project(sequences, input_masks)
        if input_bias is not None:
            x = add_bias(x, input_bias)
        outputs, last = scan(
            self.cell,
            x,
            states,
            Weights(tf.convert_to_tensor(self.recurrent_kernel), recurrent_bias, recurrent_masks),
            None if mask is None else tf.transpose(tf.cast(mask, tf.bool), [1, 0]),
        )
        result = tf.transpose(outputs, [1, 0, 2]) if self.return_sequences else outputs[-1]
        return (result, *last) if self.return_state else result

    def compute_mask(self, sequences: Any, mask: Any = None) -> Any:
        """The mask goes on with a sequence, and ends where one output is left of it."""
        kept = mask if self.return_sequences else None
        return [kept, *(None for _ in self.cell.states)] if self.return_state else kept

    def compute_output_shape(self, sequences_shape: Sequence[int | None], initial_state_shape: Any = None) -> Any:
        """(batch, [time,] units); with `return_state`, then (batch, units) for each state."""
        batch, time = sequences_shape[:2]
        output = (batch, time, self.units) if self.return_sequences else (batch, self.units)
        return (output, *((batch, self.units) for _ in self.cell.states)) if self.return_state else output

    def get_config(self) -> dict[str, Any]:
        """What a saved model needs to make this layer again."""
        return {
            **super().get_config(),
            "cell": self.cell_name,
            "units": self.units,
            "use_bias": self.use_bias,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "recurrent_initializer": keras.initializers.serialize(self.recurrent_initializer),
            "bias_initializer": keras.initializers.serialize(self.bias_initializer),
            "unit_forget_bias": self.unit_forget_bias,
            "reset_after": self.reset_after,
            "dropout": self.dropout,
            "recurrent_dropout": self.recurrent_dropout,
            "return_sequences": self.return_sequences,
            "return_state": self.return_state,
            "seed": self.seed,
        }

    def _check(self, sequences: Tensor, mask: Tensor | None) -> None:
        """Refuse a mask of another shape, and, where numbers can be seen (in eager mode), those that are not finite."""
        if mask is not None and not sequences.shape[:2].is_compatible_with(mask.shape):
            raise UserError(
                f"cell {self.cell.name!r}: 'mask' has the shape {tuple(mask.shape)}, "
                f"expected (batch, time) = {tuple(sequences.shape[:2])}"
            )
        if tf.executing_eagerly() and not tf.reduce_all(tf.math.is_finite(sequences)):
            raise UserError(f"cell {self.cell.name!r}: 'sequences' holds numbers that are not finite")

    def _initial_bias(self, shape: Sequence[int], dtype: Any = None) -> Tensor:
        """`bias_initializer`, but ones in the blocks that ask for it (the forget gate's)."""
        bias = self.bias_initializer(shape, dtype=dtype)
        if not (self.unit_forget_bias and self.cell.ones):
            return bias
        ones = tf.repeat([name in self.cell.ones for name in self.cell.blocks], self.units)
        return tf.where(ones, tf.ones(shape, bias.dtype), bias)

    def _biases(self) -> tuple[Tensor | None, Tensor | None]:
        """The bias of the input's product and that of the recurrent product, where there are such."""
        if self.bias is None:
            return None, None
        bias = tf.convert_to_tensor(self.bias)
        return (bias[0], bias[1]) if self.cell.recurrent_bias else (bias, None)

    def _first_states(self, given: Sequence[Tensor] | None, batch: Tensor) -> tuple[Tensor, ...]:
        if given is None:
            return tuple(tf.zeros((batch, self.units), self.compute_dtype) for _ in self.cell.states)
        states = tuple(given) if isinstance(given, list | tuple) else (given,)
        if len(states) != len(self.cell.states):
            raise UserError(
                f"cell {self.cell.name!r}: 'initial_state' has {len(states)} tensors, expected "
                f"{len(self.cell.states)}: {', '.join(self.cell.states)}"
            )
        states = tuple(tf.convert_to_tensor(state, self.compute_dtype) for state in states)
        for state in states:
            if state.shape.rank != 2 or state.shape[-1] != self.units:
                raise UserError(
                    f"cell {self.cell.name!r}: 'initial_state' has the shape {tuple(state.shape)}, "
                    f"expected (batch, {self.units})"
                )
        return states

    def _dropout_masks(self, batch: Any, features: int) -> tuple[Tensor | None, Tensor | None]:
        """Masks to multiply inputs and hidden state with: (blocks, batch, features) and (blocks, batch, units).

        As in Keras, one input mask serves all blocks where there is no recurrent dropout: (1, batch, features).
        """
        count = len(self.cell.blocks) if self.recurrent_dropout else 1
        wanted = {
            width: rate for width, rate in (("features", self.dropout), ("units", self.recurrent_dropout)) if rate > 0
        }
        if not wanted:
            return None, None
        widths = {"features": features, "units": self.units}
        shapes = [(count, batch, widths[width]) for width in wanted]
        drawn = masks(shapes, list(wanted.values()), self.seed_generator, batch_axis=1)
        found = dict(zip(wanted, drawn, strict=True))
        return found.get("features"), found.get("units")

    def _project(self, sequences: Tensor, masks: Tensor | None) -> Tensor:
        """The input's products, all time steps: (batch, time, features) -> (batch, time, blocks x units)."""
        kernel = tf.convert_to_tensor(self.kernel)
        if self.extra_kernel is None:
            return self._product(sequences, kernel, masks)
        extra_features, extra_blocks = self.cell.extra_features, self.cell.extra_blocks
        own = extra = masks
        if masks is not None:
            own, extra = masks[..., :-extra_features], masks[..., -extra_features:]
            if masks.shape[0] > 1:
                own, extra = own[:-extra_blocks], extra[-extra_blocks:]
        return tf.concat(
            [
                self._product(sequences[..., :-extra_features], kernel, own),
                self._product(sequences[..., -extra_features:], tf.convert_to_tensor(self.extra_kernel), extra),
            ],
            axis=-1,
        )

    def _product(self, sequences: Tensor, kernel: Tensor, masks: Tensor | None) -> Tensor:
        """sequences times kernel; masks multiply the weights, a copy a sequence, being the same at every step."""
        if masks is None:
            return project(sequences, kernel)
        blocks = masks.shape[0]
        weights = tf.reshape(kernel, (kernel.shape[0], blocks, -1))
        masked = tf.transpose(masks, [1, 2, 0])[..., None] * weights
        return sequences @ tf.reshape(masked, (-1, *kernel.shape))
