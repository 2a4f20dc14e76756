"""Facts about the equations: claims decided by counting operations in the code, or by evaluating it in float64.

The counts come from the syntax trees of the step functions; the equalities are computed with random weights. Nothing
here needs TensorFlow.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from contextlib import suppress
from dataclasses import dataclass
from itertools import permutations
from typing import TYPE_CHECKING

import numpy as np

from harness.cells import cells
from harness.cells import reference as plain_loop
from harness.cells.cell import Cell, equations
from harness.cells.facts import FactFound
from harness.errors import UserError

if TYPE_CHECKING:
    from pandas import DataFrame

FUNCTIONS = ("sigmoid", "tanh")
SATURATED = 1000.0
"""At this pre-activation a sigmoid is exactly 1 in float64; at its negative it is exactly 0."""


@dataclass(frozen=True)
class Counts:
    """Operations in one time step of a cell.

    cell:       the cell; its weights determine the sizes of the matrix products
    multiplicative_gates, gates, states: numbers of each that the cell declares
    recurrent_products: calls of `recur` in the equations
    functions:  evaluations of sigmoid and tanh, per unit
    elementwise: additions and multiplications per unit, including the addition of the recurrent bias
    lines:      statements of the step function, including unpacking and return
    """

    cell: Cell
    multiplicative_gates: int
    gates: int
    states: int
    recurrent_products: int
    functions: int
    elementwise: int
    lines: int

    def operations(self, features: int, units: int) -> int:
        """Operations per time step and sequence: two per weight, plus `functions` and `elementwise` per unit."""
        return 2 * self.cell.multiplications(features, units) + (self.functions + self.elementwise) * units


def counts(cell: Cell) -> Counts:
    """Count the operations in the source of the cell's step.

    Raises UserError if the cell has no step, or if the step is not a `def` with three arguments.
    """
    tree: ast.stmt | None = None
    with suppress(OSError, TypeError, SyntaxError):  # generated code, not a function, or a lambda inside an expression
        tree = ast.parse(textwrap.dedent(inspect.getsource(equations(cell)))).body[0]
    if not isinstance(tree, ast.FunctionDef) or len(tree.args.args) < 3:
        raise UserError(f"cell {cell.name!r}: its step is not written as a function `def step(x, states, recur)`")
    body = tree.body[1:] if ast.get_docstring(tree) else tree.body
    nodes = [node for statement in body for node in ast.walk(statement)]
    calls = [node.func.id for node in nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    recur = tree.args.args[2].arg
    return Counts(
        cell=cell,
        multiplicative_gates=len(cell.multiplicative_gates),
        gates=len(cell.gates),
        states=len(cell.states),
        recurrent_products=calls.count(recur),
        functions=sum(calls.count(name) for name in FUNCTIONS),
        elementwise=sum(isinstance(node, ast.BinOp) for node in nodes)
        + cell.recurrent_bias * len(cell.gates_with("recurrent_weights")),
        lines=len(body),
    )


def simpler(frame: DataFrame) -> FactFound:
    """A GRU has fewer gates, states, sigmoids and tanhs, lines of equations, and operations in total than an LSTM.

    Elementwise additions and multiplications are reported but not required to be fewer: the GRU's second bias adds more
    of them than its equations save. Their number is negligible compared with the matrix products.
    """
    gru, lstm = counts(cells["gru"]), counts(cells["lstm"])
    sizes = [(features, units) for features in (1, 32, 256) for units in (1, 32, 256)]
    savings = [1 - gru.operations(*size) / lstm.operations(*size) for size in sizes]
    kinds = ("multiplicative_gates", "gates", "states", "functions", "lines")
    holds = all(getattr(gru, kind) < getattr(lstm, kind) for kind in kinds) and min(savings) > 0
    reason = (
        f"Counted in the equations of this package, for GRU and LSTM: gates {gru.multiplicative_gates} and "
        f"{lstm.multiplicative_gates} (with the candidate {gru.gates} and {lstm.gates}), states {gru.states} and "
        f"{lstm.states}; per unit and time step {gru.functions} and {lstm.functions} sigmoids and tanhs, "
        f"{gru.elementwise} and {lstm.elementwise} additions and multiplications; statements {gru.lines} and "
        f"{lstm.lines}. Including matrix products, the GRU needs {min(savings):.0%} to {max(savings):.0%} fewer "
        f"operations, depending on the size ({len(sizes)} sizes)."
    )
    return FactFound(holds, 100 * savings[sizes.index((256, 32))], "% fewer operations per time step", reason)


def same_gate_equations(frame: DataFrame) -> FactFound:
    """Permuting the weights of the LSTM's gates permutes their activations and changes nothing else, bit for bit."""
    cell = cells["lstm"]
    places = [cell.gates.index(gate) for gate in cell.multiplicative_gates]
    random = np.random.default_rng(0)
    orders, units, worst = list(permutations(places)), 16, 0.0
    weights = plain_loop.random_weights(cell, 8, units, random)
    inputs, states = random.standard_normal((4, 8)), tuple(random.standard_normal((4, units)) for _ in cell.states)
    activations = _activations(cell, inputs, weights, states)
    for order in orders:
        sources = list(range(len(cell.gates)))
        for place, source in zip(places, order, strict=True):
            sources[place] = source
        columns = np.concatenate([np.arange(gate * units, (gate + 1) * units) for gate in sources])
        permuted = _activations(cell, inputs, {name: weight[..., columns] for name, weight in weights.items()}, states)
        worst = max(worst, *(float(np.abs(permuted[k] - activations[gate]).max()) for k, gate in enumerate(sources)))
    reason = (
        f"For all {len(orders)} permutations of the weights of the {', '.join(cell.multiplicative_gates)} gates, the "
        f"activations are permuted equally and the candidate is unchanged; the largest difference is {worst:g}."
    )
    return FactFound(worst == 0, worst, "difference at most", reason)


def _activations(
    cell: Cell, inputs: plain_loop.Floats, weights: dict[str, plain_loop.Floats], states: tuple[plain_loop.Floats, ...]
) -> list[plain_loop.Floats]:
    """Gate activations of one LSTM step, (batch, units) each, in order: the first arrays that the step saves."""
    x = tuple(np.split(inputs @ weights["kernel"] + weights["bias"], len(cell.gates), axis=-1))
    _, saved = equations(cell)(x, states, plain_loop.recurrent_product(cell, weights))
    return list(saved[: len(cell.gates)])


def reduces_to_rnn(frame: DataFrame) -> FactFound:
    """A GRU with its reset gate at 1 and its update gate at 0 equals a simple RNN with the candidate's weights.

    Compares outputs and gradients of inputs, weights and initial state over 20 time steps, for both forms of the GRU.
    """
    rnn, random = cells["simple_rnn"], np.random.default_rng(0)
    features, units = 5, 7
    inputs, d_outputs = random.standard_normal((3, 20, features)), random.standard_normal((3, 20, units))
    plain = plain_loop.random_weights(rnn, features, units, random)
    of_rnn = plain_loop.gradients(rnn, inputs, plain, d_outputs)
    of_rnn["outputs"] = plain_loop.run(rnn, inputs, plain).outputs
    worst = 0.0
    for reset_after in (True, False):
        gru = cells["gru"].variant(reset_after=reset_after)
        weights = plain_loop.random_weights(gru, features, units, random)
        place = gru.gates.index("candidate")
        columns = slice(place * units, (place + 1) * units)
        for name in ("kernel", "recurrent_kernel"):
            weights[name][:, columns] = plain[name]
        weights["bias"][...] = 0.0
        input_bias = weights["bias"][0] if gru.recurrent_bias else weights["bias"]
        input_bias[columns] = plain["bias"]
        for gate, value in (("update", -SATURATED), ("reset", SATURATED)):
            start = gru.gates.index(gate) * units
            input_bias[start : start + units] = value
        of_gru = plain_loop.gradients(gru, inputs, weights, d_outputs)
        for name in ("kernel", "recurrent_kernel"):
            of_gru[name] = of_gru[name][:, columns]
        of_gru["bias"] = (of_gru["bias"][0] if gru.recurrent_bias else of_gru["bias"])[columns]
        of_gru["outputs"] = plain_loop.run(gru, inputs, weights).outputs
        worst = max(worst, *(float(np.abs(of_gru[name] - of_rnn[name]).max()) for name in of_rnn))
    reason = (
        "In Keras's convention the update gate keeps the old state. With the reset gate at 1 and the update gate at 0, "
        "a GRU's outputs and gradients equal those of a simple RNN with the candidate's weights; the largest "
        f"difference is {worst:.1g} in float64. The article's sentence is correct in this convention. In the other "
        "convention the update gate weights the new candidate, so it must be 1; at 0 the state would never change."
    )
    return FactFound(worst < 1e-12, worst, "difference at most", reason)
