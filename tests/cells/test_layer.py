"""The fused layer against the Keras layers that the cells equal: outputs, gradients, dropout, masks, training.

Tolerances, relative: outputs 1e-5, gradients 1e-4 (of sums over batch and time), losses over 50 updates 1e-4.
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
from harness.cells.cell import Backward
from harness.cells.layer import Recurrent
from harness.cells.network import get_model
from harness.errors import UserError
from tests.cells.shapes import SHAPES, assert_close, assert_equal, drawn, outputs_and_gradients, set_equal_weights
from tests.cells.stateless import make_predict, make_updates

CELLS = [("simple_rnn", {}), ("gru", {}), ("gru", {"reset_after": False}), ("lstm", {})]
IDS = ["simple_rnn", "gru", "gru_reset_before", "lstm"]
RATES = st.sampled_from([(0.0, 0.0), (0.4, 0.0), (0.0, 0.3), (0.4, 0.3)])


def pair(name: str, options: dict, features: int, units: int, **common) -> tuple[keras.Layer, Recurrent]:
    """Keras's layer and ours, every weight drawn at random and the same."""
    expected = getattr(keras.layers, cells[name].keras_layer)(units, return_state=True, **options, **common)
    actual = Recurrent(name, units, return_state=True, **options, **common)
    set_equal_weights(expected, actual, features=features)
    return expected, actual


@pytest.mark.parametrize(("name", "options"), CELLS, ids=IDS)
@settings(max_examples=12, deadline=None)
@given(shape=SHAPES, rates=RATES, masked=st.booleans(), sequences=st.booleans(), use_bias=st.booleans())
def test_outputs_and_gradients_equal_keras(name, options, shape, rates, masked, sequences, use_bias) -> None:
    batch, time, features, units = shape
    common = {"dropout": rates[0], "recurrent_dropout": rates[1], "seed": 3, "use_bias": use_bias}
    layers = pair(name, options, features, units, return_sequences=sequences, **common)
    inputs, mask = tf.constant(drawn(1, batch, time, features)), drawn(9, batch, time) > 0 if masked else None
    states = [tf.constant(drawn(2 + k, batch, units)) for k in range(len(cells[name].states))]
    # Keras's layer is given the masks that ours draws.
    drawn_masks = layers[1]._dropout_masks(batch, features)
    layers[1]._dropout_masks = lambda *_: drawn_masks
    one = len(cells[name].gates) == 1 or not rates[1]
    given = [mask if mask is None else mask[0] if one else list(mask) for mask in drawn_masks]
    layers[0].cell._dropout_mask, layers[0].cell._recurrent_dropout_mask = given
    expected, actual = (outputs_and_gradients(layer, inputs, states, mask) for layer in layers)
    assert_close(actual[0], expected[0], atol=2e-6)
    assert_close(actual[1], expected[1], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("name", "options"), CELLS, ids=IDS)
def test_the_three_backends_train_alike(name: str, options: dict) -> None:
    common = {"input_shape": (6, 4), "rnn_units": (6,), "fc_units": (4,), "classes": 3, "learning_rate": 0.01}
    common |= {"dropout": 0.0, "recurrent_dropout": 0.0, "seed": 1} | options
    models = {backend: get_model(name, backend=backend, **common) for backend in ("article", "keras", "fused")}
    x, y = drawn(1, 50, 8, 6, 4), (drawn(2, 50, 8, 6, 3) > 0.5).astype("float32")
    weights = models["article"].get_weights()
    losses = {}
    for backend, model in models.items():
        assert_equal(model.get_weights(), weights)  # the same seed: the same initial weights on every backend
        losses[backend] = make_updates(model)(x, y)
    for backend in ("keras", "fused"):
        np.testing.assert_allclose(losses[backend], losses["article"], rtol=1e-4)


def test_a_seed_fixes_training_with_dropout_to_the_bit() -> None:
    def losses() -> np.ndarray:
        model = get_model("lstm", backend="fused", input_shape=(6, 3), rnn_units=(5,), classes=2, seed=4)
        return make_updates(model)(drawn(1, 5, 4, 6, 3), (drawn(2, 5, 4, 6, 2) > 0).astype("float32"))

    np.testing.assert_array_equal(losses(), losses())


@pytest.mark.parametrize("jit", [False, True])
def test_dropout_masks_have_their_rate_are_scaled_and_are_the_same_at_every_step(jit: bool) -> None:
    layer = Recurrent("gru", 400, dropout=0.25, recurrent_dropout=0.4, seed=1)
    layer.build((None, 3, 50))
    draw = tf.function(lambda: layer._dropout_masks(20, 50), jit_compile=jit)
    (inputs, masks), (_, again) = ([part.numpy() for part in draw()] for _ in range(2))
    assert (inputs.shape, masks.shape) == ((3, 20, 50), (3, 20, 400))
    assert set(np.unique(masks.round(4))) == {0.0, np.float32(1 / 0.6).round(4)}
    assert np.mean(masks == 0, axis=(1, 2)) == pytest.approx([0.4] * 3, abs=0.02)
    assert np.mean(inputs == 0) == pytest.approx(0.25, abs=0.02)
    for one, other in ((masks, again), (masks[0], masks[1]), (masks[0, 0], masks[0, 1])):
        assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 0.2 / np.sqrt(one.size / 400)


def test_masks_are_the_same_in_eager_mode_in_a_graph_and_by_xla() -> None:
    layer = Recurrent("lstm", 5, dropout=0.3, recurrent_dropout=0.5, seed=1)

    def draw() -> list[np.ndarray]:
        layer.seed_generator.state.assign([3, 0])
        return layer._dropout_masks(7, 3)

    eager = draw()
    for jit in (False, True):
        assert_equal(tf.function(draw, jit_compile=jit)(), eager)


def test_one_mask_serves_all_gates_without_recurrent_dropout() -> None:
    layer = Recurrent("lstm", 4, dropout=0.5)
    inputs, recurrent = layer._dropout_masks(2, 3)
    assert inputs.shape == (1, 2, 3)
    assert recurrent is None


def test_there_is_no_dropout_outside_training() -> None:
    layer = Recurrent("gru", 4, dropout=0.5, recurrent_dropout=0.5)
    inputs = drawn(1, 2, 3, 4)
    np.testing.assert_array_equal(layer(inputs), layer(inputs))


def test_the_mask_of_a_masking_layer_is_used_and_passed_on_with_sequences_only() -> None:
    first, last = Recurrent("gru", 4, return_sequences=True), Recurrent("gru", 4)
    model = keras.Sequential([keras.layers.Masking(0.0), first, last])
    short = drawn(1, 2, 3, 3)
    padded = np.concatenate([short, np.zeros((2, 4, 3), "float32")], axis=1)
    np.testing.assert_allclose(model(padded), model(short), rtol=1e-6)
    assert last.compute_mask(short, np.ones((2, 3), bool)) is None


def test_other_lengths_and_batch_sizes_are_accepted() -> None:
    model = get_model("gru", backend="fused", input_shape=(None, 3), rnn_units=(4,), classes=2, every_step=False)
    predict = make_predict(model)
    for batch, time in ((4, 5), (4, 9), (1, 9)):
        assert predict(drawn(1, batch, time, 3)).shape == (batch, 2)


def test_the_forget_gates_bias_starts_at_one() -> None:
    for layer, expected in ((Recurrent("lstm", 3), keras.layers.LSTM(3)), (Recurrent("gru", 3), keras.layers.GRU(3))):
        for one in (layer, expected):
            one.build((None, 2, 2))
        np.testing.assert_array_equal(layer.bias, expected.weights[-1])
    plain = Recurrent("lstm", 3, unit_forget_bias=False)
    plain.build((None, 2, 2))
    assert not plain.bias.numpy().any()


def test_a_layer_is_rebuilt_from_its_configuration() -> None:
    layer = Recurrent("gru", 3, dropout=0.1, reset_after=False, return_sequences=True, seed=5, name="mine")
    again = Recurrent.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    assert again.cell is layer.cell


def wrong_count(x, states, recur):
    return (states[0], states[0]), ()


def wrong_shape(x, states, recur):
    return (x[0][:, :1],), ()


def without_product(x, states, recur):
    return (x[0] + states[0],), ()


def beyond(x, states, recur):
    return (recur(states[0], 0, 2)[0],), ()


def backward_of_wrong_shape(d_states, backward_factors, recur):
    return (d_states[0], d_states[0]), d_states


def backward_without_states(d_states, backward_factors, recur):
    return (d_states[0],), ()


def used_layer() -> Recurrent:
    layer = Recurrent("gru", 3)
    layer(drawn(1, 2, 4, 3))
    return layer


def one_gate(**fields) -> Cell:
    return Cell(**{"name": "mine", "title": "", "summary": "", "gates": ("a",), "multiplicative_gates": ()} | fields)


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        (
            one_gate(keras_layer="SimpleRNN"),
            "cell 'mine': it has no 'step'",
        ),
        (one_gate(step=wrong_count), "cell 'mine': 'step' returned 2 states, expected 1"),
        (one_gate(step=wrong_shape), "cell 'mine': 'step' returned states of shape"),
        (
            one_gate(step=cells["simple_rnn"].step, backward=Backward(lambda *_: (), backward_of_wrong_shape)),
            "cell 'mine': 'backward' returned 2 gradients of x, expected 1",
        ),
        (
            one_gate(step=cells["simple_rnn"].step, backward=Backward(lambda *_: (), backward_without_states)),
            "cell 'mine': 'backward' returned 0 gradients of the states, expected 1",
        ),
        (
            one_gate(
                step=cells["simple_rnn"].step, backward=replace(cells["simple_rnn"].backward, products=lambda *_: [])
            ),
            r"cell 'mine': 'products' returned gradients of the recurrent weights of gates \[\], expected each of",
        ),
        (one_gate(step=without_product), "cell 'mine': 'step' does not use the recurrent weights of a"),
        (one_gate(step=beyond), r"cell 'mine': 'recur' was called for gates 0 to 1, but"),
    ],
)
def test_equations_with_wrong_results_are_named(cell: Cell, words: str) -> None:
    def run() -> None:
        layer = Recurrent(cell, 3)
        with tf.GradientTape() as tape:
            outputs = layer(drawn(1, 2, 4, 3))
        tape.gradient(outputs, layer.weights[0].value)

    with pytest.raises(UserError, match=words):
        run()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: Recurrent("gru", 0), "cell 'gru': 'units' is 0"),
        (lambda: Recurrent("gru", 3, dropout=1.5), "cell 'gru': 'dropout' is 1.5"),
        (lambda: Recurrent("gru", 3, recurrent_dropout=-1), "cell 'gru': 'recurrent_dropout' is -1"),
        (lambda: Recurrent("gru", 3)(drawn(1, 2, 4)), "cell 'gru': 'sequences' has the shape"),
        (
            lambda: Recurrent("lstm", 3)(drawn(1, 2, 4, 3), initial_state=[drawn(1, 2, 3)]),
            "cell 'lstm': 'initial_state' has 1 tensors, expected 2: hidden state, cell state",
        ),
        (
            lambda: Recurrent("gru", 3)(drawn(1, 2, 4, 3), initial_state=[drawn(1, 2, 5)]),
            r"cell 'gru': 'initial_state' has the shape \(2, 5\), expected \(batch, units\) = \(2, 3\)",
        ),
        (
            lambda: Recurrent("gru", 3)(drawn(1, 2, 4, 3), mask=np.ones((2, 3), bool)),
            "cell 'gru': 'mask' has the shape",
        ),
        (lambda: Recurrent("gruu", 3), "Did you mean 'gru'"),
        (lambda: Recurrent(3, 3), "unknown cell 3"),
        (lambda: Recurrent("gru", "3"), "'units' is '3'"),
        (lambda: Recurrent("gru", 3, seed=-1), "'seed' is -1"),
        (lambda: Recurrent("gru", 3, return_state="yes"), "'return_state' is 'yes', expected True or False"),
        (lambda: Recurrent("gru", 3, kernel_initializer="glorot"), "'kernel_initializer' is 'glorot'"),
        (lambda: Recurrent("gru", 3, bias_initializer=None), "'bias_initializer' is None, expected an initializer"),
        (lambda: Recurrent("gru", 3, stateful=True), "the option 'stateful' of Keras's layers is not supported"),
        (lambda: Recurrent("gru", 3)(np.full((2, 4, 3), "a")), "'sequences' is of type string, expected real numbers"),
        (lambda: Recurrent("gru", 3)(drawn(1, 2, 4, 3) * 1j), "'sequences' is of type complex"),
        (lambda: Recurrent("gru", 3)(drawn(1, 2, 0, 3)), "at least one time step"),
        (lambda: used_layer()(drawn(1, 2, 4, 5)), r"\(2, 4, 5\), expected \(batch, time, features\) with 3 features"),
        (lambda: used_layer()(drawn(1, 2, 4)), r"\(2, 4\), expected \(batch, time, features\)"),
        (
            lambda: Recurrent("gru", 3)(drawn(1, 2, 4, 3), initial_state=[drawn(1, 1, 3)]),
            r"'initial_state' has the shape \(1, 3\), expected \(batch, units\) = \(2, 3\)",
        ),
        (
            lambda: used_layer()(drawn(1, 2, 4, 3), initial_state=drawn(1, 5, 3)),
            r"'initial_state' has the shape \(5, 3\), expected \(batch, units\) = \(2, 3\)",
        ),
        (lambda: Recurrent("lstm", 3)(drawn(1, 2, 4, 3), initial_state=[]), "'initial_state' has 0 tensors"),
        (lambda: Recurrent("lstm", 3)(drawn(1, 2, 4, 3), initial_state=[None, None]), "has the shape None"),
        (lambda: Recurrent("gru", 3)(drawn(1, 2, 4, 3), initial_state="zero"), "is of type string"),
        (
            lambda: Recurrent("gru", 3)(keras.Input((4, 3)), initial_state=[keras.Input((5,))]),
            r"'initial_state' has the shape \(None, 5\)",
        ),
        (lambda: Recurrent(one_gate(step=cells["simple_rnn"].step), 3).get_config(), "cannot be saved or copied"),
        (lambda: Recurrent(replace(cells["gru"], summary=""), 3).get_config(), "cannot be saved or copied"),
    ],
)
def test_invalid_input_is_named(call, words: str) -> None:
    with pytest.raises(UserError, match=words):
        call()


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_infinite_and_nan_inputs_are_refused_in_eager_mode(value: float) -> None:
    inputs = drawn(1, 2, 4, 3)
    inputs[0, 1, 1] = value
    with pytest.raises(UserError, match="cell 'gru': 'sequences' contains NaN or infinite values"):
        Recurrent("gru", 3)(inputs)


def test_a_user_cell_without_a_layer_in_keras_has_the_fused_backend_alone() -> None:
    cell = one_gate(step=cells["simple_rnn"].step)
    with pytest.raises(UserError, match=r"'keras_layer', which backend 'keras' needs; available: fused"):
        get_model(cell, backend="keras")
