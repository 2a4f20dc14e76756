"""Products with the recurrent weights and their gradients, for one time step or for all at once."""

from __future__ import annotations

from typing import NamedTuple

import keras
import tensorflow as tf

from harness.cells.cell import Cell, Gates, Recurrence, Run


class Weights(NamedTuple):
    """The tensors of a recurrent product; None for one that the cell does not have.

    kernel:   (units, gates x units), for the gates with full recurrent weights
    diagonal: (gates x units,), for the gates with diagonal recurrent weights
    bias:     (gates x units,), for all gates with recurrent weights
    dropout:  one mask per gate with recurrent weights, (gates, batch, units)
    """

    kernel: tf.Tensor | None = None
    diagonal: tf.Tensor | None = None
    bias: tf.Tensor | None = None
    dropout: tf.Tensor | None = None


def recurrent_product(cell: Cell, weights: Weights) -> Recurrence:
    """h -> h U + b, with one dropout mask per gate applied to h; h is (batch, units) or (time, batch, units)."""
    kernel, diagonal, bias, dropout = weights
    by_gate = None if dropout is None or kernel is None else _by_gate(kernel)

    def full(operand: tf.Tensor, run: Run) -> list[tf.Tensor]:
        assert kernel is not None
        units, count = operand.shape[-1], run.last - run.first
        if by_gate is None or dropout is None:
            flat = operand if operand.shape.rank == 2 else tf.reshape(operand, (-1, units))
            whole = flat @ kernel[:, run.place * units : (run.place + count) * units]
            return [tf.reshape(gate, keras.ops.shape(operand)) for gate in tf.split(whole, count, axis=-1)]
        # A batched product over the gates takes half the time of a separate product per gate inside a loop.
        whole = _masked(operand, dropout[run.first : run.last]) @ by_gate[run.place : run.place + count]
        return list(tf.unstack(tf.reshape(whole, (count, *keras.ops.shape(operand)))))

    def recur(operand: tf.Tensor, first: int = 0, last: int | None = None, /) -> Gates:
        units = operand.shape[-1]
        gates: list[tf.Tensor] = []
        for run in cell.runs(first, last):
            gates += (
                full(operand, run)
                if run.shape == "full"
                else [operand * multiplier for multiplier in _diagonals(run, diagonal, dropout, units)]
            )
        if bias is None:
            return tuple(gates)
        return tuple(gate + bias[k * units : (k + 1) * units] for k, gate in enumerate(gates, first))

    return recur


def transposed_product(cell: Cell, weights: Weights) -> Recurrence:
    """du, one array per gate -> the gradient of h: du times the transposed weights, times each gate's mask."""
    kernel, diagonal, _, dropout = weights
    transposed = None if kernel is None else tf.transpose(kernel)

    def full(du: Gates, run: Run) -> tf.Tensor:
        assert transposed is not None
        units, count = du[0].shape[-1], run.last - run.first
        if dropout is None:
            return tf.concat(du, -1) @ transposed[run.place * units : (run.place + count) * units]
        by_gate = tf.reshape(transposed, (-1, units, units))
        return tf.reduce_sum((tf.stack(du) @ by_gate[run.place : run.place + count]) * dropout[run.first : run.last], 0)

    def recur(du: Gates, first: int = 0, last: int | None = None, /) -> tf.Tensor:
        parts: list[tf.Tensor] = []
        for run in cell.runs(first, last):
            of_run = du[run.first - first : run.last - first]
            if run.shape == "full":
                parts.append(full(of_run, run))
            else:
                diagonals = _diagonals(run, diagonal, dropout, du[0].shape[-1])
                parts += [one * multiplier for one, multiplier in zip(of_run, diagonals, strict=True)]
        return sum(parts[1:], parts[0])

    return recur


def _diagonals(run: Run, diagonal: tf.Tensor, dropout: tf.Tensor | None, units: int) -> list[tf.Tensor]:
    """The diagonal weights of each gate of a run: (units,), or (batch, units) with dropout applied."""
    parts = [diagonal[k * units : (k + 1) * units] for k in range(run.place, run.place + run.last - run.first)]
    if dropout is None:
        return parts
    return [mask * part for mask, part in zip(tf.unstack(dropout[run.first : run.last]), parts, strict=True)]


def _masked(operand: tf.Tensor, masks: tf.Tensor) -> tf.Tensor:
    """([time,] batch, units) times masks, (gates, batch, units) -> (gates, [time x] batch, units)."""
    if operand.shape.rank == 2:
        return operand * masks
    return tf.reshape(operand * masks[:, None], (masks.shape[0], -1, operand.shape[-1]))


def _by_gate(kernel: tf.Tensor) -> tf.Tensor:
    """(units, gates x units) -> (gates, units, units)."""
    units = kernel.shape[0]
    return tf.transpose(tf.reshape(kernel, (units, -1, units)), [1, 0, 2])


def weight_gradients(cell: Cell, products: list[tuple[tf.Tensor, Gates, int]], weights: Weights) -> Weights:
    """Gradients of the recurrent weights; each run of full weights takes one product for all time steps."""
    kernels: list[tf.Tensor] = []
    diagonals: list[tf.Tensor] = []
    biases: list[tf.Tensor] = []
    products = sorted(products, key=lambda product: product[2])
    _check_products(cell, products)
    for operand, gradient, first in products:
        units = operand.shape[-1]
        flat = tf.reshape(tf.concat(gradient, -1), (-1, len(gradient) * units))
        if weights.bias is not None:
            biases.append(tf.reduce_sum(flat, 0))
        for run in cell.runs(first, first + len(gradient)):
            of_run = gradient[run.first - first : run.last - first]
            masks = None if weights.dropout is None else weights.dropout[run.first : run.last]
            if run.shape == "full":
                is_whole = len(of_run) == len(gradient)
                of_run_flat = flat if is_whole else tf.reshape(tf.concat(of_run, -1), (-1, len(of_run) * units))
                kernels.append(_kernel_gradient(operand, of_run, of_run_flat, masks))
                continue
            for k, one in enumerate(of_run):
                seen = operand if masks is None else operand * masks[k]
                diagonals.append(tf.reduce_sum(tf.reshape(seen * one, (-1, units)), 0))
    return Weights(*(tf.concat(parts, -1) if parts else None for parts in (kernels, diagonals, biases)))


def _kernel_gradient(operand: tf.Tensor, gradient: Gates, flat: tf.Tensor, masks: tf.Tensor | None) -> tf.Tensor:
    """The kernel's gradient for one run of gates, (units, gates x units); flat: (time x batch, gates x units)."""
    units, count = operand.shape[-1], len(gradient)
    if masks is None:
        return tf.matmul(tf.reshape(operand, (-1, units)), flat, transpose_a=True)
    by_gate = tf.matmul(_masked(operand, masks), tf.reshape(tf.stack(gradient), (count, -1, units)), transpose_a=True)
    return tf.reshape(tf.transpose(by_gate, [1, 0, 2]), (units, count * units))


def _check_products(cell: Cell, products: list[tuple[tf.Tensor, Gates, int]]) -> None:
    """Raise UserError unless the products, sorted by gate, cover each gate with recurrent weights exactly once."""
    gates = [gate for _, gradient, first in products for gate in range(first, first + len(gradient))]
    count = len(cell.gates_with("recurrent_weights"))
    if gates != list(range(count)):
        raise cell.error(
            f"'products' returned gradients of the recurrent weights of gates {gates}, expected each of the {count} "
            "gates once"
        )
