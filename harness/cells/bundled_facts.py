"""Facts of the equations: claims decided by counting what the code says, or by evaluating it in float64.

Nothing here is typed in: the counts are read off the source of the steps, and the equalities are computed with random
weights. Needs no TensorFlow.
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
"""A pre-activation at which a sigmoid is 1, and at its negative 0, to the last bit of float64."""


@dataclass(frozen=True)
class Counts:
    """What one time step of a cell consists of.

    cell:       the cell itself, whose weights tell the size of the matrix products
    multiplicative_gates, gates, states: as the cell declares them
    recurrent_products: products with the recurrent weights, as calls in the equations
    functions:  evaluations of sigmoid and tanh, for each unit
    elementwise: additions and multiplications, for each unit, those of the recurrent bias included
    lines:      statements of the step, its unpacking and its return included
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
        """Operations per time step and sequence: two for each weight, the rest for each unit."""
        return 2 * self.cell.multiplications(features, units) + (self.functions + self.elementwise) * units


def counts(cell: Cell) -> Counts:
    """Read off the source of the cell's step.

    Raises UserError for a cell without one, and for a step that is not written as a function of three arguments.
    """
    tree: ast.stmt | None = None
    with suppress(OSError, TypeError, SyntaxError):  # made by a program, no function, or a part of an expression
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
    """A GRU has fewer gates, states, sigmoids and tanhs, lines of equations, and operations in all.

    The additions and multiplications are stated but not demanded: the GRU's second bias costs it more of them than its
    equations save, without any consequence beside the matrix products.
    """
    gru, lstm = counts(cells["gru"]), counts(cells["lstm"])
    sizes = [(features, units) for features in (1, 32, 256) for units in (1, 32, 256)]
    savings = [1 - gru.operations(*size) / lstm.operations(*size) for size in sizes]
    kinds = ("multiplicative_gates", "gates", "states", "functions", "lines")
    holds = all(getattr(gru, kind) < getattr(lstm, kind) for kind in kinds) and min(savings) > 0
    reason = (
        f"Read off the equations of this package, GRU against LSTM: gates {gru.multiplicative_gates} and "
        f"{lstm.multiplicative_gates}, with the candidate {gru.gates} and {lstm.gates}, states {gru.states} and "
        f"{lstm.states}; for each unit and time step {gru.functions} and {lstm.functions} sigmoids and tanhs, "
        f"{gru.elementwise} and {lstm.elementwise} additions and multiplications; statements {gru.lines} and "
        f"{lstm.lines}. Matrix products included, it takes {min(savings):.0%} to {max(savings):.0%} fewer operations, "
        f"at {len(sizes)} sizes."
    )
    return FactFound(holds, 100 * savings[sizes.index((256, 32))], "% fewer operations per time step", reason)


def same_gate_equations(frame: DataFrame) -> FactFound:
    """Exchanging the matrices of the LSTM's three gates exchanges the gates, and nothing else: to the last bit."""
    cell = cells["lstm"]
    places = [cell.gates.index(gate) for gate in cell.multiplicative_gates]
    random = np.random.default_rng(0)
    units, worst, tried = 16, 0.0, 0
    weights = plain_loop.random_weights(cell, 8, units, random)
    inputs, states = random.standard_normal((4, 8)), tuple(random.standard_normal((4, units)) for _ in cell.states)
    activations = _activations(cell, inputs, weights, states)
    for order in permutations(range(len(places))):
        sources = list(range(len(cell.gates)))
        for place, source in zip(places, order, strict=True):
            sources[place] = places[source]
        columns = np.concatenate([np.arange(gate * units, (gate + 1) * units) for gate in sources])
        permuted = _activations(cell, inputs, {name: weight[..., columns] for name, weight in weights.items()}, states)
        worst = max(worst, *(float(np.abs(permuted[k] - activations[gate]).max()) for k, gate in enumerate(sources)))
        tried += 1
    reason = (
        f"In all {tried} orders of the {', '.join(cell.multiplicative_gates)} gates' weights, the gates come out in "
        f"that order and the candidate unchanged; the largest difference is {worst:g}."
    )
    return FactFound(worst == 0, worst, "difference at most", reason)


def _activations(
    cell: Cell, inputs: plain_loop.Floats, weights: dict[str, plain_loop.Floats], states: tuple[plain_loop.Floats, ...]
) -> list[plain_loop.Floats]:
    """The activations of the gates of one LSTM step, (batch, units) each, in order: the first that its step saves."""
    x = tuple(np.split(inputs @ weights["kernel"] + weights["bias"], len(cell.gates), axis=-1))
    _, saved = equations(cell)(x, states, plain_loop.recurrent_product(cell, weights))
    return list(saved[: len(cell.gates)])


def reduces_to_rnn(frame: DataFrame) -> FactFound:
    """A GRU whose reset gate is 1 and whose update gate is 0 is the simple RNN of the candidate's weights.

    Outputs and gradients of input, weights and first state, for both forms of the GRU, over 20 time steps.
    """
    rnn, random = cells["simple_rnn"], np.random.default_rng(0)
    features, units = 5, 7
    inputs, d_outputs = random.standard_normal((3, 20, features)), random.standard_normal((3, 20, units))
    plain = plain_loop.random_weights(rnn, features, units, random)
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
        worst = max(worst, _distance(gru, weights, rnn, plain, columns, inputs, d_outputs))
    reason = (
        "With the reset gate at 1 and the update gate at 0, in Keras's convention, where the update gate keeps the old "
        "state, a GRU's outputs and gradients equal those of a simple RNN with the candidate's weights; the largest "
        f"difference is {worst:.1g} in float64. The article's sentence holds as it stands in that convention; where "
        "the update gate weighs the new candidate instead, it must be 1, and at 0 the state would never change."
    )
    return FactFound(worst < 1e-12, worst, "difference at most", reason)


def _distance(
    gru: Cell,
    weights: dict[str, plain_loop.Floats],
    rnn: Cell,
    plain: dict[str, plain_loop.Floats],
    columns: slice,
    inputs: plain_loop.Floats,
    d_outputs: plain_loop.Floats,
) -> float:
    """The largest difference between the two cells' outputs and gradients; columns: of the weights, the candidate's."""
    assert gru.backward is not None
    assert rnn.backward is not None
    outputs = [plain_loop.run(gru, inputs, weights).outputs, plain_loop.run(rnn, inputs, plain).outputs]
    of_gru = plain_loop.gradients(gru, gru.backward, inputs, weights, d_outputs)
    of_rnn = plain_loop.gradients(rnn, rnn.backward, inputs, plain, d_outputs)
    for name in ("kernel", "recurrent_kernel"):
        of_gru[name] = of_gru[name][:, columns]
    of_gru["bias"] = (of_gru["bias"][0] if gru.recurrent_bias else of_gru["bias"])[columns]
    pairs = [outputs, *([of_gru[name], of_rnn[name]] for name in of_rnn)]
    return max(float(np.abs(one - other).max()) for one, other in pairs)
