"""The gated recurrent unit: an update gate z and a reset gate r.

    z = sigmoid(x_z + u_z)      r = sigmoid(x_r + u_r)      c = tanh(x_c + r u_c)      h' = z h + (1 - z) c

Source: K. Cho et al., arXiv 1406.1078. Equivalent to `keras.layers.GRU`: z = 1 keeps the OLD state; in some papers
z = 1 takes the new candidate. The default form applies r after the recurrent product (`reset_after=True`, the form with
a fast GPU implementation). `reset_before` is the form of the paper, which applies r to h before the product.
"""

from __future__ import annotations

from dataclasses import replace

from harness.cells.cell import Backward, Cell, Gates, Recurrence, Saved, States
from harness.cells.ops import Array, sigmoid, tanh


def step(x: Gates, states: States, recur: Recurrence) -> tuple[States, Saved]:
    """x: for z, r and c, (batch, units) each; states: h. Saves z, r, c and u_c."""
    (h,) = states
    x_z, x_r, x_c = x
    u_z, u_r, u_c = recur(h)
    z = sigmoid(x_z + u_z)
    r = sigmoid(x_r + u_r)
    c = tanh(x_c + r * u_c)
    return (z * h + (1 - z) * c,), (z, r, c, u_c)


def backward_factors(saved: Saved, before: States, after: States) -> tuple[Array, ...]:
    """dh'/dz, dh'/dc, dc/dr, r and z, (time, batch, units) each; derivatives by the pre-activations of z, c and r."""
    z, r, c, u_c = saved
    (h,) = before
    return (h - c) * z * (1 - z), (1 - z) * (1 - c * c), u_c * r * (1 - r), r, z


def backward(d_states: States, backward_factors: tuple[Array, ...], recur: Recurrence) -> tuple[Gates, States]:
    """d_states: dh, (batch, units). Returns dx for z, r and c, and the gradient of the previous state."""
    (dh,) = d_states
    dh_dz, dh_dc, dc_dr, r, z = backward_factors
    dz = dh * dh_dz
    dc = dh * dh_dc
    dr = dc * dc_dr
    return (dz, dr, dc), (dh * z + recur((dz, dr, dc * r)),)


def products(dx: Gates, saved: Saved, before: States) -> list[tuple[Array, Gates, int]]:
    """One product, h U; the candidate's part of it is multiplied by r, so its gradient is dc * r."""
    _, r, _, _ = saved
    dz, dr, dc = dx
    return [(before[0], (dz, dr, dc * r), 0)]


def step_reset_before(x: Gates, states: States, recur: Recurrence) -> tuple[States, Saved]:
    """As `step`, but the candidate uses (r h) U_c instead of r (h U_c). Saves z, r and c."""
    (h,) = states
    x_z, x_r, x_c = x
    u_z, u_r = recur(h, 0, 2)
    z = sigmoid(x_z + u_z)
    r = sigmoid(x_r + u_r)
    (u_c,) = recur(r * h, 2, 3)
    c = tanh(x_c + u_c)
    return (z * h + (1 - z) * c,), (z, r, c)


def backward_factors_reset_before(saved: Saved, before: States, after: States) -> tuple[Array, ...]:
    """As `backward_factors`, but d(rh)/dr instead of dc/dr."""
    z, r, c = saved
    (h,) = before
    return (h - c) * z * (1 - z), (1 - z) * (1 - c * c), h * r * (1 - r), r, z


def backward_reset_before(
    d_states: States, backward_factors: tuple[Array, ...], recur: Recurrence
) -> tuple[Gates, States]:
    """As `backward`, but the gradient of r h is propagated to r and to h."""
    (dh,) = d_states
    dh_dz, dh_dc, drh_dr, r, z = backward_factors
    dz = dh * dh_dz
    dc = dh * dh_dc
    drh = recur((dc,), 2, 3)
    dr = drh * drh_dr
    return (dz, dr, dc), (dh * z + drh * r + recur((dz, dr), 0, 2),)


def products_reset_before(dx: Gates, saved: Saved, before: States) -> list[tuple[Array, Gates, int]]:
    """Two products: h with the weights of both gates, and r h with the candidate's."""
    _, r, _ = saved
    dz, dr, dc = dx
    return [(before[0], (dz, dr), 0), (r * before[0], (dc,), 2)]


cell = Cell(
    name="gru",
    title="GRU",
    summary="Two gates: the update gate sets how much of the old state is kept, the reset gate how much of it enters "
    "the candidate for the new state. The state is the output.",
    gates=("update", "reset", "candidate"),
    multiplicative_gates=("update", "reset"),
    step=step,
    backward=Backward(backward_factors, backward, products),
    keras_layer="GRU",
    recurrent_bias=True,
)
cell = replace(
    cell,
    reset_before=replace(
        cell,
        step=step_reset_before,
        backward=Backward(backward_factors_reset_before, backward_reset_before, products_reset_before),
        recurrent_bias=False,
    ),
)
