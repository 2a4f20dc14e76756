"""The scan over time steps and its custom gradient, shared by all cells.

It is fast because the loop contains only operations that depend on the previous time step. The layer computes the
input's product for all time steps before the scan. The forward loop stores only the states. The backward pass computes
everything that does not depend on the running gradient for all time steps at once before its loop, and the gradient of
the recurrent weights in one product after it. XLA does not unroll the loops, so compile time is independent of length.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from harness.cells.cell import Backward, Cell, Gates, Recurrence, States, equations
from harness.cells.recurrence import Weights, recurrent_product, transposed_product, weight_gradients


def scan(
    cell: Cell, x: tf.Tensor, states: States, weights: Weights, mask: tf.Tensor | None = None
) -> tuple[tf.Tensor, States]:
    """Run the cell over a sequence: (outputs, final states).

    x:      the input's part of the pre-activations, including the bias, (batch, time, gates x units)
    states: the states before the first time step, (batch, units) each
    mask:   (time, batch), False at padding, or None. At padding the states do not change, and the previous output is
            repeated; before the first real time step the output is zero

    The outputs are (time, batch, units). Gradients flow to x, states, and the weights' kernel, diagonal and bias, by
    the cell's backward pass if it has one, else by autodiff. Raises UserError if the equations return wrong shapes.
    """
    _check_step(cell, _gates(cell, x), states, recurrent_product(cell, weights))
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
    """The first `keep` states after every time step, (time, batch, units) each, and all final states."""
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
    """The gradients of x, of the initial states and of the weights."""
    before = tuple(tf.concat([one[None], states[:-1]], 0) for one, states in zip(first, after, strict=True))
    # Recomputing `saved` for all time steps at once is cheaper than storing it step by step in the forward loop.
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
        _check_returned(cell, "backward", "gradients of x", d_x, len(x), d_outputs.shape[1:])
        _check_returned(cell, "backward", "gradients of the states", d_before, len(d_states), d_outputs.shape[1:])
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
    """Number of time steps per loop iteration: 1, or 2 for a cell with one gate and an even, known `time`.

    A third of the time of a simple RNN's step is the fixed cost of an iteration. With more gates, two steps exceed the
    number of operations that XLA executes on one thread without queueing them, and are slower.
    """
    return 2 if len(cell.gates) == 1 and isinstance(time, int) and time % 2 == 0 else 1


def _repeat(
    one_step: Callable[..., Any], carried: tuple[Any, ...], time: Any, pace: int, *, differentiable: bool
) -> tuple[Any, ...]:
    """Apply `one_step(t, *carried) -> carried` for t from 0 to time - 1, with `pace` calls per iteration.

    XLA recognises the trip count of a counting loop and skips the per-iteration test. Only autodiff needs
    `maximum_iterations`.
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
    """(batch, time, gates x units) -> (time, batch, units) for each gate; a time step then reads contiguous memory."""
    return tuple(tf.transpose(gate, [1, 0, 2]) for gate in tf.split(x, len(cell.gates_with("input_weights")), axis=-1))


def _stack(array: Any, like: tf.Tensor) -> tf.Tensor:
    """The stacked elements of a TensorArray, (time, ...), with the static number of time steps of `like`."""
    stacked = array.stack()
    return tf.ensure_shape(stacked, (like.shape[0], *stacked.shape[1:]))


def _array(like: tf.Tensor, time: tf.Tensor, width: int) -> Any:
    return tf.TensorArray(like.dtype, size=time, element_shape=(like.shape[1], width))


def _outputs(hidden: tf.Tensor, mask: tf.Tensor | None) -> tf.Tensor:
    """The hidden states, with zeros before a sequence's first real time step."""
    if mask is None:
        return hidden
    begun = tf.cumsum(tf.cast(mask, tf.int32), axis=0) > 0
    return tf.where(begun[:, :, None], hidden, tf.zeros_like(hidden))


def _check_returned(cell: Cell, function: str, what: str, arrays: Gates, count: int, shape: tf.TensorShape) -> None:
    """Raise UserError unless a function of the cell returned `count` arrays of this shape, (batch, units)."""
    if len(arrays) != count:
        raise cell.error(f"{function!r} returned {len(arrays)} {what}, expected {count}")
    for array in arrays:
        if not array.shape.is_compatible_with(shape):
            raise cell.error(
                f"{function!r} returned {what} of shape {tuple(array.shape)}, expected (batch, units) = {tuple(shape)}"
            )


def _check_step(cell: Cell, x: Gates, states: States, recur: Recurrence) -> None:
    """Call the cell's step once and discard the results.

    Raises UserError if it does not return all states, (batch, units) each, or does not use all recurrent weights.
    """
    used: set[int] = set()

    def recording(operand: tf.Tensor, first: int = 0, last: int | None = None, /) -> Gates:
        products: Gates = recur(operand, first, last)
        used.update(range(first, first + len(products)))
        return products

    new, _ = equations(cell)(tuple(gate[0] for gate in x), states, recording)
    _check_returned(cell, "step", "states", new, len(states), states[0].shape)
    if unused := [gate for k, gate in enumerate(cell.gates_with("recurrent_weights")) if k not in used]:
        raise cell.error(
            f"'step' does not use the recurrent weights of {', '.join(unused)}, so they would be counted but not "
            "trained; declare gates without recurrent weights in 'recurrent_weights'"
        )
