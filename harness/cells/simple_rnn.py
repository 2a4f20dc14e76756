"""The simple (Elman) recurrent network: h' = tanh(x W + h U + b). No gates.

Source: J. L. Elman, Finding structure in time, Cognitive Science 14 (1990). Equivalent to `keras.layers.SimpleRNN`.
"""

from __future__ import annotations

from harness.cells.cell import Backward, Cell, Gates, Recurrence, Saved, States
from harness.cells.ops import Array, tanh


def step(x: Gates, states: States, recur: Recurrence) -> tuple[States, Saved]:
    """x: one array, (batch, units); states: h. Saves nothing: the derivative of tanh follows from h'."""
    (h,) = states
    (x_h,) = x
    (u_h,) = recur(h)
    h = tanh(x_h + u_h)
    return (h,), ()


def backward_factors(saved: Saved, before: States, after: States) -> tuple[Array, ...]:
    """dh'/dx = 1 - tanh^2, (time, batch, units)."""
    (h,) = after
    return (1 - h * h,)


def backward(d_states: States, backward_factors: tuple[Array, ...], recur: Recurrence) -> tuple[Gates, States]:
    """d_states: dh, (batch, units). Returns dx, one array, and the gradient of the previous state."""
    (dh,) = d_states
    (dh_dx,) = backward_factors
    dx = (dh * dh_dx,)
    return dx, (recur(dx),)


cell = Cell(
    name="simple_rnn",
    title="simple RNN",
    summary="One tanh layer that reads the input and its own previous output. It has no gates, so every input "
    "overwrites part of its state.",
    gates=("hidden",),
    multiplicative_gates=(),
    step=step,
    backward=Backward(backward_factors, backward),
    keras_layer="SimpleRNN",
)
