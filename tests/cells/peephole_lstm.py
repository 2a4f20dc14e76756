"""An LSTM whose gates see the cell state through diagonal weights: a cell with weights of three kinds.

    i = sigmoid(x_i + u_i + p_i c)   f = sigmoid(x_f + u_f + p_f c)   g = tanh(x_g + u_g)   c' = f c + i g
    o = sigmoid(x_o + u_o + p_o c')  h' = o tanh(c')

Source: F. Gers and J. Schmidhuber, Recurrent nets that time and count (2000).
"""

from __future__ import annotations

from harness.cells import Backward, Cell
from harness.cells.cell import Gates, Recurrence, Saved, States
from harness.cells.ops import Array, sigmoid, tanh


def step(x: Gates, states: States, recur: Recurrence) -> tuple[States, Saved]:
    h, c = states
    x_i, x_f, x_g, x_o = x
    u_i, u_f, u_g, u_o = recur(h, 0, 4)
    p_i, p_f = recur(c, 4, 6)
    i = sigmoid(x_i + u_i + p_i)
    f = sigmoid(x_f + u_f + p_f)
    g = tanh(x_g + u_g)
    c = f * c + i * g
    (p_o,) = recur(c, 6, 7)
    o = sigmoid(x_o + u_o + p_o)
    return (o * tanh(c), c), (i, f, g, o, c)


def backward_factors(saved: Saved, before: States, after: States) -> tuple[Array, ...]:
    i, f, g, o, new = saved
    _, c = before
    squashed = tanh(new)
    dc_di, dc_df, dc_dg = g * i * (1 - i), c * f * (1 - f), i * (1 - g * g)
    return dc_di, dc_df, dc_dg, squashed * o * (1 - o), o * (1 - squashed * squashed), f


def backward(d_states: States, backward_factors: tuple[Array, ...], recur: Recurrence) -> tuple[Gates, States]:
    dh, dc = d_states
    dc_di, dc_df, dc_dg, dh_do, dh_dc, f = backward_factors
    do = dh * dh_do
    dc = dc + dh * dh_dc + recur((do,), 6, 7)
    dx = (dc * dc_di, dc * dc_df, dc * dc_dg, do)
    return dx, (recur(dx, 0, 4), dc * f + recur(dx[:2], 4, 6))


def products(dx: Gates, saved: Saved, before: States) -> list[tuple[Array, Gates, int]]:
    h, c = before
    return [(h, dx, 0), (c, dx[:2], 4), (saved[4], dx[3:], 6)]


PEEPHOLES = ("input peephole", "forget peephole", "output peephole")

cell = Cell(
    name="peephole_lstm",
    title="LSTM with peepholes",
    summary="",
    gates=("input", "forget", "candidate", "output", *PEEPHOLES),
    multiplicative_gates=("input", "forget", "output"),
    states=("hidden state", "cell state"),
    step=step,
    backward=Backward(backward_factors, backward, products),
    input_weights=dict.fromkeys(PEEPHOLES, "none"),
    recurrent_weights=dict.fromkeys(PEEPHOLES, "diagonal"),
    ones=("forget",),
)
