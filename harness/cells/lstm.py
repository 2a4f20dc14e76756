"""The long short-term memory: input, forget and output gates i, f, o around a cell state c.

    i = sigmoid(x_i + u_i)      f = sigmoid(x_f + u_f)      o = sigmoid(x_o + u_o)      g = tanh(x_g + u_g)
    c' = f c + i g              h' = o tanh(c')

Source: S. Hochreiter and J. Schmidhuber, Long short-term memory, Neural Computation 9 (1997); the forget gate: F. Gers
et al., Learning to forget (2000). No peepholes. Equal to `keras.layers.LSTM`, whose order of blocks is i, f, g, o.
"""

from __future__ import annotations

from harness.cells.cell import Backward, Blocks, Cell, Recurrence, Saved, States
from harness.cells.ops import Array, sigmoid, tanh


def step(x: Blocks, states: States, recur: Recurrence) -> tuple[States, Saved]:
    """x: blocks i, f, g, o, (batch, units) each; states: h and c. Saves i, f, g, o and tanh(c')."""
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


def factors(saved: Saved, before: States, after: States) -> tuple[Array, ...]:
    """The derivatives of c' by i's, f's and g's pre-activations, of h' by o's and by c', and of c' by c."""
    i, f, g, o, squashed = saved
    _, c = before
    by_i = g * i * (1 - i)
    by_f = c * f * (1 - f)
    by_g = i * (1 - g * g)
    by_o = squashed * o * (1 - o)
    return by_i, by_f, by_g, by_o, o * (1 - squashed * squashed), f


def backward(d_states: States, factors: tuple[Array, ...], recur: Recurrence) -> tuple[Blocks, States]:
    """d_states: dh and dc, (batch, units) each. Returns dx, block by block, and the gradients of the states."""
    dh, dc = d_states
    by_i, by_f, by_g, by_o, h_by_c, f = factors
    dc = dc + dh * h_by_c
    dx = (dc * by_i, dc * by_f, dc * by_g, dh * by_o)
    return dx, (recur(dx), dc * f)


cell = Cell(
    name="lstm",
    title="LSTM",
    summary="Three gates guard a second state, the cell state, that is only ever added to and scaled. What it outputs "
    "at a time step is a gated view of that state.",
    gates=("input", "forget", "output"),
    blocks=("input", "forget", "candidate", "output"),
    states=("hidden state", "cell state"),
    step=step,
    backward=Backward(factors, backward),
    keras_layer="LSTM",
    ones=("forget",),
)
