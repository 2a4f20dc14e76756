"""Tests that run on every registered cell with a step, a new cell included.

Tolerances: outputs to 1e-5 relative of the plain float64 loop, gradients to 1e-4 of autodiff through the same float32
equations, backward passes alone to 1e-6 of central differences in float64.
"""

from __future__ import annotations

from dataclasses import replace

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.cells import Cell, cells
from harness.cells import reference as plain_loop
from harness.cells.layer import Recurrent
from harness.cells.network import get_model
from harness.cells.ops import sigmoid, tanh
from tests.cells.example import load
from tests.cells.shapes import SHAPES, Shape, assert_close, built, drawn, outputs_and_gradients, weights_of
from tests.cells.stateless import make_updates

EXAMPLE = "tests.cells.example:cell"
MIN_GRU = "tests.cells.example:min_gru"
PEEPHOLES = "tests.cells.peephole_lstm:cell"
DIAGONAL = "tests.cells.test_contract:diagonal"
NAMES = [*cells, EXAMPLE, MIN_GRU, PEEPHOLES, DIAGONAL]


def diagonal_step(x, states, recur):
    (h,) = states
    (u_z,) = recur(h, 0, 1)
    u_c, u_y = recur(h, 1, 3)
    x_c, x_y = x
    z = sigmoid(u_z)
    return (z * h + (1 - z) * tanh(x_c + u_c + sigmoid(x_y + u_y)),), ()


diagonal = Cell(  # a gate fed by the state alone, with a bias of its own; weights of two shapes in one product
    name="diagonal",
    title="",
    summary="",
    gates=("update", "candidate", "other"),
    multiplicative_gates=("update",),
    step=diagonal_step,
    recurrent_bias=True,
    input_weights={"update": "none"},
    recurrent_weights={"update": "diagonal", "other": "diagonal"},
)
FORMS = [(name, True) for name in NAMES] + [(name, False) for name in NAMES if cells[name].reset_before]
WITH_STEP = [(name, reset_after) for name, reset_after in FORMS if cells[name].variant(reset_after=reset_after).step]
DERIVED = [form for form in WITH_STEP if cells[form[0]].variant(reset_after=form[1]).backward]
FEW = settings(max_examples=8, deadline=None)

pytestmark = pytest.mark.filterwarnings(
    "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"
)


def test_the_bundled_cells_and_the_examples_are_tested() -> None:
    assert {"simple_rnn", "gru", "lstm"} <= {name for name, _ in DERIVED}
    assert ("gru", False) in DERIVED
    assert {(EXAMPLE, True), (MIN_GRU, True), (DIAGONAL, True)} <= {*WITH_STEP}
    assert (PEEPHOLES, True) in DERIVED


@pytest.mark.parametrize(("name", "reset_after"), WITH_STEP)
@FEW
@given(shape=SHAPES, masked=st.booleans(), given_state=st.booleans())
def test_outputs_equal_a_plain_loop(
    name: str, reset_after: bool, shape: Shape, masked: bool, given_state: bool
) -> None:
    batch, time, features, units = shape
    layer = built(name, features, units, reset_after=reset_after, return_sequences=True, return_state=True)
    inputs = drawn(1, batch, time, features)
    states = tuple(drawn(2 + k, batch, units) for k in range(len(layer.cell.states))) if given_state else None
    mask = drawn(9, batch, time) > 0 if masked else None
    outputs, *last = layer(inputs, initial_state=states, mask=mask)
    expected = plain_loop.run(layer.cell, inputs.astype("float64"), weights_of(layer), states, mask)
    np.testing.assert_allclose(outputs, expected.outputs, rtol=1e-5, atol=2e-6)
    assert_close(last, expected.last, atol=2e-6)


@pytest.mark.parametrize(("name", "reset_after"), DERIVED)
@FEW
@given(shape=SHAPES, masked=st.booleans(), dropped=st.booleans())
def test_the_backward_pass_equals_autodiff(
    name: str, reset_after: bool, shape: Shape, masked: bool, dropped: bool
) -> None:
    batch, time, features, units = shape
    rates = {"dropout": 0.4, "recurrent_dropout": 0.4} if dropped else {}
    derived = built(name, features, units, reset_after=reset_after, return_sequences=True, return_state=True, **rates)
    plain = built(
        replace(derived.cell, backward=None), features, units, return_sequences=True, return_state=True, **rates
    )
    inputs, mask = tf.constant(drawn(1, batch, time, features)), drawn(9, batch, time) > 0 if masked else None
    states = [tf.constant(drawn(2 + k, batch, units)) for k in range(len(derived.cell.states))]
    gradients = []
    for layer in (derived, plain):
        layer.seed_generator.state.assign([7, 0])
        gradients.append(outputs_and_gradients(layer, inputs, states, mask)[1])
    assert_close(*gradients, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("name", "reset_after"), DERIVED)
@FEW
@given(shape=SHAPES)
def test_the_backward_pass_equals_central_differences(name: str, reset_after: bool, shape: Shape) -> None:
    cell = cells[name].variant(reset_after=reset_after)
    batch, time, features, units = shape
    random = np.random.default_rng(0)
    weights = plain_loop.random_weights(cell, features, units, random)
    inputs, d_outputs = (random.standard_normal((batch, time, width)) for width in (features, units))
    states = {name: np.zeros((batch, units)) for name in cell.states}
    collected = plain_loop.gradients(cell, inputs, weights, d_outputs)

    def value() -> float:
        return float((plain_loop.run(cell, inputs, weights, tuple(states.values())).outputs * d_outputs).sum())

    for quantity, array in {"inputs": inputs, **weights, **states}.items():
        for place in random.integers(array.size, size=4):
            spot, step = np.unravel_index(place, array.shape), 1e-5
            before = array[spot]
            array[spot] = before + step
            above = value()
            array[spot] = before - step
            slope = (above - value()) / (2 * step)
            array[spot] = before
            assert collected[quantity][spot] == pytest.approx(slope, rel=1e-6, abs=1e-8), quantity


@pytest.mark.parametrize(("name", "reset_after"), WITH_STEP)
def test_eager_graph_and_xla_agree(name: str, reset_after: bool) -> None:
    layer = built(name, 4, 3, reset_after=reset_after)
    inputs = tf.constant(drawn(1, 5, 6, 4))

    def gradients(inputs: tf.Tensor) -> tuple[tf.Tensor, list[tf.Tensor]]:
        with tf.GradientTape() as tape:
            outputs = layer(inputs)
            loss = tf.reduce_sum(outputs**2)
        return outputs, tape.gradient(loss, [weight.value for weight in layer.weights])

    eager, weights = gradients(inputs)
    for compiled in (tf.function(gradients), tf.function(gradients, jit_compile=True)):
        outputs, others = compiled(inputs)
        np.testing.assert_allclose(outputs, eager, rtol=1e-5, atol=1e-6)
        assert_close(others, weights, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("name", "reset_after"), WITH_STEP)
def test_a_network_of_it_is_trained_saved_and_loaded(name: str, reset_after: bool, tmp_path) -> None:
    options = {"rnn_units": (5,), "fc_units": (), "input_shape": (6, 4), "classes": 2, "seed": 1}
    options |= {"dropout": 0.1, "recurrent_dropout": 0.0}
    model = get_model(name, backend="fused", reset_after=reset_after, learning_rate=0.01, **options)
    inputs, labels = drawn(1, 1, 8, 6, 4), (drawn(2, 1, 8, 6, 2) > 0).astype("float32")
    updates = make_updates(model)
    losses = updates(np.repeat(inputs, 20, 0), np.repeat(labels, 20, 0))
    assert np.isfinite(losses).all()
    assert losses[-5:].mean() < losses[:5].mean()
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(inputs[0]), model(inputs[0]))


@pytest.mark.parametrize(("name", "reset_after"), WITH_STEP)
def test_its_layer_has_the_weights_that_the_cell_declares(name: str, reset_after: bool) -> None:
    layer = Recurrent(name, 3, reset_after=reset_after)
    layer.build((None, 7, 5))
    assert [(weight.name, tuple(weight.shape)) for weight in layer.weights] == list(layer.cell.shapes(5, 3).items())
    assert layer.count_params() == cells[name].parameters(5, 3, reset_after=reset_after)


@pytest.mark.parametrize("by_autodiff", [False, True])
@pytest.mark.parametrize(("name", "reset_after"), WITH_STEP)
def test_every_parameter_that_is_counted_is_trained(name: str, reset_after: bool, by_autodiff: bool) -> None:
    cell = cells[name].variant(reset_after=reset_after)
    layer = built(replace(cell, backward=None) if by_autodiff else cell, 4, 3, return_sequences=True)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer(drawn(1, 6, 5, 4)) ** 2)
    gradients = tape.gradient(loss, [weight.value for weight in layer.trainable_weights])
    assert sum(np.count_nonzero(gradient) for gradient in gradients) == cell.parameters(4, 3) == layer.count_params()


def test_the_model_of_the_page_has_the_stated_input_and_parameters() -> None:
    model = load(0, 1)["model"]
    assert model.input_shape == (None, 256, 257)
    assert model.layers[1].count_params() == cells[EXAMPLE].parameters(257, 32)
