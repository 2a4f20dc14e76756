"""A cell's equations in a plain Python loop over NumPy arrays, in float64: slow, short, and what everything is held to.

Imports no TensorFlow, so that facts about the cells can be told without it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from harness.cells.cell import Backward, Blocks, Cell, Recurrence, States, equations

Floats = npt.NDArray[np.float64]


class Run(NamedTuple):
    """A layer's run: outputs (batch, time, units), the last states; each step's x, states before and after."""

    outputs: Floats
    last: States
    x: list[Blocks]
    before: list[States]
    after: list[States]


def random_weights(cell: Cell, features: int, units: int, random: np.random.Generator) -> dict[str, Floats]:
    """Weights of one layer by name, biases too: normal, with standard deviations that keep the gates off their ends."""
    return {
        name: random.standard_normal(shape) / np.sqrt(units) for name, shape in cell.shapes(features, units).items()
    }


def run(
    cell: Cell,
    inputs: Floats,
    weights: Mapping[str, Floats],
    states: States | None = None,
    mask: npt.NDArray[np.bool_] | None = None,
) -> Run:
    """One layer over (batch, time, features); `mask`, (batch, time), is False where a step is padding."""
    count, units = len(cell.blocks), weights["recurrent_kernel"].shape[0]
    if states is None:
        states = tuple(np.zeros((inputs.shape[0], units)) for _ in cell.states)
    step, recur = equations(cell), product(cell, weights)
    output = np.zeros_like(states[0])
    outputs, xs, before, after = [], [], [], []
    for t in range(inputs.shape[1]):
        x = tuple(np.split(_input_product(cell, inputs[:, t], weights), count, axis=-1))
        new, _ = step(x, states, recur)
        if mask is not None:
            real = mask[:, t, None]
            new = tuple(np.where(real, one, old) for one, old in zip(new, states, strict=True))
            output = np.where(real, new[0], output)
        else:
            output = new[0]
        outputs.append(output)
        xs.append(x)
        before.append(states)
        after.append(new)
        states = new
    return Run(np.stack(outputs, axis=1), states, xs, before, after)


def gradients(
    cell: Cell, backward: Backward, inputs: Floats, weights: Mapping[str, Floats], d_outputs: Floats
) -> dict[str, Floats]:
    """The gradients of inputs, weights and first states, by the cell's backward pass; no extra input, no mask.

    d_outputs is the gradient of the outputs, (batch, time, units). The states' are named by the states.
    """
    done = run(cell, inputs, weights)
    forward, recur = product(cell, weights), transposed_product(weights)
    units = weights["recurrent_kernel"].shape[0]
    d_states: States = tuple(np.zeros_like(state) for state in done.last)
    found = {name: np.zeros_like(weight) for name, weight in weights.items()} | {"inputs": np.zeros_like(inputs)}
    for t in reversed(range(inputs.shape[1])):
        saved = equations(cell)(done.x[t], done.before[t], forward)[1]
        factors = backward.factors(saved, done.before[t], done.after[t])
        dx, d_states = backward.step((d_states[0] + d_outputs[:, t], *d_states[1:]), factors, recur)
        flat = np.concatenate(dx, axis=-1)
        found["inputs"][:, t] = flat @ weights["kernel"].T
        found["kernel"] += inputs[:, t].T @ flat
        products = backward.products(dx, saved, done.before[t]) if backward.products else [(done.before[t][0], dx, 0)]
        input_bias, recurrent_bias = found["bias"] if cell.recurrent_bias else (found["bias"], None)
        input_bias += flat.sum(axis=0)
        for operand, gradient, first in products:
            du, span = np.concatenate(gradient, axis=-1), slice(first * units, (first + len(gradient)) * units)
            found["recurrent_kernel"][:, span] += operand.T @ du
            if recurrent_bias is not None:
                recurrent_bias[span] += du.sum(axis=0)
    return found | dict(zip(cell.states, d_states, strict=True))


def product(cell: Cell, weights: Mapping[str, Floats]) -> Recurrence:
    """h -> h U + b, block by block."""
    kernel = weights["recurrent_kernel"]
    units = kernel.shape[0]
    bias = weights["bias"][1] if cell.recurrent_bias and "bias" in weights else np.zeros(kernel.shape[1])

    def recur(operand: Floats, first: int = 0, last: int | None = None, /) -> Blocks:
        last = len(cell.blocks) if last is None else last
        spans = [slice(k * units, (k + 1) * units) for k in range(first, last)]
        return tuple(operand @ kernel[:, span] + bias[span] for span in spans)

    return recur


def transposed_product(weights: Mapping[str, Floats]) -> Recurrence:
    """du, block by block -> the gradient of h."""
    kernel = weights["recurrent_kernel"]
    units = kernel.shape[0]

    def recur(du: Blocks, first: int = 0, last: int | None = None, /) -> Floats:
        total: Floats = np.concatenate(du, axis=-1) @ kernel[:, first * units : (first + len(du)) * units].T
        return total

    return recur


def _input_product(cell: Cell, inputs: Floats, weights: Mapping[str, Floats]) -> Floats:
    own = inputs[:, : inputs.shape[1] - cell.extra_features]
    x = own @ weights["kernel"]
    if cell.extra_features:
        x = np.concatenate([x, inputs[:, -cell.extra_features :] @ weights["extra_kernel"]], axis=-1)
    if "bias" in weights:
        x = x + (weights["bias"][0] if cell.recurrent_bias else weights["bias"])
    return x
