"""The one scan and the one custom gradient that run every cell's equations over a sequence.

What makes it fast: the loop over the time steps has only what depends on the step before. The input's product is the
layer's, one for all time steps. Forward, the loop keeps the states alone; backward, everything that does not
depend on the running gradient is computed for all time steps at once before the loop, and the gradient of the recurrent
weights is one product after it. XLA compiles loops as loops: in the same time for any length.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from harness.cells.cell import Backward, Cell, Gates, Recurrence, States, equations
from harness.cells.recurrence import Weights, recurrent_product, transposed_product, weight_gradients
from harness.errors import UserError


def scan(
    cell: Cell, x: tf.Tensor, states: States, weights: Weights, mask: tf.Tensor | None = None
) -> tuple[tf.Tensor, States]:
    """Run the cell over a sequence: (outputs, last states).

    x:      the input's part of the pre-activations, bias included, (batch, time, gates x units)
    states: the states before the first time step, (batch, units) each
    mask:   (time, batch), False where a time step is padding: the states then pass through unchanged, and the output is
            the one before, or zero where there is none before; or None

    The outputs are (time, batch, units). Gradients flow to x, states, and the weights' kernel, diagonal and bias: by
    the cell's backward pass where it has one, else by autodiff. Raises UserError for a cell whose equations do not fit.
    """
    check_step(cell, _gates(cell, x), states, recurrent_product(cell, weights))
    backward = cell.backward
    if backward is None:
        after, last = _forward(cell, _gates(cell, x), states, weights, mask, keep=1)
        return _outputs(after[0], mask), last

    trained = {name: tensor for name, tensor in weights._asdict().items() if name != "dropout" and tensor is not None}

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def run(x: tf.Tensor, *rest: tf.Tensor) -> tuple[tuple[tf.Tensor, ...], Callable[..., Any]]:
        gates, first = _gates(cell, x), rest[: len(states)]
        given = weights._replace(**dict(zip(trained, rest[len(states) :], strict=True)))
        after, last = _forward(cell, gates, first, given, mask, keep=len(states))

        def gradient(*upstream: tf.Tensor) -> list[tf.Tensor]:
            d_x, d_first, d_weights = _backward(
                cell, backward, gates, first, after, given, mask, upstream[0], upstream[1:]
            )
            return [d_x, *d_first, *(getattr(d_weights, name) for name in trained)]

        return (_outputs(after[0], mask), *last), gradient

    outputs, *last = run(x, *states, *trained.values())
    return outputs, tuple(last)


def _forward(
    cell: Cell, x: Gates, states: States, weights: Weights, mask: tf.Tensor | None, *, keep: int
) -> tuple[tuple[tf.Tensor, ...], States]:
    """The first `keep` states after every step, (time, batch, units) each, and all states after the last."""
    step, recur, time = equations(cell), recurrent_product(cell, weights), keras.ops.shape(x[0])[0]

    def one_step(t: tf.Tensor, states: States, after: Sequence[Any]) -> tuple[Any, ...]:
        new, _ = step(tuple(gate[t] for gate in x), states, recur)
        if mask is not None:
            new = tuple(tf.where(mask[t][:, None], one, old) for one, old in zip(new, states, strict=True))
        return new, [array.write(t, state) for array, state in zip(after, new[:keep], strict=True)]

    arrays = [_array(x[0], time, x[0].shape[-1]) for _ in range(keep)]
    last, after = _repeat(one_step, (states, arrays), time, _pace(cell, time), differentiable=cell.backward is None)
    return tuple(_stack(array, x[0]) for array in after), tuple(last)


def _backward(
    cell: Cell,
    backward: Backward,
    x: Gates,
    first: States,
    after: States,
    weights: Weights,
    mask: tf.Tensor | None,
    d_outputs: tf.Tensor,
    d_last: States,
) -> tuple[tf.Tensor, States, Weights]:
    """The gradients of x, of the first states and of the weights."""
    before = tuple(tf.concat([one[None], states[:-1]], 0) for one, states in zip(first, after, strict=True))
    # What the equations saved is computed again, for all time steps at once: cheaper than to write it step by step.
    saved = equations(cell)(x, before, recurrent_product(cell, weights))[1]
    backward_factors = backward.factors(saved, before, after)
    recur = transposed_product(cell, weights)
    time, units = keras.ops.shape(d_outputs)[0], d_outputs.shape[-1]
    if mask is not None:
        d_outputs = _outputs(d_outputs, mask)

    def one_step(back: tf.Tensor, d_states: States, dx: Any) -> tuple[Any, ...]:
        t = time - 1 - back
        d_states = (d_states[0] + d_outputs[t], *d_states[1:])
        d_x, d_before = backward.step(d_states, tuple(factor[t] for factor in backward_factors), recur)
        _check_backward(cell, d_x, d_before, d_outputs)
        d_x = tf.concat(d_x, -1)
        if mask is not None:
            real = mask[t][:, None]
            d_x = tf.where(real, d_x, tf.zeros_like(d_x))
            d_before = tuple(tf.where(real, one, old) for one, old in zip(d_before, d_states, strict=True))
        return d_before, dx.write(t, d_x)

    array = _array(d_outputs, time, len(x) * units)
    d_first, d_x = _repeat(one_step, (d_last, array), time, _pace(cell, time), differentiable=False)
    d_x = _stack(d_x, d_outputs)
    dx = tuple(tf.split(d_x, len(x), axis=-1))
    if backward.products is not None:
        products = backward.products(dx, saved, before)
    else:
        products = [(before[0], dx, 0)] if cell.gates_with("recurrent_weights") else []
    return tf.transpose(d_x, [1, 0, 2]), d_first, weight_gradients(cell, products, weights)


def _pace(cell: Cell, time: Any) -> int:
    """How many of `time` time steps an iteration of the loop takes: two where that is faster.

    Of a simple RNN's step a third is what an iteration costs whatever is in it. Where more than one gate is computed,
    two steps are more operations than XLA executes on one thread without a queue, and slower.
    """
    return 2 if len(cell.gates) == 1 and isinstance(time, int) and time % 2 == 0 else 1


def _repeat(
    one_step: Callable[..., Any], carried: tuple[Any, ...], time: Any, pace: int, *, differentiable: bool
) -> tuple[Any, ...]:
    """one_step(t, *carried) -> carried, for t from 0 to time - 1, `pace` of them an iteration.

    XLA recognises the trip count of a counting loop and skips the per-iteration test. Only autodiff needs the number as
    well.
    """

    def iteration(index: tf.Tensor, *carried: Any) -> tuple[Any, ...]:
        for t in range(pace):
            carried = one_step(index * pace + t, *carried)
        return index + 1, *carried

    count = time // pace
    _, *carried_on = tf.while_loop(
        lambda index, *_: index < count,
        iteration,
        (tf.constant(0), *carried),
        maximum_iterations=count if differentiable else None,
    )
    return tuple(carried_on)


def _gates(cell: Cell, x: tf.Tensor) -> Gates:
    """(batch, time, gates x units) -> (time, batch, units) for each gate: what a time step reads lies together."""
    return tuple(tf.transpose(gate, [1, 0, 2]) for gate in tf.split(x, len(cell.gates_with("input_weights")), axis=-1))


def _stack(array: Any, like: tf.Tensor) -> tf.Tensor:
    """The elements of an array, one for each time step of like, (time, ...)."""
    stacked = array.stack()
    return tf.ensure_shape(stacked, (like.shape[0], *stacked.shape[1:]))


def _array(like: tf.Tensor, time: tf.Tensor, width: int) -> Any:
    return tf.TensorArray(like.dtype, size=time, element_shape=(like.shape[1], width))


def _outputs(hidden: tf.Tensor, mask: tf.Tensor | None) -> tf.Tensor:
    """The hidden states, and zero before a sequence's first real step."""
    if mask is None:
        return hidden
    begun = tf.cumsum(tf.cast(mask, tf.int32), axis=0) > 0
    return tf.where(begun[:, :, None], hidden, tf.zeros_like(hidden))


def _check_backward(cell: Cell, d_x: Gates, d_states: States, like: tf.Tensor) -> None:
    """Raise UserError where a backward step's results do not fit the forward step; like is (time, batch, units)."""
    inputs = cell.gates_with("input_weights")
    for what, gradients, count in (("x", d_x, len(inputs)), ("the states", d_states, len(cell.states))):
        if len(gradients) != count:
            raise UserError(
                f"cell {cell.name!r}: 'backward' returned {len(gradients)} gradients of {what}, expected {count}"
            )
        for gradient in gradients:
            if not gradient.shape.is_compatible_with(like.shape[1:]):
                raise UserError(
                    f"cell {cell.name!r}: 'backward' returned a gradient of {what} of shape {tuple(gradient.shape)}, "
                    f"expected (batch, units) = {tuple(like.shape[1:])}"
                )


def check_step(cell: Cell, x: Gates, states: States, recur: Recurrence) -> None:
    """Try the cell's step; the results are thrown away.

    Raises UserError where it does not return its states, (batch, units) each, or leaves recurrent weights out.
    """
    used: set[int] = set()

    def recording(operand: tf.Tensor, first: int = 0, last: int | None = None, /) -> Gates:
        products: Gates = recur(operand, first, last)
        used.update(range(first, first + len(products)))
        return products

    new, _ = equations(cell)(tuple(gate[0] for gate in x), states, recording)
    if len(new) != len(states):
        raise UserError(f"cell {cell.name!r}: 'step' returned {len(new)} states, expected {len(states)}: {cell.states}")
    for name, state, old in zip(cell.states, new, states, strict=True):
        if not state.shape.is_compatible_with(old.shape):
            raise UserError(
                f"cell {cell.name!r}: 'step' returned a {name} of shape {tuple(state.shape)}, "
                f"expected (batch, units) = {tuple(old.shape)}"
            )
    if unused := [gate for k, gate in enumerate(cell.gates_with("recurrent_weights")) if k not in used]:
        raise UserError(
            f"cell {cell.name!r}: 'step' never multiplies with the recurrent weights of {', '.join(unused)}, which "
            "would be counted and not trained; 'recurrent_weights' says which gates have none"
        )
