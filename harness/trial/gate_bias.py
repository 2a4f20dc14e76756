"""The initial bias of the gate that keeps the old state. It can affect results more than the architecture does.

The bias is a constant (R. Jozefowicz et al., 2015: with 1 the LSTM is at least as good as the GRU), or chrono (C.
Tallec and Y. Ollivier, arXiv 1804.11188): log U(1, T - 1) for each unit, and its negative for the LSTM's input gate.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from harness.cells import Cell
from harness.cells.network import is_recurrent
from harness.spec.factors import ForgetBias

_KEEPS = ("forget", "update")
"""The gates that keep the old state when they are open: the LSTM's and the GRU's."""
_OPPOSITE = "input"


def set_gate_bias(model: Any, cell: Cell, bias: ForgetBias, longest: int, seed: int) -> None:
    """Set the gate biases of a Keras model's recurrent layers; `longest` is T, the number of time steps.

    A cell without such a gate is not changed. A separate recurrent bias (the GRU's second bias) stays zero.
    """
    gates = cell.gates_with("input_weights")  # the gates with a bias
    keeps = [gate for gate in _KEEPS if gate in gates]
    if not keeps:
        return
    generator = np.random.default_rng([seed, 2])
    for layer in model.layers:
        variable = next((weight for weight in layer.weights if weight.name == "bias"), None)
        if variable is None or not is_recurrent(layer):
            continue
        values = np.copy(variable.numpy())
        units = values.shape[-1] // len(gates)
        rows = values.reshape(-1, len(gates), units)  # one row, or two: the input bias and the recurrent bias
        if bias == "chrono":
            drawn = np.log(generator.uniform(1, max(2, longest - 1), units))
            rows[0, gates.index(keeps[0])] = drawn
            if _OPPOSITE in gates:
                rows[0, gates.index(_OPPOSITE)] = -drawn
        else:
            rows[0, gates.index(keeps[0])] = bias
        variable.assign(rows.reshape(values.shape))
