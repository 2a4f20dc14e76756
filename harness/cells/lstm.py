"""The long short-term memory: input, forget and output gates i, f, o around a cell state c.

    i = sigmoid(x_i + u_i)      f = sigmoid(x_f + u_f)      o = sigmoid(x_o + u_o)      g = tanh(x_g + u_g)
    c' = f c + i g              h' = o tanh(c')

Source: S. Hochreiter and J. Schmidhuber, Long short-term memory, Neural Computation 9 (1997); the forget gate: F. Gers
et al., Learning to forget (2000). No peepholes. Equivalent to `keras.layers.LSTM`, whose weights are in the order i,
f, g, o.
"""

from __future__ import annotations

from harness.cells.cell import Backward, Cell, Gates, Recurrence, Saved, States
from harness.cells.ops import Array, sigmoid, tanh


def step(x: Gates, states: States, recur: Recurrence) -> tuple[States, Saved]:
    """x: for i, f, g and o, (batch, units) each; states: h and c. Saves i, f, g, o and tanh(c')."""
    h, c = states
    x_i, x_f, x_g, x_o = x
    u_i, u_f, u_g, u_o = recur(h)
    i = sigmoid(x_i + u_i)
    f = sigmoid(x_f + u_f)
    g = tanh(x_g + u_g)
    o = sigmoid(x_o + u_o)
    c = f * c + i * g
    squashed = tanh(c)
    return (o * squashed, c), (i, f, g, o, squashed)


def backward_factors(saved: Saved, before: States, after: States) -> tuple[Array, ...]:
    """dc'/di, dc'/df, dc'/dg, dh'/do, dh'/dc' and dc'/dc = f; derivatives by the pre-activations of the gates."""
    i, f, g, o, squashed = saved
    _, c = before
    dc_di = g * i * (1 - i)
    dc_df = c * f * (1 - f)
    dc_dg = i * (1 - g * g)
    dh_do = squashed * o * (1 - o)
    dh_dc = o * (1 - squashed * squashed)
    return dc_di, dc_df, dc_dg, dh_do, dh_dc, f


def backward(d_states: States, backward_factors: tuple[Array, ...], recur: Recurrence) -> tuple[Gates, States]:
    """d_states: dh and dc, (batch, units) each. Returns dx for i, f, g and o, and the previous states' gradients."""
    dh, dc = d_states
    dc_di, dc_df, dc_dg, dh_do, dh_dc, f = backward_factors
    dc = dc + dh * dh_dc
    dx = (dc * dc_di, dc * dc_df, dc * dc_dg, dh * dh_do)
    return dx, (recur(dx), dc * f)


cell = Cell(
    name="lstm",
    title="LSTM",
    summary="Three gates control a second state, the cell state, which is only scaled and added to. The output is "
    "the tanh of the cell state, scaled by the output gate.",
    gates=("input", "forget", "candidate", "output"),
    multiplicative_gates=("input", "forget", "output"),
    states=("hidden state", "cell state"),
    step=step,
    backward=Backward(backward_factors, backward),
    keras_layer="LSTM",
    ones=("forget",),
)
