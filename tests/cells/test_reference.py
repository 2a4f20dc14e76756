"""The plain loop, where padding is masked; what else it does, the cells' tests hold it to."""

from __future__ import annotations

import numpy as np

from harness.cells import cells
from harness.cells.cell import Cell, Gates, Recurrence, Saved, States
from harness.cells.reference import random_weights, run


def test_a_masked_step_leaves_the_states_and_repeats_the_output() -> None:
    cell, random = cells["lstm"], np.random.default_rng(0)
    weights = random_weights(cell, 3, 4, random)
    inputs = random.standard_normal((2, 5, 3))
    mask = np.array([[False, True, True, False, True], [True] * 5])
    done = run(cell, inputs, weights, mask=mask)
    real = run(cell, inputs[:1, mask[0]], weights)
    assert np.array_equal(done.outputs[0, 0], np.zeros(4)), "nothing was seen yet"
    assert np.array_equal(done.outputs[0, 3], done.outputs[0, 2])
    assert np.allclose(done.outputs[0, mask[0]], real.outputs[0], rtol=0, atol=1e-15)
    assert all(
        np.allclose(one[0], other[0], rtol=0, atol=1e-15) for one, other in zip(done.last, real.last, strict=True)
    )
    whole = run(cell, inputs, weights)
    assert np.array_equal(done.outputs[1], whole.outputs[1])


def test_an_extra_input_feeds_the_last_gates_alone() -> None:
    def step(x: Gates, states: States, recur: Recurrence) -> tuple[States, Saved]:
        (h,) = states
        a, b = (own + product for own, product in zip(x, recur(h), strict=True))
        return (a * np.exp(b),), ()

    cell, random = (
        Cell("x", "X", "", ("a", "b"), (), step=step, extra_gates=1, extra_features=3),
        np.random.default_rng(1),
    )
    weights = random_weights(cell, 5, 4, random)
    inputs = random.standard_normal((2, 1, 5))
    (a, b) = np.split(weights["bias"], 2)
    a = a + inputs[:, 0, :2] @ weights["kernel"]
    b = b + inputs[:, 0, 2:] @ weights["extra_kernel"]
    assert np.allclose(run(cell, inputs, weights).outputs[:, 0], a * np.exp(b), rtol=1e-14)
