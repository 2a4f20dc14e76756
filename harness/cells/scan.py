"""The one scan and the one custom gradient that run every cell's equations over a sequence.

What makes it fast: the loop over the time steps has only what depends on the step before. The input's product is the
layer's, one for all time steps. Forward, the loop keeps what the backward pass needs; backward, everything that does
not depend on the running gradient is computed for all time steps at once before the loop, and the gradient of the
recurrent weights is one product after it. XLA compiles loops as loops: in the same time for any length.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from harness.cells.cell import Backward, Cell, Recurrence, States, equations

Tensor = Any


class Weights(NamedTuple):
    """What a recurrent product is made of.

    kernel:  (units, blocks x units)
    bias:    (blocks x units,), or None
    dropout: a mask for each block, (blocks, batch, units), or None
    """

    kernel: Tensor
    bias: Tensor | None = None
    dropout: Tensor | None = None


def scan(cell: Cell, x: Tensor, states: States, weights: Weights, mask: Tensor | None = None) -> tuple[Tensor, States]:
    """Run the cell over a sequence: (outputs, last states).

    x:      the input's part of the pre-activations, bias included, (time, batch, blocks x units)
    states: the states before the first time step, (batch, units) each
    mask:   (time, batch), False where a time step is padding: the states then pass through unchanged, and the output is
            the one before, or zero where there is none before; or None

    The outputs are (time, batch, units). Gradients flow to x, states, weights.kernel and weights.bias: by the cell's
    backward pass where it has one, else by autodiff. Raises UserError for a cell without a step.
    """
    backward = cell.backward
    if backward is None:
        kept = _forward(cell, x, states, weights, mask, keep=False)
        return _outputs(kept.after[0], mask), kept.last

    biases = () if weights.bias is None else (weights.bias,)

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def run(x: Tensor, kernel: Tensor, *rest: Tensor) -> tuple[tuple[Tensor, ...], Callable[..., Any]]:
        first, given = rest[: len(states)], weights._replace(kernel=kernel)
        if biases:
            given = given._replace(bias=rest[-1])
        kept = _forward(cell, x, first, given, mask, keep=True)

        def gradient(*upstream: Tensor) -> list[Tensor]:
            d_outputs, *d_last = upstream
            return _backward(cell, backward, kept, first, given, mask, d_outputs, tuple(d_last))

        return (_outputs(kept.after[0], mask), *kept.last), gradient

    outputs, *last = run(x, weights.kernel, *states, *biases)
    return outputs, tuple(last)


class Kept(NamedTuple):
    """What the forward loop leaves: the states after each step, what the equations saved, the last states."""

    after: tuple[Tensor, ...]
    saved: tuple[Tensor, ...]
    last: States


def _forward(cell: Cell, x: Tensor, states: States, weights: Weights, mask: Tensor | None, *, keep: bool) -> Kept:
    step, recur = equations(cell), _product(cell, weights)
    time, units = tf.shape(x)[0], weights.kernel.shape[0]
    widths = _saved_widths(cell, x, states, recur) if keep else ()

    def body(t: Tensor, states: States, after: Sequence[Any], saved: Sequence[Any]) -> tuple[Any, ...]:
        new, extra = step(x[t], states, recur)
        if mask is not None:
            new = tuple(tf.where(mask[t][:, None], one, old) for one, old in zip(new, states, strict=True))
        after = [array.write(t, value) for array, value in zip(after, new[: len(after)], strict=True)]
        saved = [array.write(t, value) for array, value in zip(saved, extra[: len(saved)], strict=True)]
        return t + 1, new, after, saved

    after = [_array(x, time, units) for _ in (states if keep else states[:1])]
    saved = [_array(x, time, width) for width in widths]
    _, last, after, saved = tf.while_loop(
        lambda t, *_: t < time, body, (tf.constant(0), states, after, saved), maximum_iterations=time
    )
    return Kept(tuple(a.stack() for a in after), tuple(a.stack() for a in saved), tuple(last))


def _backward(
    cell: Cell,
    backward: Backward,
    kept: Kept,
    first: States,
    weights: Weights,
    mask: Tensor | None,
    d_outputs: Tensor,
    d_last: States,
) -> list[Tensor]:
    """The gradients of x, the recurrent kernel, the first states and, where there is one, the bias."""
    before = tuple(tf.concat([one[None], after[:-1]], 0) for one, after in zip(first, kept.after, strict=True))
    factors = backward.factors(kept.saved, before, kept.after)
    recur = _transposed_product(cell, weights)
    time, width = tf.shape(d_outputs)[0], weights.kernel.shape[1]
    if mask is not None:
        d_outputs = _outputs(d_outputs, mask)

    def body(t: Tensor, d_states: States, dx: Any) -> tuple[Any, ...]:
        d_states = (d_states[0] + d_outputs[t], *d_states[1:])
        d_x, d_before = backward.step(d_states, tuple(factor[t] for factor in factors), recur)
        if mask is not None:
            real = mask[t][:, None]
            d_x = tf.where(real, d_x, 0.0)
            d_before = tuple(tf.where(real, one, old) for one, old in zip(d_before, d_states, strict=True))
        return t - 1, d_before, dx.write(t, d_x)

    _, d_first, dx = tf.while_loop(
        lambda t, *_: t >= 0, body, (time - 1, d_last, _array(d_outputs, time, width)), maximum_iterations=time
    )
    dx = dx.stack()
    products = [(before[0], dx, 0)] if backward.products is None else backward.products(dx, kept.saved, before)
    d_kernel, d_bias = _weight_gradients(products, weights)
    return [dx, d_kernel, *d_first, *([] if weights.bias is None else [d_bias])]


def _array(like: Tensor, time: Tensor, width: int) -> Any:
    return tf.TensorArray(like.dtype, size=time, element_shape=(like.shape[1], width))


def _outputs(hidden: Tensor, mask: Tensor | None) -> Tensor:
    """The hidden states, and zero before a sequence's first real step."""
    if mask is None:
        return hidden
    begun = tf.cumsum(tf.cast(mask, tf.int32), axis=0) > 0
    return tf.where(begun[:, :, None], hidden, 0.0)


def _product(cell: Cell, weights: Weights) -> Recurrence:
    """h -> h U + b, a mask per block applied to h where there is dropout."""
    kernel, bias, dropout = weights
    units = kernel.shape[0]

    def recur(operand: Tensor, first: int = 0, last: int | None = None, /) -> Tensor:
        last = len(cell.blocks) if last is None else last
        if dropout is None:
            product = operand @ kernel[:, first * units : last * units]
        else:
            product = tf.concat(
                [(operand * dropout[k]) @ kernel[:, k * units : (k + 1) * units] for k in range(first, last)], axis=-1
            )
        return product if bias is None else product + bias[first * units : last * units]

    return recur


def _transposed_product(cell: Cell, weights: Weights) -> Recurrence:
    """du -> the gradient of h: du times the transposed weights, the mask of each block applied to its part."""
    kernel, _, dropout = weights
    units = kernel.shape[0]
    transposed = tf.transpose(kernel)

    def recur(operand: Tensor, first: int = 0, last: int | None = None, /) -> Tensor:
        last = len(cell.blocks) if last is None else last
        if dropout is None:
            return operand @ transposed[first * units : last * units]
        parts = tf.split(operand, last - first, axis=-1)
        return tf.add_n(
            [
                part @ transposed[k * units : (k + 1) * units] * dropout[k]
                for part, k in zip(parts, range(first, last), strict=True)
            ]
        )

    return recur


def _weight_gradients(products: list[tuple[Tensor, Tensor, int]], weights: Weights) -> tuple[Tensor, Tensor]:
    """The gradients of the recurrent kernel and bias: one product a run of blocks, all time steps at once."""
    units = weights.kernel.shape[0]
    kernels, biases = [], []
    for operand, gradient, first in sorted(products, key=lambda product: product[2]):
        flat = tf.reshape(gradient, [-1, gradient.shape[-1]])
        if weights.bias is not None:
            biases.append(tf.reduce_sum(flat, 0))
        if weights.dropout is None:
            kernels.append(tf.matmul(tf.reshape(operand, [-1, units]), flat, transpose_a=True))
            continue
        for k, block in enumerate(tf.split(flat, gradient.shape[-1] // units, axis=-1), start=first):
            masked = tf.reshape(operand * weights.dropout[k], [-1, units])
            kernels.append(tf.matmul(masked, block, transpose_a=True))
    return tf.concat(kernels, -1), tf.concat(biases, -1) if biases else None


def _saved_widths(cell: Cell, x: Tensor, states: States, recur: Recurrence) -> list[int]:
    """The widths of what the step saves, from one step whose result is not used."""
    return [value.shape[-1] for value in equations(cell)(x[0], states, recur)[1]]
