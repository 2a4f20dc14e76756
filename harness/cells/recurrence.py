"""The products with the recurrent weights, and their gradients: for one time step, and for all at once."""

from __future__ import annotations

from typing import Any, NamedTuple

import keras
import tensorflow as tf

from harness.cells.cell import Blocks, Cell, Recurrence, Run
from harness.errors import UserError

Tensor = Any


class Weights(NamedTuple):
    """What a recurrent product is made of; None stands for what a cell does not have.

    kernel:   (units, blocks x units), of the recurrent blocks whose weights are full
    diagonal: (blocks x units,), of those whose weights are a diagonal
    bias:     (blocks x units,), of all recurrent blocks
    dropout:  a mask for each recurrent block, (blocks, batch, units)
    """

    kernel: Tensor | None = None
    diagonal: Tensor | None = None
    bias: Tensor | None = None
    dropout: Tensor | None = None


def product(cell: Cell, weights: Weights) -> Recurrence:
    """h -> h U + b, with dropout a mask per block applied to h; h is (batch, units) or (time, batch, units)."""
    kernel, diagonal, bias, dropout = weights
    by_block = None if dropout is None or kernel is None else _by_block(kernel)

    def full(operand: Tensor, run: Run) -> list[Tensor]:
        assert kernel is not None
        units, count = operand.shape[-1], run.last - run.first
        if by_block is None or dropout is None:
            flat = operand if operand.shape.rank == 2 else tf.reshape(operand, (-1, units))
            whole = flat @ kernel[:, run.place * units : (run.place + count) * units]
            return [tf.reshape(block, keras.ops.shape(operand)) for block in tf.split(whole, count, axis=-1)]
        # One product of many small matrices: in a loop it takes half the time of one product a block.
        whole = _masked(operand, dropout[run.first : run.last]) @ by_block[run.place : run.place + count]
        return list(tf.unstack(tf.reshape(whole, (count, *keras.ops.shape(operand)))))

    def recur(operand: Tensor, first: int = 0, last: int | None = None, /) -> Blocks:
        units = operand.shape[-1]
        blocks: list[Tensor] = []
        for run in cell.runs(first, last):
            blocks += (
                full(operand, run)
                if run.shape == "full"
                else [operand * factor for factor in _diagonals(run, diagonal, dropout, units)]
            )
        if bias is None:
            return tuple(blocks)
        return tuple(block + bias[k * units : (k + 1) * units] for k, block in enumerate(blocks, first))

    return recur


def transposed_product(cell: Cell, weights: Weights) -> Recurrence:
    """du, block by block -> the gradient of h: du times the transposed weights, then each block's mask."""
    kernel, diagonal, _, dropout = weights
    transposed = None if kernel is None else tf.transpose(kernel)

    def full(du: Blocks, run: Run) -> Tensor:
        assert transposed is not None
        units, count = du[0].shape[-1], run.last - run.first
        if dropout is None:
            return tf.concat(du, -1) @ transposed[run.place * units : (run.place + count) * units]
        by_block = tf.reshape(transposed, (-1, units, units))
        return tf.reduce_sum(
            (tf.stack(du) @ by_block[run.place : run.place + count]) * dropout[run.first : run.last], 0
        )

    def recur(du: Blocks, first: int = 0, last: int | None = None, /) -> Tensor:
        parts: list[Tensor] = []
        for run in cell.runs(first, last):
            own = du[run.first - first : run.last - first]
            if run.shape == "full":
                parts.append(full(own, run))
            else:
                factors = _diagonals(run, diagonal, dropout, du[0].shape[-1])
                parts += [one * factor for one, factor in zip(own, factors, strict=True)]
        return sum(parts[1:], parts[0])

    return recur


def _diagonals(run: Run, diagonal: Tensor, dropout: Tensor | None, units: int) -> list[Tensor]:
    """What each block of a run of diagonal weights multiplies with: (units,), or (batch, units) with dropout."""
    factors = [diagonal[k * units : (k + 1) * units] for k in range(run.place, run.place + run.last - run.first)]
    if dropout is None:
        return factors
    return [mask * factor for mask, factor in zip(tf.unstack(dropout[run.first : run.last]), factors, strict=True)]


def _masked(operand: Tensor, masks: Tensor) -> Tensor:
    """([time,] batch, units) times masks, (blocks, batch, units) -> (blocks, [time x] batch, units)."""
    if operand.shape.rank == 2:
        return operand * masks
    return tf.reshape(operand * masks[:, None], (masks.shape[0], -1, operand.shape[-1]))


def _by_block(kernel: Tensor) -> Tensor:
    """(units, blocks x units) -> (blocks, units, units)."""
    units = kernel.shape[0]
    return tf.transpose(tf.reshape(kernel, (units, -1, units)), [1, 0, 2])


def weight_gradients(cell: Cell, products: list[tuple[Tensor, Blocks, int]], weights: Weights) -> Weights:
    """The gradients of the recurrent weights: one product a run of full blocks, all time steps at once."""
    kernels: list[Tensor] = []
    diagonals: list[Tensor] = []
    biases: list[Tensor] = []
    products = sorted(products, key=lambda product: product[2])
    _check_products(cell, products)
    for operand, gradient, first in products:
        units = operand.shape[-1]
        flat = tf.reshape(tf.concat(gradient, -1), (-1, len(gradient) * units))
        if weights.bias is not None:
            biases.append(tf.reduce_sum(flat, 0))
        for run in cell.runs(first, first + len(gradient)):
            own = gradient[run.first - first : run.last - first]
            masks = None if weights.dropout is None else weights.dropout[run.first : run.last]
            if run.shape == "full":
                whole = flat if len(own) == len(gradient) else tf.reshape(tf.concat(own, -1), (-1, len(own) * units))
                kernels.append(_kernel_gradient(operand, own, whole, masks))
                continue
            for k, one in enumerate(own):
                seen = operand if masks is None else operand * masks[k]
                diagonals.append(tf.reduce_sum(tf.reshape(seen * one, (-1, units)), 0))
    return Weights(*(tf.concat(parts, -1) if parts else None for parts in (kernels, diagonals, biases)))


def _kernel_gradient(operand: Tensor, gradient: Blocks, flat: Tensor, masks: Tensor | None) -> Tensor:
    """A run of blocks' part of the kernel's gradient, (units, blocks x units); flat: (time x batch, blocks x units)."""
    units, count = operand.shape[-1], len(gradient)
    if masks is None:
        return tf.matmul(tf.reshape(operand, (-1, units)), flat, transpose_a=True)
    by_block = tf.matmul(_masked(operand, masks), tf.reshape(tf.stack(gradient), (count, -1, units)), transpose_a=True)
    return tf.reshape(tf.transpose(by_block, [1, 0, 2]), (units, count * units))


def _check_products(cell: Cell, products: list[tuple[Tensor, Blocks, int]]) -> None:
    """Raise UserError where the products, in the order of their blocks, are not of every recurrent block once."""
    found = [block for _, gradient, first in products for block in range(first, first + len(gradient))]
    if found != list(range(len(cell.recurrent_blocks))):
        raise UserError(
            f"cell {cell.name!r}: 'products' returned gradients of the recurrent blocks {found}, expected each of the "
            f"{len(cell.recurrent_blocks)} once"
        )
