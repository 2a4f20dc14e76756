"""The reference loop with masked padding; the tests of the cells cover the rest."""

from __future__ import annotations

import numpy as np

from harness.cells import cells
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
