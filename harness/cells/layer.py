"""A Keras layer that runs the equations of any cell; weights and options are those of Keras's recurrent layers."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import tensorflow as tf

from harness.cells import Cell, cells
from harness.cells.cell import equations
from harness.cells.dropout import masks
from harness.cells.keras_backend import keras
from harness.cells.projection import add_bias, project
from harness.cells.recurrence import Weights
from harness.cells.scan import scan

_CONFIGURED = (
    "units", "use_bias", "unit_forget_bias", "reset_after", "dropout", "recurrent_dropout", "return_sequences",
    "return_state", "go_backwards", "zero_output_for_mask", "seed",
)  # fmt: skip
"""The arguments that are stored in a saved model as they are."""


@keras.saving.register_keras_serializable("harness")
class Recurrent(keras.layers.Layer):  # type: ignore[misc]
    """(batch, time, features) -> (batch, units), or (batch, time, units) with `return_sequences`.

    cell:              a name in `harness.cells.cells`, a `module:attribute`, or a Cell. The layer is saved with this
                       name, so a layer made from an unregistered Cell object cannot be saved or copied
    dropout:           dropout rate of the inputs during training
    recurrent_dropout: dropout rate of the hidden state. If it is positive, each gate has separate masks, for the inputs
                       too. A mask is the same at every time step
    return_state:      also return the final states, (batch, units) each
    go_backwards:      process the sequence from its end; outputs are in the order of computation
    zero_output_for_mask: output zero at masked steps, instead of repeating the previous output
    reset_after, unit_forget_bias, use_bias and the initializers: as in the equivalent Keras layer

    The layer is called with sequences of numbers, `initial_state`, a list of (batch, units), and `mask`, (batch, time),
    False at padding. Values at padding, even infinite or NaN ones, affect no output and no gradient. Raises UserError
    for invalid arguments and inputs. The Keras options `stateful` and `unroll` are rejected; use `return_state` and
    `initial_state` to carry states.
    """

    stateful = False
    states = None  # Bidirectional reads both, as attributes of a Keras layer that is not stateful

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
        go_backwards: bool = False,
        zero_output_for_mask: bool = False,
        seed: int | None = None,
        **options: Any,
    ) -> None:
        known = cell if isinstance(cell, Cell) else cells[cell]
        known.check(units=units, dropout=dropout, recurrent_dropout=recurrent_dropout, seed=seed)
        known.check(use_bias=use_bias, unit_forget_bias=unit_forget_bias, reset_after=reset_after)
        known.check(return_sequences=return_sequences, return_state=return_state, go_backwards=go_backwards)
        known.check(zero_output_for_mask=zero_output_for_mask)
        if given := [option for option in ("stateful", "unroll") if options.pop(option, False)]:
            raise known.error(
                f"the option {given[0]!r} of Keras's layers is not supported; "
                "use 'return_state' and 'initial_state' to carry states"
            )
        super().__init__(**options)
        self.given = cell
        self.cell = known.variant(reset_after=reset_after)
        equations(self.cell)
        self.units = int(units)
        self.use_bias = use_bias
        self.kernel_initializer = self._initializer("kernel_initializer", kernel_initializer)
        self.recurrent_initializer = self._initializer("recurrent_initializer", recurrent_initializer)
        self.bias_initializer = self._initializer("bias_initializer", bias_initializer)
        self.unit_forget_bias = unit_forget_bias
        self.reset_after = reset_after
        self.dropout = float(dropout)
        self.recurrent_dropout = float(recurrent_dropout)
        self.return_sequences = return_sequences
        self.return_state = return_state
        self.go_backwards = go_backwards
        self.zero_output_for_mask = zero_output_for_mask
        self.seed = None if seed is None else int(seed)
        self.seed_generator = keras.random.SeedGenerator(self.seed)
        self.supports_masking = True

    def build(self, sequences_shape: Sequence[int | None], initial_state_shape: Any = None) -> None:
        """Create the weights that the cell declares, in the order of the equivalent Keras layer."""
        self._check_sequences(sequences_shape)
        self._check_states(sequences_shape[0], initial_state_shape)
        features: int = sequences_shape[-1]  # type: ignore[assignment]  # it has been checked
        initializers = {
            "kernel": self.kernel_initializer,
            "recurrent_kernel": self.recurrent_initializer,
            "recurrent_diagonal": self._initial_diagonal,
            "bias": self._initial_bias,
            "recurrent_bias": self.bias_initializer,
        }
        for name in initializers:
            setattr(self, name, None)
        for name, shape in self.cell.shapes(features, self.units, use_bias=self.use_bias).items():
            setattr(self, name, self.add_weight(shape=shape, name=name, initializer=initializers[name]))
        self.features = features

    def call(
        self,
        sequences: tf.Tensor,
        initial_state: Sequence[tf.Tensor] | None = None,
        mask: tf.Tensor | None = None,
        training: bool = False,
    ) -> tf.Tensor:
        """The outputs; with `return_state`, the outputs and the final states."""
        sequences = self._converted("sequences", sequences)
        self._check_sequences(sequences.shape)
        batch = keras.ops.shape(sequences)[0]
        states = self._first_states(initial_state, sequences.shape[0], batch)
        if mask is not None:
            mask = self._converted_mask(mask, sequences)
            sequences = tf.where(mask[:, :, None], sequences, tf.zeros_like(sequences))
        if tf.executing_eagerly() and not tf.reduce_all(tf.math.is_finite(sequences)):
            raise self.cell.error("'sequences' contains NaN or infinite values")
        if self.go_backwards:
            sequences = tf.reverse(sequences, [1])
            mask = None if mask is None else tf.reverse(mask, [1])
        input_masks, recurrent_masks = self._dropout_masks(batch, sequences.shape[-1]) if training else (None, None)
        input_bias, recurrent_bias = self._biases()

        recurrent_kernel, recurrent_diagonal = (
            None if weight is None else tf.convert_to_tensor(weight)
            for weight in (self.recurrent_kernel, self.recurrent_diagonal)
        )
        x = project(sequences, tf.convert_to_tensor(self.kernel), input_masks)
        if input_bias is not None:
            x = add_bias(x, input_bias)
        outputs, last = scan(
            self.cell,
            x,
            states,
            Weights(recurrent_kernel, recurrent_diagonal, recurrent_bias, recurrent_masks),
            None if mask is None else tf.transpose(mask, [1, 0]),
        )
        if mask is not None and self.zero_output_for_mask:
            outputs = tf.where(tf.transpose(mask, [1, 0])[:, :, None], outputs, tf.zeros_like(outputs))
        result = tf.transpose(outputs, [1, 0, 2]) if self.return_sequences else outputs[-1]
        return (result, *last) if self.return_state else result

    def compute_mask(self, sequences: Any, mask: Any = None) -> Any:
        """The input's mask if the layer returns sequences, else None: a single output has no padding."""
        mask = mask[0] if isinstance(mask, list | tuple) else mask  # the other masks belong to the states
        kept = mask if self.return_sequences else None
        return [kept, *(None for _ in self.cell.states)] if self.return_state else kept

    def compute_output_shape(self, sequences_shape: Sequence[int | None], initial_state_shape: Any = None) -> Any:
        """(batch, [time,] units); with `return_state`, followed by (batch, units) for each state."""
        self._check_sequences(sequences_shape)
        batch, time = sequences_shape[:2]
        self._check_states(batch, initial_state_shape)
        output = (batch, time, self.units) if self.return_sequences else (batch, self.units)
        return (output, *((batch, self.units) for _ in self.cell.states)) if self.return_state else output

    def get_config(self) -> dict[str, Any]:
        """The configuration from which Keras rebuilds the layer. Raises UserError for an unregistered Cell object."""
        initializers = ("kernel_initializer", "recurrent_initializer", "bias_initializer")
        return {
            **super().get_config(),
            "cell": self._name_of_cell(),
            **{name: keras.initializers.serialize(getattr(self, name)) for name in initializers},
            **{name: getattr(self, name) for name in _CONFIGURED},
        }

    def _name_of_cell(self) -> str:
        """The name under which `harness.cells.cells` finds the cell."""
        if not isinstance(self.given, Cell):
            return self.given
        name = self.given.name
        if name in cells.targets() and cells[name] == self.given:
            return name
        raise self.given.error(
            "a layer made from this Cell object cannot be saved or copied, because the object is not registered under "
            "a name; create the layer with the cell's 'module:attribute' instead"
        )

    def _initializer(self, argument: str, value: Any) -> Any:
        with suppress(TypeError, ValueError):
            if (initializer := keras.initializers.get(value)) is not None:
                return initializer
        raise self.cell.error(f"{argument!r} is {value!r}, expected an initializer of Keras")

    def _check_sequences(self, shape: Sequence[int | None]) -> None:
        """Raise UserError unless the shape is (batch, time, features), with the features the layer was built for."""
        expected = getattr(self, "features", None)
        if len(shape) != 3 or shape[-1] is None or shape[-1] != (expected or shape[-1]) or shape[1] == 0:
            raise self.cell.error(
                f"'sequences' has the shape {tuple(shape)}, expected (batch, time, features) with "
                f"{expected or 'a known number of'} features and at least one time step"
            )

    def _check_states(self, batch: int | None, shapes: Any) -> None:
        """Raise UserError for a wrong number or shape of initial states; shapes: one shape, several, or None."""
        if shapes is None:
            return
        one = any(isinstance(size, int) for size in shapes)  # the shape of a single state
        shapes = [shapes] if one else list(shapes)
        if len(shapes) != len(self.cell.states):
            raise self.cell.error(
                f"'initial_state' has {len(shapes)} tensors, expected {len(self.cell.states)}: "
                f"{', '.join(self.cell.states)}"
            )
        for shape in shapes:
            if shape is None or not tf.TensorShape(shape).is_compatible_with((batch, self.units)):
                raise self.cell.error(
                    f"'initial_state' has the shape {shape}, expected (batch, units) = {(batch, self.units)}"
                )

    def _converted(self, argument: str, values: Any) -> tf.Tensor:
        """Values as a tensor of the layer's dtype. Integers are accepted; raises UserError for other types."""
        kind = type(values).__name__
        with suppress(TypeError, ValueError, tf.errors.OpError):
            tensor = tf.convert_to_tensor(values)
            kind = tensor.dtype.name
            if not tensor.dtype.is_complex:
                return tf.cast(tensor, self.compute_dtype)
        raise self.cell.error(f"{argument!r} is of type {kind}, expected real numbers")

    def _converted_mask(self, mask: Any, sequences: tf.Tensor) -> tf.Tensor:
        mask = tf.cast(tf.convert_to_tensor(mask), tf.bool)
        if not sequences.shape[:2].is_compatible_with(mask.shape):
            raise self.cell.error(
                f"'mask' has the shape {tuple(mask.shape)}, expected (batch, time) = {tuple(sequences.shape[:2])}"
            )
        return mask

    def _initial_bias(self, shape: Sequence[int], dtype: Any = None) -> tf.Tensor:
        """`bias_initializer`, but ones for the gates in `Cell.ones` (the forget gate)."""
        bias = self.bias_initializer(shape, dtype=dtype)
        if not (self.unit_forget_bias and self.cell.ones):
            return bias
        ones = tf.repeat([name in self.cell.ones for name in self.cell.gates_with("input_weights")], self.units)
        return tf.where(ones, tf.ones(shape, bias.dtype), bias)

    def _initial_diagonal(self, shape: Sequence[int], dtype: Any = None) -> tf.Tensor:
        """The concatenated diagonals of matrices made by `recurrent_initializer`."""
        matrices = tf.reshape(
            self.recurrent_initializer((self.units, *shape), dtype=dtype), (self.units, -1, self.units)
        )
        return tf.reshape(tf.linalg.diag_part(tf.transpose(matrices, [1, 0, 2])), shape)

    def _biases(self) -> tuple[tf.Tensor | None, tf.Tensor | None]:
        """The input bias and the recurrent bias; None for one that the layer does not have."""
        if self.bias is None:
            return None, None
        bias = tf.convert_to_tensor(self.bias)
        if self.recurrent_bias is not None:
            return bias, tf.convert_to_tensor(self.recurrent_bias)
        return (bias[0], bias[1]) if bias.shape.rank == 2 else (bias, None)

    def _first_states(self, given: Any, known_batch: int | None, batch: Any) -> tuple[tf.Tensor, ...]:
        if given is None:
            return tuple(tf.zeros((batch, self.units), self.compute_dtype) for _ in self.cell.states)
        given = tuple(given) if isinstance(given, list | tuple) else (given,)
        states = tuple(self._converted("initial_state", state) for state in given)
        self._check_states(known_batch, [tuple(state.shape) for state in states])
        return states

    def _dropout_masks(self, batch: Any, features: int) -> tuple[tf.Tensor | None, tf.Tensor | None]:
        """Dropout masks of inputs and hidden state: (gates, batch, features) and (gates, batch, units).

        As in Keras, all gates share one input mask, (1, batch, features), if there is no recurrent dropout.
        """
        seeing, recurrent = self.cell.gates_with("input_weights"), self.cell.gates_with("recurrent_weights")
        recurrent_rate = self.recurrent_dropout if recurrent else 0
        shapes, rates = [], []
        if self.dropout:
            shapes.append((len(seeing) if recurrent_rate else 1, batch, features))
            rates.append(self.dropout)
        if recurrent_rate:
            shapes.append((len(recurrent), batch, self.units))
            rates.append(recurrent_rate)
        if not rates:
            return None, None
        drawn = masks(shapes, rates, self.seed_generator, batch_axis=1, dtype=self.compute_dtype)
        return drawn[0] if self.dropout else None, drawn[-1] if recurrent_rate else None
