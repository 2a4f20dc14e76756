"""The reference implementation: a cell's equations in a plain Python loop over NumPy arrays, in float64.

Tests compare every backend with it. It does not import TensorFlow, so that facts about cells can be computed without.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from harness.cells.cell import RECURRENT, Cell, Gates, Recurrence, States, WeightShape, equations

Floats = npt.NDArray[np.float64]


class Run(NamedTuple):
    """The result of a layer: outputs (batch, time, units), final states; for each step x, states before and after."""

    outputs: Floats
    last: States
    x: list[Gates]
    before: list[States]
    after: list[States]


def random_weights(cell: Cell, features: int, units: int, random: np.random.Generator) -> dict[str, Floats]:
    """Random weights and biases of one layer by name, normal, small enough that the gates do not saturate."""
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
    """Run one layer over inputs (batch, time, features); `mask`, (batch, time), is False at padding."""
    count, units = len(cell.gates_with("input_weights")), _units(cell, weights)
    if states is None:
        states = tuple(np.zeros((inputs.shape[0], units)) for _ in cell.states)
    step, recur, bias = equations(cell), recurrent_product(cell, weights), _biases(cell, weights)[0]
    output = np.zeros_like(states[0])
    outputs, xs, before, after = [], [], [], []
    for t in range(inputs.shape[1]):
        x = tuple(np.split(inputs[:, t] @ weights["kernel"] + bias, count, axis=-1))
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


def gradients(cell: Cell, inputs: Floats, weights: Mapping[str, Floats], d_outputs: Floats) -> dict[str, Floats]:
    """Gradients of inputs, weights and initial states by the cell's backward pass, without masks.

    d_outputs is the gradient of the outputs, (batch, time, units). Keys: "inputs" and the names of weights and states.
    """
    backward = cell.backward
    assert backward is not None
    done = run(cell, inputs, weights)
    forward, recur = recurrent_product(cell, weights), transposed_product(cell, weights)
    d_states: States = tuple(np.zeros_like(state) for state in done.last)
    sums = {name: np.zeros_like(weight) for name, weight in weights.items()} | {"inputs": np.zeros_like(inputs)}
    for t in reversed(range(inputs.shape[1])):
        saved = equations(cell)(done.x[t], done.before[t], forward)[1]
        backward_factors = backward.factors(saved, done.before[t], done.after[t])
        dx, d_states = backward.step((d_states[0] + d_outputs[:, t], *d_states[1:]), backward_factors, recur)
        flat = np.concatenate(dx, axis=-1)
        sums["inputs"][:, t] = flat @ weights["kernel"].T
        sums["kernel"] += inputs[:, t].T @ flat
        products = [(done.before[t][0], dx, 0)] if cell.gates_with("recurrent_weights") else []
        if backward.products:
            products = backward.products(dx, saved, done.before[t])
        input_bias, recurrent_biases = _biases(cell, sums)
        input_bias += flat.sum(axis=0)
        for operand, gradient, first in products:
            for gate, du in enumerate(gradient, first):
                shape, weight = _recurrent_weight(cell, sums, gate)
                weight += operand.T @ du if shape == "full" else (operand * du).sum(axis=0)
                if recurrent_biases is not None:
                    recurrent_biases[gate] += du.sum(axis=0)
    return sums | dict(zip(cell.states, d_states, strict=True))


def recurrent_product(cell: Cell, weights: Mapping[str, Floats]) -> Recurrence:
    """h -> h U + b, one array per gate."""
    _, biases = _biases(cell, weights)

    def recur(operand: Floats, first: int = 0, last: int | None = None, /) -> Gates:
        products = []
        for gate in range(first, len(cell.gates_with("recurrent_weights")) if last is None else last):
            shape, weight = _recurrent_weight(cell, weights, gate)
            u = operand @ weight if shape == "full" else operand * weight
            products.append(u if biases is None else u + biases[gate])
        return tuple(products)

    return recur


def transposed_product(cell: Cell, weights: Mapping[str, Floats]) -> Recurrence:
    """du, one array per gate -> the gradient of h."""

    def recur(du: Gates, first: int = 0, last: int | None = None, /) -> Floats:
        total: Floats = np.zeros_like(du[0])
        for gate, one in enumerate(du, first):
            shape, weight = _recurrent_weight(cell, weights, gate)
            total = total + (one @ weight.T if shape == "full" else one * weight)
        return total

    return recur


def _recurrent_weight(cell: Cell, weights: Mapping[str, Floats], gate: int) -> tuple[WeightShape, Floats]:
    """The shape and a view of one gate's recurrent weights: (units, units), or (units,) for a diagonal."""
    (run,) = cell.runs(gate, gate + 1)
    whole, units = weights[RECURRENT[run.shape]], _units(cell, weights)
    return run.shape, whole[..., run.place * units : (run.place + 1) * units]


def _biases(cell: Cell, weights: Mapping[str, Floats]) -> tuple[Floats, Floats | None]:
    """Views of the input bias, (gates x units,), and the recurrent bias, (gates, units) or None."""
    bias = weights.get("bias", np.zeros(weights["kernel"].shape[1]))
    if not cell.recurrent_bias or "bias" not in weights:
        return bias, None
    of_input, recurrent = bias if bias.ndim == 2 else (bias, weights.get("recurrent_bias", np.zeros(0)))
    return of_input, recurrent.reshape(-1, _units(cell, weights))


def _units(cell: Cell, weights: Mapping[str, Floats]) -> int:
    width: int = weights["kernel"].shape[1]
    return width // len(cell.gates_with("input_weights"))
